#include "exchange/skim.h"

struct walk {
    const uint8_t *start, *at, *end;
    uint8_t        objects[SKIM_DEPTH / 8]; /* bit per open container: it is an object */
};

/* ---- tokens: each is stood before and left behind; false: it is none ---- */

static void
skip_space(struct walk *w)
{
    while (w->at < w->end && (*w->at == ' ' || *w->at == '\n' || *w->at == '\r' || *w->at == '\t'))
        w->at++;
}

static bool
skip_byte(struct walk *w, uint8_t c)
{
    skip_space(w);
    if (w->at == w->end || *w->at != c)
        return false;
    w->at++;
    return true;
}

#define EACH_BYTE(n) (0x0101010101010101ULL * (n))

/* Eight bytes at a time, up to one that means something: a quote, an escape, a control character, beyond ASCII. */
static void
skip_plain(struct walk *w)
{
    uint64_t word;

    for (; w->end - w->at >= 8; w->at += 8) {
        memcpy(&word, w->at, 8);
        uint64_t quote = word ^ EACH_BYTE('"'), escape = word ^ EACH_BYTE('\\');
        uint64_t marks = (quote - EACH_BYTE(1)) | (escape - EACH_BYTE(1)) | (word - EACH_BYTE(0x20)) | word;
        if ((marks & EACH_BYTE(0x80)) != 0)
            break;
    }
    while (w->at < w->end && *w->at >= 0x20 && *w->at < 0x80 && *w->at != '"' && *w->at != '\\')
        w->at++;
}

static bool
skip_escape(struct walk *w)
{
    static const char others[] = "\"\\/bfnrt";

    if (++w->at == w->end)
        return false;
    uint8_t c = *w->at++;
    if (c != 'u')
        return memchr(others, c, sizeof others - 1) != NULL;
    for (int i = 0; i < 4; i++, w->at++)
        if (w->at == w->end ||
            !((*w->at >= '0' && *w->at <= '9') || ((*w->at | 0x20) >= 'a' && (*w->at | 0x20) <= 'f')))
            return false;
    return true;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool
skip_beyond_ascii(struct walk *w)
{
    uint8_t  first = *w->at++;
    int      more  = first >= 0xc2 && first < 0xe0   ? 1
                     : first >= 0xe0 && first < 0xf0 ? 2
                     : first >= 0xf0 && first < 0xf5 ? 3
                                                     : 0;
    uint32_t point = more == 1 ? first & 0x1f : more == 2 ? first & 0x0f : first & 0x07;

    if (more == 0 || w->end - w->at < more)
        return false;
    for (int i = 0; i < more; i++, w->at++) {
        if ((*w->at & 0xc0) != 0x80)
            return false;
        point = point << 6 | (*w->at & 0x3f);
    }
    return more == 1 || (more == 2 && point >= 0x800 && (point < 0xd800 || point > 0xdfff)) ||
           (more == 3 && point >= 0x10000 && point <= 0x10ffff);
}

static bool
skip_string(struct walk *w)
{
    if (!skip_byte(w, '"'))
        return false;
    for (;;) {
        skip_plain(w);
        if (w->at == w->end || *w->at < 0x20)
            return false;
        if (*w->at == '"') {
            w->at++;
            return true;
        }
        if (!(*w->at == '\\' ? skip_escape(w) : skip_beyond_ascii(w)))
            return false;
    }
}

static bool
skip_digits(struct walk *w)
{
    const uint8_t *from = w->at;

    while (w->at < w->end && *w->at >= '0' && *w->at <= '9')
        w->at++;
    return w->at > from;
}

static bool
skip_number(struct walk *w)
{
    if (*w->at == '-')
        w->at++;
    if (w->at < w->end && *w->at == '0')
        w->at++;
    else if (!skip_digits(w))
        return false;
    if (w->at < w->end && *w->at == '.') {
        w->at++;
        if (!skip_digits(w))
            return false;
    }
    if (w->at < w->end && (*w->at | 0x20) == 'e') {
        w->at++;
        if (w->at < w->end && (*w->at == '+' || *w->at == '-'))
            w->at++;
        return skip_digits(w);
    }
    return true;
}

static bool
skip_literal(struct walk *w)
{
    static const struct str literals[] = {{"true", 4}, {"false", 5}, {"null", 4}};

    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++)
        if ((size_t)(w->end - w->at) >= literals[i].len && memcmp(w->at, literals[i].data, literals[i].len) == 0) {
            w->at += literals[i].len;
            return true;
        }
    return false;
}

/* ---- values ---- */

static bool
skip_key(struct walk *w)
{
    return skip_string(w) && skip_byte(w, ':');
}

static bool
skip_scalar(struct walk *w)
{
    if (*w->at == '"')
        return skip_string(w);
    return *w->at == '-' || (*w->at >= '0' && *w->at <= '9') ? skip_number(w) : skip_literal(w);
}

/* Opens what begins here, up to its first value. False: it may not. */
static bool
enter(struct walk *w, size_t *depth, bool *is_empty)
{
    bool is_object = *w->at++ == '{';

    if (*depth == SKIM_DEPTH)
        return false;
    if (is_object)
        w->objects[*depth / 8] |= (uint8_t)(1U << *depth % 8);
    else
        w->objects[*depth / 8] &= (uint8_t) ~(1U << *depth % 8);
    ++*depth;
    skip_space(w);
    *is_empty = w->at < w->end && *w->at == (is_object ? '}' : ']');
    return *is_empty || !is_object || skip_key(w);
}

/* Behind a value, or before the end of an empty container: closes what ends here. True: another value follows, or
 * `depth` is 0. */
static bool
leave(struct walk *w, size_t *depth)
{
    while (*depth > 0) {
        bool is_object = (w->objects[(*depth - 1) / 8] >> (*depth - 1) % 8 & 1) != 0;
        skip_space(w);
        uint8_t c = w->at < w->end ? *w->at++ : 0;
        if (c == ',')
            return !is_object || skip_key(w);
        if (c != (is_object ? '}' : ']'))
            return false;
        --*depth;
    }
    return true;
}

static bool
skip_value(struct walk *w)
{
    size_t depth = 0;

    do {
        skip_space(w);
        if (w->at == w->end)
            return false;
        if (*w->at == '{' || *w->at == '[') {
            bool is_empty;
            if (!enter(w, &depth, &is_empty))
                return false;
            if (!is_empty)
                continue;
        } else if (!skip_scalar(w)) {
            return false;
        }
        if (!leave(w, &depth))
            return false;
    } while (depth > 0);
    return true;
}

/* ---- what is kept ---- */

static const struct str members[] = {{"jsonrpc", 7}, {"id", 2},     {"method", 6},
                                     {"params", 6},  {"result", 6}, {"error", 5}};
static const struct str parts[]   = {
      {"name", 4},        {"uri", 3},           {"taskId", 6},      {"ref", 3},
      {"level", 5},       {"_meta", 5},         {"requestId", 9},   {"progressToken", 13},
      {"clientInfo", 10}, {"capabilities", 12}, {"serverInfo", 10}, {"protocolVersion", 15},
      {"isError", 7},     {"code", 4}};

/* A key written with an escape may be any: it is kept, and the tree tells. */
static bool
is_among(struct str quoted, const struct str *names, size_t count)
{
    struct str key = str_of(quoted.data + 1, quoted.len - 2);

    if (str_index(key, '\\') >= 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(key, names[i])) /* in other capitals it may be refused */
            return true;
    return false;
}

static bool
keep(struct skim *s, const struct walk *w, struct str part)
{
    if (s->count == SKIM_PIECES)
        return false;
    s->pieces[s->count++] =
        (struct skim_piece){(size_t)((const uint8_t *)part.data - w->start), buffer_len(&s->text), part.len};
    return buffer_append(&s->text, part);
}

static struct str
since(const struct walk *w, const uint8_t *from)
{
    return str_of((const char *)from, (size_t)(w->at - from));
}

static bool keep_members(struct skim *s, struct walk *w, bool is_top);

/* The value behind a key that matters: params, result and error are looked into. */
static bool
keep_value(struct skim *s, struct walk *w, struct str quoted, bool is_top)
{
    skip_space(w);
    const uint8_t *from = w->at;
    if (is_top && from < w->end && *from == '{') {
        if (!keep_members(s, w, false))
            return false;
        if (str_eq(quoted, STR("\"result\"")))
            s->result = since(w, from);
        return true;
    }
    if (!skip_value(w))
        return false;
    struct str value   = since(w, from);
    bool       is_meta = str_eq_nocase(quoted, STR("\"_meta\"")); /* names progress tokens: never overlooked */
    return value.len <= SKIM_KEPT || is_meta ? keep(s, w, value) : buffer_append(&s->text, STR("null"));
}

/* An object: `{` was not read yet. */
static bool
keep_members(struct skim *s, struct walk *w, bool is_top)
{
    const struct str *names    = is_top ? members : parts;
    size_t            count    = is_top ? sizeof members / sizeof members[0] : sizeof parts / sizeof parts[0];
    bool              is_first = true;

    if (!skip_byte(w, '{') || !buffer_append_char(&s->text, '{'))
        return false;
    if (skip_byte(w, '}'))
        return buffer_append_char(&s->text, '}');
    do {
        skip_space(w);
        const uint8_t *from = w->at;
        if (!skip_string(w))
            return false;
        struct str quoted = since(w, from);
        if (!skip_byte(w, ':'))
            return false;
        if (!is_among(quoted, names, count) || quoted.len > 1024) {
            if (!skip_value(w))
                return false;
            continue;
        }
        if ((!is_first && !buffer_append_char(&s->text, ',')) || !keep(s, w, quoted) ||
            !buffer_append_char(&s->text, ':') || !keep_value(s, w, quoted, is_top))
            return false;
        is_first = false;
    } while (skip_byte(w, ','));
    return skip_byte(w, '}') && buffer_append_char(&s->text, '}');
}

static bool
is_at_end(struct walk *w)
{
    skip_space(w);
    return w->at == w->end;
}

static bool
fail(const struct walk *w, struct error *err)
{
    return error_set(err, ERROR_INVALID, "the message is not JSON: unexpected at byte %zu", (size_t)(w->at - w->start));
}

static void
begin(struct walk *w, struct str message)
{
    w->start = w->at = (const uint8_t *)message.data;
    w->end           = w->start + message.len;
}

bool
skim_read(struct skim *s, struct str message, struct error *err)
{
    struct walk w = {0};

    *s = (struct skim){.text.max = SKIM_PIECES * (SKIM_KEPT + 8), .message = message};
    begin(&w, message);
    return (keep_members(s, &w, true) && is_at_end(&w)) || fail(&w, err);
}

void
skim_clear(struct skim *s)
{
    buffer_clear(&s->text);
}

size_t
skim_place(const struct skim *s, size_t at)
{
    for (size_t i = 0; i < s->count; i++)
        if (at - s->pieces[i].at < s->pieces[i].len)
            return s->pieces[i].from + (at - s->pieces[i].at);
    return 0;
}

bool
skim_array(struct str message, size_t *count, struct error *err)
{
    struct walk w = {0};

    *count = 0;
    begin(&w, message);
    if (!skip_byte(&w, '['))
        return fail(&w, err);
    if (skip_byte(&w, ']'))
        return is_at_end(&w) || fail(&w, err);
    do {
        if (!skip_value(&w))
            return fail(&w, err);
        ++*count;
    } while (skip_byte(&w, ','));
    return (skip_byte(&w, ']') && is_at_end(&w)) || fail(&w, err);
}
