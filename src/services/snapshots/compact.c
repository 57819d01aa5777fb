/* A snapshot in few tokens. The continuation prompt spends them on headings, blank lines, dashes, and JSON that is
 * indented; here a section is a line, and JSON loses its quotes where nothing is lost with them.
 *
 * A context is blocks of text with blank lines between. A block whose first line ends with a colon is a section; of a
 * list each item, of a JSON object each member is a piece, and so is any other block. When there is too much for
 * `max_tokens`, pieces are taken by the rank of what they are, then as they stand; what is taken keeps its order. */
#include <stdlib.h>

#include "base/arena.h"
#include "mcp/json.h"
#include "services/snapshots/words.h"

enum rank { RANK_SUMMARY, RANK_NEXT, RANK_DECISION, RANK_STATE, RANK_TEXT, RANK_FILE, RANKS };

enum { TITLE_MOST = 80, NAMED_MOST = 6, ROUNDS = 12, CUT_LEAST = 24, PIECES_MOST = 100000 };

struct piece {
    struct str  title; /* of its section; none: it stands alone */
    struct str  text;
    const char *join;    /* what stands between it and the one before it in its section */
    size_t      section; /* of the same number: one section */
    uint64_t    tokens;
    enum rank   rank;
    bool        is_kept, is_cut;
};

struct compact {
    struct arena *arena;
    struct piece *pieces;
    size_t        count, cap, sections;
    struct piece  nowhere;   /* for who adds one when there is */
    bool          is_broken; /* no memory */
};

/* --- how many tokens --- */

enum kind { KIND_LETTER, KIND_DIGIT, KIND_SPACE, KIND_LINE, KIND_SIGN, KIND_WIDE, KIND_FOREIGN };

static enum kind
kind_of(unsigned char c)
{
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
        return KIND_LETTER;
    if (c >= '0' && c <= '9')
        return KIND_DIGIT;
    if (c == ' ' || c == '\t')
        return KIND_SPACE;
    if (c == '\n')
        return KIND_LINE;
    return c < 0x80 ? KIND_SIGN : c >= 0xE0 ? KIND_WIDE : KIND_FOREIGN;
}

/* Of a run of one kind, as the tokenizers of large models cut it on average, in quarters. */
static uint64_t
quarters(enum kind kind, size_t len)
{
    switch (kind) {
    case KIND_LETTER:
        return 4 + (len > 8 ? (len - 8) * 4 / 6 : 0); /* a word, with the space before it; long ones are cut */
    case KIND_DIGIT:
        return (len + 2) / 3 * 4;
    case KIND_SPACE:
        return len > 1 ? 4 : 0;
    case KIND_LINE:
        return 4;
    case KIND_SIGN:
        return (len + 1) / 2 * 4;
    case KIND_WIDE:
        return len * 4 / 3; /* three bytes a character, a token each */
    case KIND_FOREIGN:
        return len; /* two bytes a character, two of them a token */
    }
    return 0;
}

uint64_t
words_tokens(struct str text)
{
    uint64_t sum = 0;

    if (text.data == NULL)
        return 0;
    for (size_t at = 0, end; at < text.len; at = end) {
        enum kind kind = kind_of((unsigned char)text.data[at]);
        for (end = at + 1; end < text.len; end++) {
            unsigned char c          = (unsigned char)text.data[end];
            bool          is_between = c >= 0x80 && c < 0xC0 && kind >= KIND_WIDE; /* inside of a character */
            if (kind_of(c) != kind && !is_between)
                break;
        }
        sum += quarters(kind, end - at);
    }
    return (sum + 3) / 4;
}

/* --- pieces --- */

static struct piece *
add_piece(struct compact *c, size_t section, struct str title, struct str text, enum rank rank)
{
    if (c->count == c->cap) {
        size_t        cap  = c->cap == 0 ? 64 : c->cap * 2;
        struct piece *more = cap > PIECES_MOST * 2 ? NULL : arena_alloc(c->arena, cap * sizeof *more);
        if (more == NULL) {
            c->is_broken = true;
            return &c->nowhere;
        }
        if (c->count > 0)
            memcpy(more, c->pieces, c->count * sizeof *more);
        c->pieces = more;
        c->cap    = cap;
    }
    struct piece *p = &c->pieces[c->count++];
    *p              = (struct piece){
                     .title = title, .text = text, .join = "\n", .section = section, .tokens = words_tokens(text) + 1, .rank = rank};
    return p;
}

/* Of a buffer, which is cleared. */
static struct str
keep_text(struct compact *c, struct buffer *b, bool ok)
{
    struct str kept = ok ? arena_str(c->arena, buffer_str(b)) : STR_NONE;

    c->is_broken |= !ok || (kept.data == NULL && buffer_len(b) > 0);
    buffer_clear(b);
    return kept;
}

static enum rank
rank_of(struct str title)
{
    if (str_eq_nocase(title, STR("decisions")) || str_eq_nocase(title, STR("blockers")))
        return RANK_DECISION;
    if (str_eq_nocase(title, STR("code state")))
        return RANK_STATE;
    return str_eq_nocase(title, STR("files")) ? RANK_FILE : RANK_TEXT;
}

/* Without the spaces at its lines' ends. */
static struct str
tidy(struct compact *c, struct str text)
{
    struct buffer b  = {.max = SIZE_MAX};
    bool          ok = true;
    struct str    line;

    while (ok && str_cut(&text, '\n', &line)) {
        while (line.len > 0 && (line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\t'))
            line.len--;
        ok = (buffer_len(&b) == 0 || buffer_append_char(&b, '\n')) && buffer_append(&b, line);
    }
    return keep_text(c, &b, ok);
}

/* --- JSON without quotes --- */

static bool
is_bare(struct str s)
{
    uint64_t number;

    if (s.len == 0 || s.data[0] == ' ' || s.data[s.len - 1] == ' ' || s.data[s.len - 1] == ':' || s.data[0] == '-' ||
        str_find(s, STR(": ")) >= 0 || str_to_u64(s, &number) || str_eq(s, STR("true")) || str_eq(s, STR("false")) ||
        str_eq(s, STR("null")))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (str_index(STR(",{}[]\"\n\t"), s.data[i]) >= 0)
            return false;
    return s.data[0] < '0' || s.data[0] > '9' || str_index(s, '.') < 0; /* "1.5" is no number */
}

static bool
append_flow(struct buffer *out, yyjson_val *value)
{
    yyjson_val *key, *member;
    size_t      index, max;
    bool        is_object = yyjson_is_obj(value), ok = true;
    struct str  text = json_str(value);

    if (yyjson_is_str(value))
        return is_bare(text) ? buffer_append(out, text) : buffer_append_json(out, text);
    if (!yyjson_is_ctn(value)) {
        char *written = yyjson_val_write(value, 0, NULL);
        ok            = written != NULL && buffer_append(out, str_from(written));
        free(written);
        return ok;
    }
    ok = buffer_append_char(out, is_object ? '{' : '[');
    if (is_object) {
        yyjson_obj_foreach(value, index, max, key, member)
        {
            ok = ok && (index == 0 || buffer_append(out, STR(", "))) && append_flow(out, key) &&
                 buffer_append(out, STR(": ")) && append_flow(out, member);
        }
    } else {
        yyjson_arr_foreach(value, index, max, member)
        {
            ok = ok && (index == 0 || buffer_append(out, STR(", "))) && append_flow(out, member);
        }
    }
    return ok && buffer_append_char(out, is_object ? '}' : ']');
}

static void
add_member(struct compact *c, size_t section, struct str title, yyjson_val *key, yyjson_val *member)
{
    struct buffer b  = {.max = SIZE_MAX};
    bool          ok = append_flow(&b, key) && buffer_append(&b, STR(": ")) && append_flow(&b, member);
    struct piece *p  = add_piece(c, section, title, keep_text(c, &b, ok), rank_of(title));

    p->join = ", ";
}

static bool
goes_deep(struct str json)
{
    size_t depth = 0;

    for (size_t i = 0; i < json.len; i++) {
        if (json.data[i] == '{' || json.data[i] == '[')
            depth++;
        else if ((json.data[i] == '}' || json.data[i] == ']') && depth > 0)
            depth--;
        if (depth > 200)
            return true;
    }
    return false;
}

/* False: it is none, and nothing was added. */
static bool
add_json(struct compact *c, size_t section, struct str title, struct str body)
{
    yyjson_val *key, *member;
    size_t      index, max;
    bool        is_likely = body.len > 1 && (body.data[0] == '{' || body.data[0] == '[') && !goes_deep(body);
    yyjson_doc *doc       = is_likely ? yyjson_read(body.data, body.len, YYJSON_READ_NUMBER_AS_RAW) : NULL;
    yyjson_val *root      = yyjson_doc_get_root(doc);

    if (yyjson_obj_size(root) > 0) {
        yyjson_obj_foreach(root, index, max, key, member)
        {
            add_member(c, section, title, key, member);
        }
    } else if (root != NULL) {
        struct buffer b  = {.max = SIZE_MAX};
        bool          ok = append_flow(&b, root);
        add_piece(c, section, title, keep_text(c, &b, ok), rank_of(title));
    }
    yyjson_doc_free(doc);
    return root != NULL;
}

/* --- reading a context --- */

/* Items of a line each, with a dash before them. False: it is no such list, and nothing was added. */
static bool
add_items(struct compact *c, size_t section, struct str title, struct str body)
{
    struct str  rest = body, line;
    const char *join = ", ";

    while (str_cut(&rest, '\n', &line)) {
        if (!str_starts(line, STR("- ")) || line.len == 2)
            return false;
        if (str_index(line, ',') >= 0)
            join = "; ";
    }
    if (str_index(body, ';') >= 0)
        join = "\n- ";
    while (str_cut(&body, '\n', &line))
        add_piece(c, section, title, str_trim(str_skip(line, 2)), rank_of(title))->join = join;
    return true;
}

/* One without a blank line in it. */
static void
add_block(struct compact *c, struct str block)
{
    ptrdiff_t  end     = str_index(block, '\n');
    struct str title   = end < 0 ? STR_NONE : str_take(block, (size_t)end);
    struct str body    = str_skip(block, title.len + 1);
    size_t     section = c->sections++;

    if (title.len < 2 || title.len > TITLE_MOST || title.data[title.len - 1] != ':') {
        add_piece(c, section, STR_NONE, tidy(c, block), RANK_TEXT);
        return;
    }
    title = str_take(title, title.len - 1);
    if (!add_items(c, section, title, body) && !add_json(c, section, title, body))
        add_piece(c, section, title, tidy(c, body), rank_of(title));
}

static bool
is_blank(struct str line)
{
    return str_trim(line).len == 0;
}

static void
add_context(struct compact *c, struct str context)
{
    const char *from = NULL;
    struct str  line, rest = context;

    while (str_cut(&rest, '\n', &line)) {
        if (is_blank(line) && from != NULL) {
            add_block(c, str_of(from, (size_t)(line.data - from) - 1));
            from = NULL;
        } else if (!is_blank(line) && from == NULL) {
            from = line.data;
        }
    }
    if (from != NULL)
        add_block(c, str_of(from, (size_t)(context.data + context.len - from)));
}

static void
read_pieces(struct compact *c, const struct snapshot_text *text)
{
    add_piece(c, c->sections++, STR_NONE, tidy(c, text->summary), RANK_SUMMARY);
    add_context(c, text->context);
    if (text->next_steps.len > 0)
        add_piece(c, c->sections++, STR("Next"), tidy(c, text->next_steps), RANK_NEXT);
}

/* --- choosing --- */

/* What of `p` fits into so many tokens, cut between words. */
static bool
cut_piece(struct piece *p, uint64_t tokens)
{
    size_t len = p->text.len;

    if (tokens < CUT_LEAST)
        return false;
    while (len > 0 && words_tokens(str_take(p->text, len)) + 2 > tokens) {
        len = len * tokens / (p->tokens + 1) < len ? len - (len + 7) / 8 : len - 1;
    }
    while (len > 0 && p->text.data[len] != ' ' && p->text.data[len] != '\n')
        len--;
    if (len == 0)
        return false;
    p->text          = str_take(p->text, len);
    p->tokens        = words_tokens(p->text) + 2;
    return p->is_cut = p->is_kept = true;
}

/* Pieces by rank while there is room for them. */
static void
choose(struct compact *c, uint64_t room)
{
    size_t last   = SIZE_MAX; /* section whose title is counted */
    bool   is_cut = false;

    for (int rank = RANK_SUMMARY; rank < RANKS; rank++)
        for (size_t i = 0; i < c->count; i++) {
            struct piece *p    = &c->pieces[i];
            uint64_t      cost = p->tokens + (p->section != last && p->title.len > 0 ? words_tokens(p->title) + 2 : 0);
            if (p->rank != (enum rank)rank)
                continue;
            p->is_kept = cost <= room;
            if (!p->is_kept && !is_cut && (rank == RANK_SUMMARY || rank == RANK_NEXT || rank == RANK_TEXT))
                is_cut = cut_piece(p, room);
            if (!p->is_kept)
                continue;
            cost = p->is_cut ? p->tokens : cost;
            room -= cost < room ? cost : room;
            last = p->section;
        }
}

/* --- writing --- */

static bool
write_pieces(const struct compact *c, struct buffer *out)
{
    size_t last = SIZE_MAX;
    bool   ok   = true;

    for (size_t i = 0; i < c->count && ok; i++) {
        const struct piece *p = &c->pieces[i];
        if (!p->is_kept)
            continue;
        if (p->section == last) {
            ok = buffer_append(out, str_from(p->join));
        } else {
            bool is_lines = p->join[0] == '\n' && p->join[1] == '-';
            ok            = last == SIZE_MAX || buffer_append_char(out, '\n');
            ok            = ok && (p->title.len == 0 ||
                        (buffer_append(out, p->title) && buffer_append(out, is_lines ? STR(":") : STR(": "))));
            ok            = ok && (!is_lines || buffer_append(out, STR("\n- ")));
        }
        ok   = ok && buffer_append(out, p->text) && (!p->is_cut || buffer_append(out, STR(" …")));
        last = p->section;
    }
    return ok;
}

static struct str
name_of(const struct piece *p)
{
    return p->rank == RANK_SUMMARY ? STR("summary") : p->title.len > 0 ? p->title : STR("text");
}

/* "Files (12 of 30), text (1 of 4)" */
static bool
write_names(const struct compact *c, struct buffer *out)
{
    size_t named = 0;
    bool   ok    = true;

    for (size_t i = 0, next; i < c->count && ok; i = next) {
        struct str name = name_of(&c->pieces[i]);
        size_t     gone = 0;
        for (next = i; next < c->count && str_eq(name_of(&c->pieces[next]), name); next++)
            gone += !c->pieces[next].is_kept || c->pieces[next].is_cut;
        if (gone == 0)
            continue;
        if (named++ == NAMED_MOST)
            return buffer_append(out, STR(" and more"));
        ok = buffer_append(out, named == 1 ? STR(": ") : STR(", ")) && buffer_append(out, name) &&
             (next - i == 1 || buffer_printf(out, " (%zu of %zu)", gone, next - i));
    }
    return ok;
}

/* The last line: what there is besides, and how to get it. */
static bool
write_rest(const struct compact *c, const struct snapshot *s, uint64_t whole, uint64_t max_tokens, struct buffer *out)
{
    return buffer_printf(out, "%s[Left out, of about %llu tokens", buffer_len(out) > 0 ? "\n" : "",
                         (unsigned long long)whole) &&
           (max_tokens < 200 || write_names(c, out)) &&
           buffer_printf(out, ". All of it: load_snapshot with id %lld]", (long long)s->id);
}

/* Within `max_tokens`, but for one so small that the last line has no room. */
static bool
write_within(struct compact *c, const struct snapshot *s, uint64_t whole, uint64_t max_tokens, struct buffer *out)
{
    uint64_t room = max_tokens - max_tokens / 8;
    bool     ok   = true;

    for (int round = 0; ok && round < ROUNDS; round++, room -= room / 5) {
        buffer_reset(out);
        choose(c, room);
        ok = write_pieces(c, out) && write_rest(c, s, whole, max_tokens, out);
        if (words_tokens(buffer_str(out)) <= max_tokens)
            break;
    }
    return ok;
}

bool
compact_write(const struct snapshot *snapshot, uint64_t max_tokens, struct buffer *out)
{
    struct compact c    = {.arena = arena_new(KIB(16), SIZE_MAX / 2)};
    struct buffer  text = {.max = out->max};
    bool           ok   = c.arena != NULL;

    if (!ok)
        return false;
    read_pieces(&c, &snapshot->text);
    for (size_t i = 0; i < c.count; i++)
        c.pieces[i].is_kept = true;
    ok             = !c.is_broken && write_pieces(&c, &text);
    uint64_t whole = words_tokens(buffer_str(&text));
    if (ok && max_tokens > 0 && whole > max_tokens)
        ok = write_within(&c, snapshot, whole, max_tokens, &text);
    ok = ok && buffer_append(out, buffer_str(&text));
    buffer_clear(&text);
    arena_free(c.arena);
    return ok;
}
