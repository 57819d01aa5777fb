#include "store/answer.h"

/* The keys that mean something, by where they stand. */
enum {
    KEY_OTHER,
    KEY_RESULT,
    KEY_ERROR,
    KEY_PARAMS, /* of the message */
    KEY_CODE,   /* of error */
    KEY_IS_ERROR,
    KEY_CONTENT, /* of result: content, contents, messages */
    KEY_NAME,
    KEY_ARGUMENTS, /* of params */
    KEY_TEXT       /* at any depth: text, data, blob */
};

#define KEY(literal, key)                                                                                              \
    {                                                                                                                  \
        {literal, sizeof literal - 1}, key                                                                             \
    }
static const struct {
    struct str text;
    uint8_t    key;
} keys[] = {
    KEY("result", KEY_RESULT),    KEY("error", KEY_ERROR),         KEY("params", KEY_PARAMS),
    KEY("code", KEY_CODE),        KEY("isError", KEY_IS_ERROR),    KEY("content", KEY_CONTENT),
    KEY("contents", KEY_CONTENT), KEY("messages", KEY_CONTENT),    KEY("name", KEY_NAME),
    KEY("text", KEY_TEXT),        KEY("arguments", KEY_ARGUMENTS), KEY("data", KEY_TEXT),
    KEY("blob", KEY_TEXT),
};

enum { KEY_CUT = UINT8_MAX };

static uint8_t
key_of(const struct answer *a)
{
    if (a->key_len < 4 || a->key_len > 9) /* no key of ours is so short, or so long */
        return KEY_OTHER;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (a->key_len == keys[i].text.len && a->key[0] == keys[i].text.data[0] &&
            memcmp(a->key, keys[i].text.data, a->key_len) == 0)
            return keys[i].key;
    }
    return KEY_OTHER;
}

/* Containers around this place that belong to the message: 1 is the message itself. */
static uint32_t
level(const struct answer *a)
{
    return a->depth - a->base;
}

static bool
in_object(const struct answer *a)
{
    return a->depth > 0 && a->depth < 64 && (a->objects >> a->depth & 1) != 0;
}

static bool
in_arguments(const struct answer *a)
{
    return a->section == KEY_PARAMS && a->part == KEY_ARGUMENTS && level(a) >= 2;
}

static void
key_ended(struct answer *a)
{
    uint8_t key = a->key_len == KEY_CUT ? KEY_OTHER : key_of(a);

    a->leaf = key;
    if (level(a) == 1) {
        a->section = key;
        a->part    = KEY_OTHER;
        a->has_result |= key == KEY_RESULT;
        a->has_error |= key == KEY_ERROR;
        a->quick_done = a->quick && a->has_result;
    } else if (level(a) == 2) {
        a->part = key;
    }
}

static void
string_begins(struct answer *a)
{
    a->in_string = true;
    a->escaped   = false;
    a->is_key    = in_object(a) && a->wants_key;
    a->key_len   = 0;
    a->counts    = false;
    if (in_arguments(a) && (level(a) > 2 || !a->is_key)) {
        a->counts = true;
        a->characters += 2; /* the quotes */
    } else if (!a->is_key && a->section == KEY_PARAMS && a->part == KEY_NAME && level(a) == 2) {
        a->counts = true;
    } else if (!a->is_key && a->section == KEY_RESULT && a->part == KEY_CONTENT && a->leaf == KEY_TEXT) {
        a->counts = true;
    }
}

/* A byte behind a backslash. Arguments count as they are written, texts as they read. */
static void
escape_byte(struct answer *a, uint8_t c)
{
    if (a->hex > 0) {
        a->hex--;
        a->characters += in_arguments(a) && a->counts;
    } else {
        a->escaped = false;
        a->hex     = c == 'u' ? 4 : 0;
        a->characters += a->counts ? (in_arguments(a) ? 2 : 1) : 0;
    }
}

#define EACH_BYTE(n) (0x0101010101010101ULL * (n))

/* Marks (0x80) the bytes of `word` that equal `c`; those above the first mark may be marked wrongly. */
static inline uint64_t
mark(uint64_t word, uint8_t c)
{
    uint64_t zero = word ^ EACH_BYTE(c);

    return (zero - EACH_BYTE(1)) & ~zero & EACH_BYTE(0x80);
}

/* UTF-16 units of eight bytes of UTF-8, of which those that are zero count as one each: a byte that does not continue a
 * character is a unit, the first of four another. */
static inline uint64_t
units_of(uint64_t word)
{
    if ((word & EACH_BYTE(0x80)) == 0)
        return 8;
    return 8 - (uint64_t)__builtin_popcountll(word & ~(word << 1) & EACH_BYTE(0x80)) +
           (uint64_t)__builtin_popcountll(word & word << 1 & word << 2 & word << 3 & EACH_BYTE(0x80));
}

/* Up to the next quote or backslash, eight bytes at a time; adds the units on the way. */
static const uint8_t *
plain_bytes(const uint8_t *p, const uint8_t *end, uint64_t *units)
{
    uint64_t word, marks;

    for (; end - p >= 8; p += 8) {
        memcpy(&word, p, 8);
        marks = mark(word, '"') | mark(word, '\\');
        if (marks != 0) {
            unsigned bits = (unsigned)__builtin_ctzll(marks) & ~7U; /* of the bytes before the first mark */
            *units += units_of(word & ((1ULL << bits) - 1)) - (8 - bits / 8);
            return p + bits / 8;
        }
        *units += units_of(word);
    }
    for (; p < end && *p != '"' && *p != '\\'; p++)
        *units += ((*p & 0xc0) != 0x80) + (*p >= 0xf0);
    return p;
}

static void
key_bytes(struct answer *a, const uint8_t *from, const uint8_t *to)
{
    size_t len = (size_t)(to - from);

    if (a->key_len == KEY_CUT || len > sizeof a->key - a->key_len) {
        a->key_len = KEY_CUT;
        return;
    }
    memcpy(a->key + a->key_len, from, len);
    a->key_len = (uint8_t)(a->key_len + len);
}

static const uint8_t *
string_bytes(struct answer *a, const uint8_t *p, const uint8_t *end)
{
    while (p < end && a->in_string) {
        if (a->escaped || a->hex > 0) {
            escape_byte(a, *p++);
            continue;
        }
        const uint8_t *from  = p;
        uint64_t       units = 0;
        p                    = plain_bytes(p, end, &units);
        if (a->is_key)
            key_bytes(a, from, p);
        if (a->counts)
            a->characters += units;
        if (p == end)
            break;
        if (*p++ == '\\') {
            a->escaped = true;
            if (a->is_key)
                a->key_len = KEY_CUT; /* none of ours is written so */
        } else {
            a->in_string = false;
            if (a->is_key)
                key_ended(a);
        }
    }
    return p;
}

static void
container_begins(struct answer *a, bool object)
{
    if (!a->based && object) {
        a->based = true;
        a->base  = (uint8_t)(a->depth < UINT8_MAX ? a->depth : UINT8_MAX);
    }
    a->items += a->section == KEY_RESULT && a->part == KEY_CONTENT && object && level(a) == 3;
    a->depth += a->depth < UINT32_MAX;
    if (a->depth < 64)
        a->objects = (a->objects & ~(1ULL << a->depth)) | (uint64_t)object << a->depth;
    a->wants_key = object;
    a->leaf      = KEY_OTHER;
}

static void
container_ends(struct answer *a)
{
    a->depth -= a->depth > a->base;
    a->wants_key = false;
    if (level(a) == 1)
        a->part = KEY_OTHER;
    if (level(a) == 0)
        a->section = KEY_OTHER;
}

/* Of a number or a literal. */
static void
literal_byte(struct answer *a, uint8_t c)
{
    if (level(a) != 2 || a->wants_key)
        return;
    if (a->section == KEY_RESULT && a->part == KEY_IS_ERROR && c == 't') {
        a->is_error = true;
    } else if (a->section == KEY_ERROR && a->part == KEY_CODE) {
        a->minus |= c == '-';
        if (c >= '0' && c <= '9' && a->code < 100000000 && a->code > -100000000) {
            a->has_code = true;
            a->code     = a->code * 10 + (a->minus ? -(c - '0') : c - '0');
        }
    }
}

static bool
is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

void
answer_scan(struct answer *a, struct str piece)
{
    const uint8_t *p   = (const uint8_t *)piece.data;
    const uint8_t *end = p + piece.len;

    while (p < end && !a->quick_done) {
        if (a->in_string) {
            p = string_bytes(a, p, end);
            continue;
        }
        uint8_t c = *p++;
        if (!a->based && c != '{' && c != '[')
            continue; /* the fields of an SSE event */
        if (c == '"') {
            string_begins(a);
            continue;
        }
        if (c == '}' || c == ']')
            container_ends(a);
        a->characters += in_arguments(a) && !is_space(c) && (level(a) > 2 || (c != ':' && c != ','));
        if (c == '{' || c == '[')
            container_begins(a, c == '{');
        else if (c == ':')
            a->wants_key = false;
        else if (c == ',')
            a->wants_key = in_object(a);
        else if (c != '}' && c != ']')
            literal_byte(a, c);
    }
}

uint64_t
answer_tokens_in(const struct answer *request)
{
    return (request->characters + 3) / 4;
}

uint64_t
answer_tokens_out(const struct answer *answer)
{
    enum { FOR_THE_ANSWER = 40, FOR_EACH_ITEM = 20 };

    if (!answer->has_result)
        return 0;
    return (answer->characters + FOR_THE_ANSWER + FOR_EACH_ITEM * answer->items + 3) / 4;
}
