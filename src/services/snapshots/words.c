#include "services/snapshots/words.h"
#include "mcp/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEPTH_MOST = 100, TEXT_MOST = 256 << 20 /* when there is no limit */ };

/* --- what may be stored --- */

static bool
is_control(struct str s, size_t at)
{
    unsigned char c    = (unsigned char)s.data[at];
    unsigned char next = at + 1 < s.len ? (unsigned char)s.data[at + 1] : 0;

    return (c < 0x20 && c != '\t' && c != '\n' && !(c == '\r' && next == '\n')) || c == 0x7F ||
           (c == 0xC2 && next >= 0x80 && next < 0xA0);
}

static bool
check_controls(const char *what, struct str text, struct error *err)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (is_control(text, i))
            return error_set(err, ERROR_INVALID,
                             "%s has the control character U+%04X at byte %zu; only tab and newline are kept", what,
                             c == 0xC2 ? (unsigned char)text.data[i + 1] : c, i);
    }
    return true;
}

/* CRLF as LF. */
static struct str
unify_lines(struct str text, struct arena *a)
{
    char  *out = arena_alloc(a, text.len + 1);
    size_t at  = 0;

    for (size_t i = 0; out != NULL && i < text.len; i++)
        if (text.data[i] != '\r' || i + 1 == text.len || text.data[i + 1] != '\n')
            out[at++] = text.data[i];
    return str_of(out, at);
}

bool
text_check(const char *what, struct str text, size_t most, struct arena *a, struct str *out, struct error *err)
{
    if (text.len > most)
        return error_set(err, ERROR_TOO_LARGE, "%s has %zu bytes; at most %zu are kept", what, text.len, most);
    if (!str_is_utf8(text))
        return error_set(err, ERROR_INVALID, "%s is not UTF-8", what);
    struct str unified = unify_lines(text, a);
    if (unified.data == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    *out = unified;
    return check_controls(what, unified, err);
}

/* Unicode's white space and line ends, as ECMAScript trims them: how many bytes of one begin at `at`; 0: none. */
static size_t
space_at(struct str s, size_t at)
{
    static const char *const spaces[] = {" ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\u00A0", "\u1680",
                                         "\u2028", "\u2029", "\u202F", "\u205F", "\u3000", "\uFEFF", NULL};
    struct str               rest     = str_skip(s, at);

    for (size_t i = 0; spaces[i] != NULL; i++)
        if (str_starts(rest, str_from(spaces[i])))
            return strlen(spaces[i]);
    bool is_wide = rest.len >= 3 && memcmp(rest.data, "\xE2\x80", 2) == 0; /* U+2000 to U+200A */
    return is_wide && (unsigned char)rest.data[2] >= 0x80 && (unsigned char)rest.data[2] <= 0x8A ? 3 : 0;
}

static struct str
trim(struct str s)
{
    size_t from = 0, end = s.len, step;

    while (from < s.len && (step = space_at(s, from)) > 0)
        from += step;
    while (end > from) {
        size_t at = end - 1;
        while (at > from && ((unsigned char)s.data[at] & 0xC0) == 0x80)
            at--;
        if (space_at(str_take(s, end), at) != end - at)
            break;
        end = at;
    }
    return str_of(s.data + from, end - from);
}

/* --- a context as text --- */

static bool
append_spaces(struct buffer *out, size_t count)
{
    return buffer_printf(out, "%*s", (int)count, "");
}

/* As ECMAScript has it: 1e+21 where yyjson writes 1e21. */
static bool
append_real(struct buffer *out, yyjson_val *number)
{
    size_t    len;
    char     *text = yyjson_val_write(number, 0, &len);
    ptrdiff_t sign = text == NULL ? -1 : str_index(str_of(text, len), 'e') + 1;

    bool ok =
        text != NULL && (sign <= 0 || text[sign] == '-' ? buffer_append(out, str_of(text, len))
                                                        : buffer_printf(out, "%.*s+%s", (int)sign, text, text + sign));
    free(text);
    return ok;
}

static bool
append_number(struct buffer *out, yyjson_val *number)
{
    double real = yyjson_get_real(number);

    if (yyjson_is_raw(number))
        return buffer_append(out, json_raw(number));
    if (yyjson_is_uint(number))
        return buffer_printf(out, "%llu", (unsigned long long)yyjson_get_uint(number));
    if (yyjson_is_int(number))
        return buffer_printf(out, "%lld", (long long)yyjson_get_sint(number));
    bool is_small = real > -9e15 && real < 9e15; /* larger ones have no fraction */
    if (is_small ? real == (double)(int64_t)real : real > -1e21 && real < 1e21)
        return buffer_printf(out, "%.0f", real == 0 ? 0.0 : real); /* 2, where yyjson writes 2.0 */
    return append_real(out, number);
}

static bool append_json(struct buffer *out, yyjson_val *value, size_t indent);

static bool
append_members(struct buffer *out, yyjson_val *value, size_t indent)
{
    yyjson_val *key, *member;
    size_t      index, max;
    bool        ok = true;

    yyjson_obj_foreach(value, index, max, key, member)
    {
        ok = ok && buffer_append(out, index == 0 ? STR("\n") : STR(",\n")) && append_spaces(out, indent) &&
             buffer_append_json(out, json_str(key)) && buffer_append(out, STR(": ")) &&
             append_json(out, member, indent);
    }
    return ok;
}

static bool
append_elements(struct buffer *out, yyjson_val *value, size_t indent)
{
    yyjson_val *element;
    size_t      index, max;
    bool        ok = true;

    yyjson_arr_foreach(value, index, max, element)
    {
        ok = ok && buffer_append(out, index == 0 ? STR("\n") : STR(",\n")) && append_spaces(out, indent) &&
             append_json(out, element, indent);
    }
    return ok;
}

/* As JSON.stringify(value, null, 2) has it. How deep it goes was checked. */
static bool
append_json(struct buffer *out, yyjson_val *value, size_t indent)
{
    bool is_object = yyjson_is_obj(value);

    if (yyjson_is_str(value))
        return buffer_append_json(out, json_str(value));
    if (yyjson_is_num(value) || yyjson_is_raw(value))
        return append_number(out, value);
    if (!yyjson_is_ctn(value))
        return buffer_append(out, yyjson_is_true(value)   ? STR("true")
                                  : yyjson_is_null(value) ? STR("null")
                                                          : STR("false"));
    if (yyjson_get_len(value) == 0)
        return buffer_append(out, is_object ? STR("{}") : STR("[]"));
    return buffer_append(out, is_object ? STR("{") : STR("[")) &&
           (is_object ? append_members : append_elements)(out, value, indent + 2) && buffer_append_char(out, '\n') &&
           append_spaces(out, indent) && buffer_append(out, is_object ? STR("}") : STR("]"));
}

static bool
append_plain(struct buffer *out, yyjson_val *value)
{
    return yyjson_is_str(value) ? buffer_append(out, json_str(value)) : append_json(out, value, 0);
}

static bool
append_list(struct buffer *out, const char *title, yyjson_val *list)
{
    yyjson_val *item;
    size_t      index, max;
    bool        ok = yyjson_arr_size(list) == 0 || buffer_printf(out, "%s:\n", title);

    yyjson_arr_foreach(list, index, max, item)
    {
        ok = ok && buffer_append(out, STR("- ")) && append_plain(out, item) && buffer_append_char(out, '\n');
    }
    return ok && (yyjson_arr_size(list) == 0 || buffer_append_char(out, '\n'));
}

static const char *const own_keys[] = {"files", "decisions", "blockers", "code_state", NULL};

static bool
is_own_key(yyjson_val *key)
{
    for (size_t i = 0; own_keys[i] != NULL; i++)
        if (yyjson_equals_str(key, own_keys[i]))
            return true;
    return false;
}

static bool
append_others(struct buffer *out, yyjson_val *context)
{
    yyjson_val *key, *value;
    size_t      index, max;
    bool        ok = true;

    yyjson_obj_foreach(context, index, max, key, value)
    {
        if (is_own_key(key))
            continue;
        ok = ok && append_plain(out, key) && buffer_append(out, STR(":\n")) && append_plain(out, value) &&
             buffer_append(out, STR("\n\n"));
    }
    return ok;
}

bool
context_write(yyjson_val *context, struct buffer *out)
{
    struct buffer text  = {.max = out->max};
    yyjson_val   *state = yyjson_obj_get(context, "code_state");

    bool ok = append_list(&text, "Files", yyjson_obj_get(context, "files")) &&
              append_list(&text, "Decisions", yyjson_obj_get(context, "decisions")) &&
              append_list(&text, "Blockers", yyjson_obj_get(context, "blockers")) &&
              (yyjson_obj_size(state) == 0 || (buffer_append(&text, STR("Code State:\n")) &&
                                               append_json(&text, state, 0) && buffer_append(&text, STR("\n\n")))) &&
              append_others(&text, context) && buffer_append(out, trim(buffer_str(&text)));
    buffer_clear(&text);
    return ok;
}

bool
prompt_write(const struct snapshot_text *text, struct buffer *out)
{
    return buffer_append(out, STR("Resuming: ")) && buffer_append(out, text->summary) &&
           buffer_append(out, STR("\n\nContext:\n")) && buffer_append(out, text->context) &&
           (text->next_steps.len == 0 ||
            (buffer_append(out, STR("\n\nNext:\n")) && buffer_append(out, text->next_steps)));
}

/* --- a text from what was given --- */

static bool
has_memory(bool ok, struct error *err)
{
    return ok || error_set(err, ERROR_MEMORY, "no memory");
}

static struct str
str_of_value(yyjson_val *value)
{
    return json_str(value);
}

/* A text that may be taken away by an empty one. */
static bool
read_text(yyjson_val *object, const char *what, size_t most, struct arena *a, struct str *out, struct error *err)
{
    yyjson_val *value = yyjson_obj_get(object, what);
    struct str  text;

    if (value == NULL)
        return true;
    if (!yyjson_is_str(value) && !yyjson_is_null(value))
        return error_set(err, ERROR_INVALID, "%s must be a text", what);
    if (!text_check(what, yyjson_is_str(value) ? str_of_value(value) : STR(""), most, a, &text, err))
        return false;
    if (text.len > 0 && trim(text).len == 0)
        return error_set(err, ERROR_INVALID, "%s is blank", what);
    *out = text.len == 0 ? STR_NONE : text;
    return true;
}

/* A text of one line. */
static bool
read_label(yyjson_val *object, const char *what, struct arena *a, struct str *out, struct error *err)
{
    if (!read_text(object, what, WORDS_NAME_MOST, a, out, err))
        return false;
    if (str_index(*out, '\n') >= 0 || str_index(*out, '\t') >= 0)
        return error_set(err, ERROR_INVALID, "%s must be one line, without tabs", what);
    return true;
}

/* Sorted into its place; twice is once. */
static void
add_tag(struct str *tags, size_t *count, struct str tag)
{
    size_t at = *count;

    for (size_t i = 0; i < *count; i++)
        if (str_eq(tags[i], tag))
            return;
    for (; at > 0 && str_compare(tags[at - 1], tag) > 0; at--)
        tags[at] = tags[at - 1];
    tags[at] = tag;
    ++*count;
}

static bool
read_tags(yyjson_val *object, struct arena *a, struct snapshot_text *text, struct error *err)
{
    yyjson_val *list = yyjson_obj_get(object, "tags"), *item;
    size_t      index, max, count = 0;
    struct str  tag;

    if (list == NULL)
        return true;
    if (!yyjson_is_arr(list))
        return error_set(err, ERROR_INVALID, "tags must be a list of texts");
    struct str *tags = arena_alloc(a, (SNAPSHOT_TAGS_MOST + 1) * sizeof *tags);
    if (!has_memory(tags != NULL, err))
        return false;
    yyjson_arr_foreach(list, index, max, item)
    {
        if (!yyjson_is_str(item))
            return error_set(err, ERROR_INVALID, "tags must be a list of texts");
        if (!text_check("a tag", str_of_value(item), WORDS_TAG_MOST, a, &tag, err))
            return false;
        tag = trim(tag);
        if (tag.len == 0 || str_index(tag, '\n') >= 0 || str_index(tag, '\t') >= 0)
            return error_set(err, ERROR_INVALID, "a tag must be one line, and not blank");
        add_tag(tags, &count, tag);
        if (count > SNAPSHOT_TAGS_MOST)
            return error_set(err, ERROR_INVALID, "at most %d tags are kept", SNAPSHOT_TAGS_MOST);
    }
    text->tags      = tags;
    text->tag_count = count;
    return true;
}

/* Keys and texts of a context, and how deep it goes. */
static bool
check_tree(yyjson_val *value, unsigned depth, struct error *err)
{
    yyjson_val *key, *member;
    size_t      index, max;

    if (depth > DEPTH_MOST)
        return error_set(err, ERROR_INVALID, "context is nested deeper than %d", DEPTH_MOST);
    if (yyjson_is_str(value))
        return check_controls("context", str_of_value(value), err);
    if (yyjson_is_obj(value)) {
        yyjson_obj_foreach(value, index, max, key, member)
        {
            if (!check_tree(key, depth, err) || !check_tree(member, depth + 1, err))
                return false;
        }
    }
    if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, index, max, member)
        {
            if (!check_tree(member, depth + 1, err))
                return false;
        }
    }
    return true;
}

static bool
keep_structure(yyjson_val *context, struct arena *a, struct str *out, struct error *err)
{
    size_t len;
    char  *text = yyjson_val_write(context, 0, &len);

    *out = text == NULL ? STR_NONE : arena_str(a, str_of(text, len));
    free(text);
    return has_memory(out->data != NULL, err);
}

static bool
read_structure(yyjson_val *context, uint64_t most, struct arena *a, struct snapshot_text *text, struct error *err)
{
    struct buffer b = {.max = most + 1};

    if (!check_tree(context, 0, err))
        return false;
    bool is_written = context_write(context, &b);
    bool ok         = is_written
                          ? text_check("context", buffer_str(&b), most, a, &text->context, err)
                          : error_set(err, ERROR_TOO_LARGE, "context is larger than %llu bytes, or there is no memory for it",
                                      (unsigned long long)most);
    buffer_clear(&b);
    return ok && keep_structure(context, a, &text->structured, err);
}

static bool
read_context(yyjson_val *object, uint64_t most, struct arena *a, struct snapshot_text *text, struct error *err)
{
    yyjson_val *structured = yyjson_obj_get(object, "structured"); /* of an export, and `context` is its text */
    yyjson_val *context    = yyjson_is_obj(structured) ? structured : yyjson_obj_get(object, "context");

    if (context == NULL)
        return true;
    text->structured = STR_NONE;
    if (yyjson_is_obj(context) ? !read_structure(context, most, a, text, err)
                               : !read_text(object, "context", most, a, &text->context, err))
        return false;
    return text->context.len > 0 || error_set(err, ERROR_INVALID, "context is empty");
}

static bool
read_importance(yyjson_val *object, struct snapshot_text *text, struct error *err)
{
    yyjson_val *value = yyjson_obj_get(object, "importance");
    double      given = value == NULL ? SNAPSHOT_IMPORTANCE : yyjson_get_num(value);

    if (value == NULL && text->importance != 0)
        return true;
    if (!(given >= 1 && given <= SNAPSHOT_IMPORTANCE_MOST) || given != (int)given)
        return error_set(err, ERROR_INVALID, "importance must be 1, 2, 3, 4 or 5");
    text->importance = (int)given;
    return true;
}

static bool
make_prompt(struct arena *a, struct snapshot_text *text, struct error *err)
{
    struct buffer prompt = {.max = SIZE_MAX};

    text->prompt = prompt_write(text, &prompt) ? arena_str(a, buffer_str(&prompt)) : STR_NONE;
    buffer_clear(&prompt);
    return has_memory(text->prompt.data != NULL, err);
}

bool
text_read(yyjson_val *object, uint64_t most, struct arena *a, struct snapshot_text *text, struct error *err)
{
    if (most == 0)
        most = TEXT_MOST;
    if (!read_text(object, "summary", WORDS_SUMMARY_MOST, a, &text->summary, err) ||
        !read_context(object, most, a, text, err) || !read_label(object, "name", a, &text->name, err) ||
        !read_label(object, "project", a, &text->project, err) ||
        !read_text(object, "next_steps", WORDS_NEXT_MOST, a, &text->next_steps, err) ||
        !read_tags(object, a, text, err) || !read_importance(object, text, err))
        return false;
    if (text->summary.len == 0 || text->context.len == 0)
        return error_set(err, ERROR_INVALID, "summary and context are required");
    return make_prompt(a, text, err);
}

bool
prompt_complete(struct snapshot_text *text, struct arena *a)
{
    return trim(text->prompt).len > 0 || make_prompt(a, text, NULL);
}

/* --- times --- */

void
time_write_old(wall_time t, char out[OLD_TIME_SIZE])
{
    char iso[TIME_ISO_SIZE];

    time_format_iso(t, iso);
    snprintf(out, OLD_TIME_SIZE, "%.10s %.8s", iso, iso + 11);
}
