#include "exchange/skim.h"

/* What is expected next. Of a token that ends in the middle only strings and numbers are gone on with: they may be as
 * long as the message. The begin of any other waits until it is whole. */
enum {
    AT_VALUE,       /* behind `:` or `,` */
    AT_FIRST_VALUE, /* or `]` */
    AT_KEY,         /* behind `,` */
    AT_FIRST_KEY,   /* or `}` */
    AT_COLON,
    AT_NEXT, /* behind a value: `,` or an end */
    IN_KEY,
    IN_STRING,
    IN_SIGN, /* of a number: behind `-`, */
    IN_ZERO, /* its 0, */
    IN_INTEGER,
    IN_POINT, /* behind the point, */
    IN_FRACTION,
    IN_E, /* behind e, */
    IN_EXPONENT_SIGN,
    IN_EXPONENT
};

/* Whether to go on: the text so far may end in the middle of a token. */
enum step { STEP_ON, STEP_WAIT, STEP_WRONG };

/* The text so far. */
struct walk {
    const uint8_t *start, *at, *end;
};

/* ---- strings ---- */

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
is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static enum step
skip_escape(struct walk *w)
{
    static const char others[] = "\"\\/bfnrt";
    const uint8_t    *at       = w->at + 1;

    if (at == w->end)
        return STEP_WAIT;
    if (*at != 'u') {
        w->at = at + 1;
        return memchr(others, *at, sizeof others - 1) != NULL ? STEP_ON : STEP_WRONG;
    }
    for (int i = 0; i < 4; i++) {
        if (++at == w->end)
            return STEP_WAIT;
        if (!is_hex(*at))
            return STEP_WRONG;
    }
    w->at = at + 1;
    return STEP_ON;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static enum step
skip_beyond_ascii(struct walk *w)
{
    const uint8_t *at    = w->at;
    uint8_t        first = *at++;
    int            more  = first >= 0xc2 && first < 0xe0   ? 1
                           : first >= 0xe0 && first < 0xf0 ? 2
                           : first >= 0xf0 && first < 0xf5 ? 3
                                                           : 0;
    uint32_t       point = more == 1 ? first & 0x1f : more == 2 ? first & 0x0f : first & 0x07;

    if (more == 0)
        return STEP_WRONG;
    if (w->end - at < more)
        return STEP_WAIT;
    for (int i = 0; i < more; i++, at++) {
        if ((*at & 0xc0) != 0x80)
            return STEP_WRONG;
        point = point << 6 | (*at & 0x3f);
    }
    w->at = at;
    return more == 1 || (more == 2 && point >= 0x800 && (point < 0xd800 || point > 0xdfff)) ||
                   (more == 3 && point >= 0x10000 && point <= 0x10ffff)
               ? STEP_ON
               : STEP_WRONG;
}

/* To behind the closing quote. */
static enum step
skip_string(struct walk *w)
{
    enum step step = STEP_ON;

    while (step == STEP_ON) {
        skip_plain(w);
        if (w->at == w->end)
            return STEP_WAIT;
        if (*w->at < 0x20)
            return STEP_WRONG;
        if (*w->at == '"') {
            w->at++;
            return STEP_ON;
        }
        step = *w->at == '\\' ? skip_escape(w) : skip_beyond_ascii(w);
    }
    return step;
}

/* ---- numbers and literals ---- */

static bool
is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* The next state of a number behind `c`; AT_NEXT: `c` is no part of it. 0: it may not stand here. */
static uint8_t
after_digit(uint8_t state, uint8_t c)
{
    switch (state) {
    case IN_SIGN:
        return c == '0' ? IN_ZERO : is_digit(c) ? IN_INTEGER : 0;
    case IN_ZERO:
    case IN_INTEGER:
    case IN_FRACTION:
        if (is_digit(c))
            return state == IN_ZERO ? AT_NEXT : state;
        if ((c | 0x20) == 'e')
            return IN_E;
        return c == '.' && state != IN_FRACTION ? IN_POINT : AT_NEXT;
    case IN_POINT:
        return is_digit(c) ? IN_FRACTION : 0;
    case IN_E:
        if (c == '+' || c == '-')
            return IN_EXPONENT_SIGN;
        return is_digit(c) ? IN_EXPONENT : 0;
    case IN_EXPONENT_SIGN:
        return is_digit(c) ? IN_EXPONENT : 0;
    default:
        return is_digit(c) ? IN_EXPONENT : AT_NEXT;
    }
}

/* Goes on with a number, to behind it. */
static enum step
skip_number(struct walk *w, uint8_t *state)
{
    while (w->at < w->end) {
        uint8_t next = after_digit(*state, *w->at);
        if (next == 0)
            return STEP_WRONG;
        if (next == AT_NEXT)
            return STEP_ON;
        *state = next;
        w->at++;
    }
    return STEP_WAIT;
}

static enum step
skip_literal(struct walk *w)
{
    static const struct str literals[] = {{"true", 4}, {"false", 5}, {"null", 4}};
    size_t                  left       = (size_t)(w->end - w->at);

    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        size_t len = literals[i].len < left ? literals[i].len : left;
        if (memcmp(w->at, literals[i].data, len) != 0)
            continue;
        if (len < literals[i].len)
            return STEP_WAIT;
        w->at += len;
        return STEP_ON;
    }
    return STEP_WRONG;
}

/* ---- what is kept ---- */

static const struct str members[] = {{"jsonrpc", 7}, {"id", 2},     {"method", 6},
                                     {"params", 6},  {"result", 6}, {"error", 5}};
static const struct str parts[]   = {
      {"name", 4},        {"uri", 3},           {"taskId", 6},      {"ref", 3},
      {"level", 5},       {"_meta", 5},         {"requestId", 9},   {"progressToken", 13},
      {"clientInfo", 10}, {"capabilities", 12}, {"serverInfo", 10}, {"protocolVersion", 15},
      {"isError", 7},     {"code", 4}};

enum { LEVELS = 2, KEY_MAX = 1024 }; /* the members of the message, and of params, result and error */

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
add(struct skim *s, struct str text)
{
    if (buffer_append(&s->text, text))
        return true;
    s->no_memory = buffer_len(&s->text) + text.len <= s->text.max;
    return false;
}

static bool
keep(struct skim *s, const struct walk *w, struct str part)
{
    if (s->count == SKIM_PIECES)
        return false;
    s->pieces[s->count++] =
        (struct skim_piece){(size_t)((const uint8_t *)part.data - w->start), buffer_len(&s->text), part.len};
    return add(s, part);
}

/* From an offset to here. */
static struct str
since(const struct walk *w, size_t from)
{
    return str_of((const char *)w->start + from, (size_t)(w->at - w->start) - from);
}

/* A key on one of the levels ended. */
static bool
key_ended(struct skim *s, const struct walk *w)
{
    struct skim_level *level  = &s->levels[s->depth - 1];
    struct str         quoted = since(w, s->from);
    bool               is_top = s->depth == 1;

    level->is_kept = (is_top || s->levels[0].is_open) && quoted.len <= KEY_MAX &&
                     (is_top ? is_among(quoted, members, sizeof members / sizeof members[0])
                             : is_among(quoted, parts, sizeof parts / sizeof parts[0]));
    if (!level->is_kept)
        return true;
    level->is_result = is_top && str_eq(quoted, STR("\"result\""));
    level->is_meta   = str_eq_nocase(quoted, STR("\"_meta\"")); /* names progress tokens: never overlooked */
    if (level->has_members && !add(s, STR(",")))
        return false;
    level->has_members = true;
    return keep(s, w, quoted) && add(s, STR(":"));
}

/* A value begins on the outermost level or one below: what is looked into is opened in the text too. */
static bool
value_begins(struct skim *s, const struct walk *w)
{
    bool is_object = *w->at == '{';

    if (s->is_array)
        return s->depth > 0 || *w->at == '[';
    if (s->depth == 0 && !is_object)
        return false;
    if (s->depth > 0) {
        s->levels[s->depth - 1].from    = (size_t)(w->at - w->start);
        s->levels[s->depth - 1].is_open = s->depth == 1 && is_object && s->levels[0].is_kept;
    }
    if (s->depth > 0 && !s->levels[0].is_open)
        return true;
    if (s->depth == LEVELS)
        return true;
    s->levels[s->depth].has_members = false;
    return add(s, STR("{"));
}

/* A value ended on these levels. */
static bool
value_ended(struct skim *s, const struct walk *w)
{
    if (s->is_array) {
        s->count += s->depth == 1;
        return s->count <= BATCH_MOST;
    }
    if (s->depth == 0)
        return add(s, STR("}"));
    const struct skim_level *level = &s->levels[s->depth - 1];
    struct str               value = since(w, level->from);
    if (!level->is_kept || (s->depth == LEVELS && !s->levels[0].is_open))
        return true;
    if (s->depth == 1 && level->is_open) {
        s->levels[0].is_open = false;
        if (level->is_result) {
            s->result_from = level->from;
            s->result_len  = value.len;
        }
        return add(s, STR("}"));
    }
    return value.len <= SKIM_KEPT || level->is_meta ? keep(s, w, value) : add(s, STR("null"));
}

/* ---- values ---- */

static void
skip_space(struct walk *w)
{
    while (w->at < w->end && (*w->at == ' ' || *w->at == '\n' || *w->at == '\r' || *w->at == '\t'))
        w->at++;
}

static bool
is_in_object(const struct skim *s)
{
    return s->depth > 0 && (s->objects[(s->depth - 1) / 8] >> (s->depth - 1) % 8 & 1) != 0;
}

static enum step
end_value(struct skim *s, const struct walk *w)
{
    s->state = AT_NEXT;
    return s->depth > LEVELS || value_ended(s, w) ? STEP_ON : STEP_WRONG;
}

static enum step
go_on_with_number(struct skim *s, struct walk *w)
{
    enum step step = skip_number(w, &s->state);

    return step == STEP_ON ? end_value(s, w) : step;
}

static enum step
enter(struct skim *s, struct walk *w)
{
    bool is_object = *w->at++ == '{';

    if (s->depth == SKIM_DEPTH)
        return STEP_WRONG;
    if (is_object)
        s->objects[s->depth / 8] |= (uint8_t)(1U << s->depth % 8);
    else
        s->objects[s->depth / 8] &= (uint8_t) ~(1U << s->depth % 8);
    s->depth++;
    s->state = is_object ? AT_FIRST_KEY : AT_FIRST_VALUE;
    return STEP_ON;
}

static enum step
leave(struct skim *s, struct walk *w)
{
    if (s->depth == 0 || *w->at != (is_in_object(s) ? '}' : ']'))
        return STEP_WRONG;
    w->at++;
    s->depth--;
    return end_value(s, w);
}

static enum step
begin_value(struct skim *s, struct walk *w)
{
    uint8_t c = *w->at;

    if (c == ']' && s->state == AT_FIRST_VALUE)
        return leave(s, w);
    if (s->depth <= LEVELS && !value_begins(s, w))
        return STEP_WRONG;
    if (c == '{' || c == '[')
        return enter(s, w);
    if (c == '"') {
        s->state = IN_STRING;
        w->at++;
        return STEP_ON;
    }
    if (c == '-' || is_digit(c)) {
        s->state = c == '-' ? IN_SIGN : c == '0' ? IN_ZERO : IN_INTEGER;
        w->at++;
        return go_on_with_number(s, w);
    }
    enum step step = skip_literal(w);
    return step == STEP_ON ? end_value(s, w) : step;
}

static enum step
begin_key(struct skim *s, struct walk *w)
{
    if (*w->at == '}' && s->state == AT_FIRST_KEY)
        return leave(s, w);
    if (*w->at != '"')
        return STEP_WRONG;
    s->from  = (size_t)(w->at++ - w->start);
    s->state = IN_KEY;
    return STEP_ON;
}

/* Between two tokens, before one. */
static enum step
take_token(struct skim *s, struct walk *w)
{
    switch (s->state) {
    case AT_VALUE:
    case AT_FIRST_VALUE:
        return begin_value(s, w);
    case AT_KEY:
    case AT_FIRST_KEY:
        return begin_key(s, w);
    case AT_COLON:
        s->state = AT_VALUE;
        return *w->at++ == ':' ? STEP_ON : STEP_WRONG;
    default:
        if (*w->at != ',' || s->depth == 0)
            return leave(s, w);
        w->at++;
        s->state = is_in_object(s) ? AT_KEY : AT_VALUE;
        return STEP_ON;
    }
}

static enum step
walk_on(struct skim *s, struct walk *w)
{
    enum step step;

    switch (s->state) {
    case IN_KEY:
        if ((step = skip_string(w)) != STEP_ON)
            return step;
        s->state = AT_COLON;
        return s->depth > LEVELS || s->is_array || key_ended(s, w) ? STEP_ON : STEP_WRONG;
    case IN_STRING:
        step = skip_string(w);
        return step == STEP_ON ? end_value(s, w) : step;
    case AT_VALUE:
    case AT_FIRST_VALUE:
    case AT_KEY:
    case AT_FIRST_KEY:
    case AT_COLON:
    case AT_NEXT:
        skip_space(w);
        return w->at < w->end ? take_token(s, w) : STEP_WAIT;
    default:
        return go_on_with_number(s, w);
    }
}

void
skim_begin(struct skim *s)
{
    *s = (struct skim){.text.max = SKIM_PIECES * (SKIM_KEPT + 8), .state = AT_VALUE};
}

void
skim_feed(struct skim *s, struct str so_far)
{
    const uint8_t *start = (const uint8_t *)so_far.data;
    enum step      step  = STEP_ON;

    if (s->is_wrong || so_far.len <= s->at)
        return;
    struct walk w = {start, start + s->at, start + so_far.len};
    while (step == STEP_ON)
        step = walk_on(s, &w);
    s->is_wrong |= step == STEP_WRONG;
    s->at = (size_t)(w.at - w.start);
}

bool
skim_end(struct skim *s, struct str message, struct error *err)
{
    skim_feed(s, message);
    if (s->no_memory)
        return error_set(err, ERROR_MEMORY, "no memory to read a message of %zu bytes", message.len);
    if (s->is_wrong || s->state != AT_NEXT || s->depth > 0)
        return error_set(err, ERROR_INVALID, "the message is not JSON: unexpected at byte %zu", s->at);
    s->result = s->result_len == 0 ? STR_NONE : str_of(message.data + s->result_from, s->result_len);
    return true;
}

void
skim_clear(struct skim *s)
{
    buffer_clear(&s->text);
}

void
skim_follow(struct skim **s, struct str so_far)
{
    if (*s == NULL) {
        *s = malloc(sizeof **s);
        if (*s == NULL)
            return;
        skim_begin(*s);
    }
    skim_feed(*s, so_far);
}

void
skim_free(struct skim *s)
{
    if (s == NULL)
        return;
    skim_clear(s);
    free(s);
}

/* The n-th piece, when it is a key. What stands behind a colon is a value. */
static struct str
key_at(const struct skim *s, size_t n)
{
    struct str text = buffer_str(&s->text);
    size_t     at   = s->pieces[n].at;

    return text.data == NULL || at == 0 || text.data[at - 1] == ':' ? STR_NONE
                                                                    : str_of(text.data + at, s->pieces[n].len);
}

struct str
skim_answered(const struct skim *s)
{
    struct str id      = STR_NONE;
    bool       answers = false;

    if (s->is_array || s->is_wrong)
        return STR_NONE;
    for (size_t i = 0; i < s->count; i++) {
        struct str key = key_at(s, i);
        if (str_eq_nocase(key, STR("\"method\"")))
            return STR_NONE;
        answers |= str_eq(key, STR("\"result\"")) || str_eq(key, STR("\"error\""));
        if (str_eq(key, STR("\"id\"")) && i + 1 < s->count && key_at(s, i + 1).len == 0)
            id = str_of(s->text.data + s->text.from + s->pieces[i + 1].at, s->pieces[i + 1].len);
    }
    return answers ? id : STR_NONE;
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
    struct skim s;

    skim_begin(&s);
    s.is_array = true;
    bool ok    = skim_end(&s, message, err);
    *count     = s.count;
    if (!ok && s.count > BATCH_MOST)
        error_set(err, ERROR_INVALID, "the batch has more than %d messages", BATCH_MOST);
    return ok;
}
