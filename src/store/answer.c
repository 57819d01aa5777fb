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

static const struct {
    const char *text;
    uint8_t     key;
} keys[] = {
    {"result", KEY_RESULT},    {"error", KEY_ERROR},     {"params", KEY_PARAMS},       {"code", KEY_CODE},
    {"isError", KEY_IS_ERROR}, {"content", KEY_CONTENT}, {"contents", KEY_CONTENT},    {"messages", KEY_CONTENT},
    {"name", KEY_NAME},        {"text", KEY_TEXT},       {"arguments", KEY_ARGUMENTS}, {"data", KEY_TEXT},
    {"blob", KEY_TEXT},
};

enum { KEY_CUT = UINT8_MAX };

static uint8_t
key_of(const struct answer *a)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (str_eq(str_of(a->key, a->key_len), str_from(keys[i].text)))
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

static const uint8_t *
string_bytes(struct answer *a, const uint8_t *p, const uint8_t *end)
{
    for (; p < end && a->in_string; p++) {
        if (a->escaped || a->hex > 0) {
            escape_byte(a, *p);
        } else if (*p == '"') {
            a->in_string = false;
            if (a->is_key)
                key_ended(a);
        } else if (*p == '\\') {
            a->escaped = true;
        } else if (a->is_key && !a->counts) {
            if (a->key_len < sizeof a->key)
                a->key[a->key_len++] = (char)*p;
            else
                a->key_len = KEY_CUT;
        } else {
            const uint8_t *from  = p;
            uint64_t       units = 0;
            for (; p < end && *p != '"' && *p != '\\'; p++)
                units += ((*p & 0xc0) != 0x80) + (*p >= 0xf0);
            a->characters += a->counts ? units : 0;
            p -= p > from;
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
