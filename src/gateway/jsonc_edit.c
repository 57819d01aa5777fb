/* Changes to one member. A text's own layout is seen from the object that is changed, and its neighbours. */
#include "gateway/jsonc.h"

#include "base/json.h"

enum { PRINT_DEPTH_MAX = 16, ARRAY_LINE_MAX = 100 };

struct layout {
    bool       lines;  /* members stand on lines of their own */
    bool       spaced; /* "a": 1, not "a":1 */
    bool       padded; /* { "a": 1 } */
    struct str newline;
    struct str base;  /* the indentation of level 0 */
    struct str unit;  /* what one level more adds to it */
    unsigned   level; /* of the member that is set */
};

static bool
is_space(struct str text, size_t at)
{
    return at < text.len &&
           (text.data[at] == ' ' || text.data[at] == '\t' || text.data[at] == '\n' || text.data[at] == '\r');
}

static bool
has_line_end(struct str text, size_t from, size_t to)
{
    struct str part = str_take(str_skip(text, from), to - from);

    return str_index(part, '\n') >= 0 || str_index(part, '\r') >= 0;
}

static size_t
line_start(struct str text, size_t at)
{
    while (at > 0 && text.data[at - 1] != '\n' && text.data[at - 1] != '\r')
        at--;
    return at;
}

static size_t
skip_spaces(struct str text, size_t at)
{
    while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\t'))
        at++;
    return at;
}

/* The white space that the line of `at` begins with. */
static struct str
indent_of(struct str text, size_t at)
{
    size_t start = line_start(text, at), end = skip_spaces(text, start);

    return str_of(text.data + start, (end < at ? end : at) - start);
}

static bool
begins_line(struct str text, size_t at)
{
    size_t start = line_start(text, at);

    return start > 0 && skip_spaces(text, start) == at;
}

/* The indentation of the first line that has one, for objects that are still empty. */
static struct str
any_unit(struct str text)
{
    for (size_t at = 0; at < text.len; at++) {
        size_t end = skip_spaces(text, at);
        if ((at == 0 || text.data[at - 1] == '\n') && end > at)
            return text.data[at] == '\t' ? STR("\t") : str_of(text.data + at, end - at);
    }
    return STR("  ");
}

static bool
is_blank_between(struct str text, size_t from, size_t to)
{
    return str_trim(str_of(text.data + from, to - from)).len == 0;
}

/* All members of an object, as far as an edit must know them. */
struct members {
    size_t              open, close;
    size_t              count;
    struct jsonc_member last;
    bool                object_in_line; /* the last member that is an object stands on one line */
    size_t              lined;          /* key of a member that begins a line, or JSONC_NONE */
};

static bool
survey(struct str text, size_t object, struct members *all)
{
    struct jsonc_cursor c;
    struct jsonc_member m;

    *all = (struct members){.open = object, .lined = JSONC_NONE};
    jsonc_open(&c, text, object);
    while (jsonc_next(&c, &m)) {
        all->count++;
        all->last = m;
        if (text.data[m.value_from] == '{' && m.value_to - m.value_from > 2)
            all->object_in_line = !has_line_end(text, m.value_from, m.value_to);
        if (begins_line(text, m.key_from))
            all->lined = m.key_from;
    }
    all->close = c.at;
    return !c.broken;
}

static struct layout
layout_of(struct str text, const struct members *all)
{
    ptrdiff_t     newline = str_index(text, '\n');
    ptrdiff_t     colon   = str_find(text, STR("\":"));
    struct str    outer   = indent_of(text, all->open);
    struct str    inner   = all->lined == JSONC_NONE ? STR_NONE : indent_of(text, all->lined);
    struct layout l       = {.newline = newline > 0 && text.data[newline - 1] == '\r' ? STR("\r\n") : STR("\n")};

    l.spaced = colon < 0 || is_space(text, (size_t)colon + 2);
    l.padded = str_starts(str_skip(text, all->open), STR("{ "));
    l.unit   = inner.len > outer.len && str_starts(inner, outer) ? str_skip(inner, outer.len) : any_unit(text);
    l.base   = all->lined == JSONC_NONE ? outer : inner;
    l.level  = all->lined == JSONC_NONE ? 1 : 0;
    return l;
}

static bool
break_line(struct buffer *out, const struct layout *l, unsigned level)
{
    bool ok = buffer_append(out, l->newline) && buffer_append(out, l->base);

    while (ok && level-- > 0)
        ok = buffer_append(out, l->unit);
    return ok;
}

static bool
print_scalar(struct buffer *out, yyjson_val *value)
{
    struct str text = json_str(value);

    if (yyjson_is_str(value))
        return buffer_append_json(out, text);
    if (yyjson_is_raw(value))
        return buffer_append(out, json_raw(value));
    if (yyjson_is_bool(value))
        return buffer_append(out, yyjson_get_bool(value) ? STR("true") : STR("false"));
    return buffer_append(out, STR("null"));
}

/* A list of plain values that is not too long stands on one line, like the arguments of a command. */
static bool
is_short_list(yyjson_val *value)
{
    size_t      width = 0, i, max;
    yyjson_val *item;

    if (!yyjson_is_arr(value))
        return false;
    yyjson_arr_foreach(value, i, max, item)
    {
        if (yyjson_is_ctn(item))
            return false;
        width += yyjson_get_len(item) + 4;
    }
    return width <= ARRAY_LINE_MAX;
}

static bool print_value(struct buffer *out, yyjson_val *value, const struct layout *l, unsigned level, unsigned depth);

/* Between two items, before the first, and behind the last. */
static bool
part_items(struct buffer *out, const struct layout *l, bool lines, bool edge, bool object, unsigned level)
{
    if (lines)
        return break_line(out, l, level);
    return (edge ? !(l->padded && object) : !l->spaced) || buffer_append_char(out, ' ');
}

static bool
print_items(struct buffer *out, yyjson_val *value, const struct layout *l, unsigned level, unsigned depth)
{
    bool        object = yyjson_is_obj(value), first = true;
    bool        lines = l->lines && !is_short_list(value);
    yyjson_val *item  = unsafe_yyjson_get_first(value);

    if (!buffer_append_char(out, object ? '{' : '['))
        return false;
    for (size_t left = unsafe_yyjson_get_len(value); left > 0; left--, first = false) {
        if ((!first && !buffer_append_char(out, ',')) || !part_items(out, l, lines, first, object, level + 1))
            return false;
        if (object) {
            if (!print_scalar(out, item) || !buffer_append(out, l->spaced ? STR(": ") : STR(":")))
                return false;
            item++;
        }
        if (!print_value(out, item, l, level + 1, depth + 1))
            return false;
        item = unsafe_yyjson_get_next(item);
    }
    return part_items(out, l, lines, true, object, level) && buffer_append_char(out, object ? '}' : ']');
}

static bool
print_value(struct buffer *out, yyjson_val *value, const struct layout *l, unsigned level, unsigned depth)
{
    if (depth > PRINT_DEPTH_MAX)
        return false;
    if (!yyjson_is_ctn(value))
        return print_scalar(out, value);
    if (unsafe_yyjson_get_len(value) == 0)
        return buffer_append(out, yyjson_is_obj(value) ? STR("{}") : STR("[]"));
    return print_items(out, value, l, level, depth);
}

static bool
print(struct buffer *out, struct str json, const struct layout *l)
{
    yyjson_doc *doc = yyjson_read(json.data, json.len, YYJSON_READ_NUMBER_AS_RAW | JSONC_FLAGS);
    bool        ok  = doc != NULL && print_value(out, yyjson_doc_get_root(doc), l, l->level, 0);

    yyjson_doc_free(doc);
    return ok;
}

static bool
copy(struct buffer *out, struct str text, size_t from, size_t to)
{
    return buffer_append(out, str_of(text.data + from, to - from));
}

/* Behind the last thing, comments included, that stands between `from` and the closing brace. */
static size_t
behind_last(struct str text, size_t from, size_t close)
{
    while (close > from && is_space(text, close - 1))
        close--;
    return close;
}

static bool
replace(struct str text, const struct members *all, const struct jsonc_member *old, struct str value,
        struct buffer *out)
{
    struct layout l = layout_of(text, all);

    l.lines = text.data[old->value_from] == '{' && old->value_to - old->value_from > 2
                  ? has_line_end(text, old->value_from, old->value_to)
                  : has_line_end(text, all->open, all->close) && !all->object_in_line;
    if (begins_line(text, old->key_from))
        l.base = indent_of(text, old->key_from);
    return copy(out, text, 0, old->value_from) && print(out, value, &l) && copy(out, text, old->value_to, text.len);
}

static bool
append(struct str text, const struct members *all, struct str key, struct str value, struct buffer *out)
{
    struct layout l      = layout_of(text, all);
    bool          first  = all->count == 0;
    bool          root   = jsonc_skip_blank(text, 0) == all->open;
    bool          inside = has_line_end(text, all->open, all->close);
    bool          lines  = inside || (first && (root || has_line_end(text, 0, all->open)));
    bool          comma  = !first && all->last.comma != JSONC_NONE; /* a trailing one: the file's habit */
    size_t        from   = first ? all->open + 1 : comma ? all->last.comma + 1 : all->last.value_to;
    size_t        behind = behind_last(text, from, all->close);
    size_t        joint  = first ? behind : all->last.value_to;

    l.lines = lines && !all->object_in_line;
    if (!copy(out, text, 0, joint) || (!first && !comma && !buffer_append_char(out, ',')) ||
        !copy(out, text, joint, behind))
        return false;
    if (lines ? !break_line(out, &l, l.level)
              : (first ? l.padded || behind > from : l.spaced) && !buffer_append_char(out, ' '))
        return false;
    if (!buffer_append_json(out, key) || !buffer_append(out, l.spaced ? STR(": ") : STR(":")) ||
        !print(out, value, &l) || (comma && !buffer_append_char(out, ',')))
        return false;
    if (lines && !inside) { /* the brace gets a line of its own, too */
        l.base = indent_of(text, all->open);
        return break_line(out, &l, 0) && copy(out, text, all->close, text.len);
    }
    if (first && !lines && l.padded && behind == all->close && !buffer_append_char(out, ' '))
        return false;
    return copy(out, text, behind, text.len);
}

bool
jsonc_set(struct str text, size_t object, struct str key, struct str value, struct buffer *out)
{
    struct members      all;
    struct jsonc_member old;

    if (!survey(text, object, &all))
        return false;
    return jsonc_find(text, object, key, &old) ? replace(text, &all, &old, value, out)
                                               : append(text, &all, key, value, out);
}

struct cut {
    size_t from, to;
};

/* The text without the cuts, which come in order but may touch. */
static bool
copy_without(struct str text, const struct cut *cuts, size_t count, struct buffer *out)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        if (cuts[i].from > at && !copy(out, text, at, cuts[i].from))
            return false;
        at = cuts[i].to > at ? cuts[i].to : at;
    }
    return copy(out, text, at, text.len);
}

/* Widens the cut of what stands on `from`..`to` over the white space that served only it. */
static struct cut
tidy(struct str text, size_t from, size_t to, bool last)
{
    size_t rest = skip_spaces(text, to);

    if (begins_line(text, from) && rest < text.len && (text.data[rest] == '\n' || text.data[rest] == '\r')) {
        rest += str_starts(str_skip(text, rest), STR("\r\n")) ? 2 : 1;
        return (struct cut){line_start(text, from), rest};
    }
    if (!last)
        return (struct cut){from, rest};
    while (from > 0 && (text.data[from - 1] == ' ' || text.data[from - 1] == '\t'))
        from--;
    return (struct cut){from, to};
}

bool
jsonc_remove(struct str text, size_t object, struct str key, struct buffer *out)
{
    struct jsonc_cursor c;
    struct jsonc_member m      = {0}, gone;
    size_t              before = JSONC_NONE; /* the comma in front of it */
    struct cut          cuts[3];
    size_t              count = 0;

    if (!jsonc_find(text, object, key, &gone))
        return false;
    jsonc_open(&c, text, object);
    while (jsonc_next(&c, &m) && m.key_from != gone.key_from)
        before = m.comma;
    bool last = !jsonc_next(&c, &m);
    if (c.broken)
        return false;
    size_t close = c.at;

    if (before == JSONC_NONE && last) { /* the only one: what is left is empty, or comments */
        size_t end = gone.comma == JSONC_NONE ? gone.value_to : gone.comma + 1;
        if (is_blank_between(text, object + 1, gone.key_from) && is_blank_between(text, end, close)) {
            cuts[0] = (struct cut){object + 1, close};
            return copy_without(text, cuts, 1, out);
        }
    }
    if (last && gone.comma == JSONC_NONE && before != JSONC_NONE)
        cuts[count++] = (struct cut){before, before + 1};
    if (gone.comma != JSONC_NONE && is_blank_between(text, gone.value_to, gone.comma)) {
        cuts[count++] = tidy(text, gone.key_from, gone.comma + 1, last);
    } else {
        cuts[count++] = tidy(text, gone.key_from, gone.value_to, last);
        if (gone.comma != JSONC_NONE)
            cuts[count++] = (struct cut){gone.comma, gone.comma + 1};
    }
    return copy_without(text, cuts, count, out);
}
