#include "gateway/jsonc.h"

#include <stdlib.h>

#include "base/json.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Behind the comment that begins at `at`; `at` itself when none does. */
static size_t
skip_comment(struct str text, size_t at)
{
    struct str rest = str_skip(text, at);

    if (str_starts(rest, STR("//"))) {
        while (at < text.len && text.data[at] != '\n' && text.data[at] != '\r')
            at++;
        return at;
    }
    if (str_starts(rest, STR("/*"))) {
        ptrdiff_t end = str_find(str_skip(rest, 2), STR("*/"));
        return end < 0 ? text.len : at + 2 + (size_t)end + 2;
    }
    return at;
}

size_t
jsonc_skip_blank(struct str text, size_t at)
{
    if (at == 0 && str_starts(text, STR("\xEF\xBB\xBF")))
        at = 3;
    for (;;) {
        size_t from = at;
        while (at < text.len && is_blank(text.data[at]))
            at++;
        at = skip_comment(text, at);
        if (at == from)
            return at;
    }
}

static size_t
skip_string(struct str text, size_t at)
{
    for (at++; at < text.len; at++) {
        if (text.data[at] == '\\')
            at++;
        else if (text.data[at] == '"')
            return at + 1;
    }
    return JSONC_NONE;
}

static bool
ends_word(char c)
{
    return is_blank(c) || c == ',' || c == '}' || c == ']' || c == '/' || c == ':';
}

/* Behind the value that begins at `at`. Brackets are counted, not matched: yyjson did that. */
static size_t
skip_value(struct str text, size_t at)
{
    size_t depth = 0;

    while (at < text.len) {
        char c = text.data[at];
        if (c == '"') {
            at = skip_string(text, at);
            if (at == JSONC_NONE)
                return JSONC_NONE;
        } else if (c == '{' || c == '[') {
            depth++;
            at++;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return JSONC_NONE;
            depth--;
            at++;
        } else if (c == ',' || c == ':') {
            if (depth == 0)
                return JSONC_NONE;
            at++;
        } else {
            size_t from = at;
            while (at < text.len && !ends_word(text.data[at]) && text.data[at] != '"')
                at++;
            if (at == from)
                return JSONC_NONE;
        }
        if (depth == 0)
            return at;
        at = jsonc_skip_blank(text, at);
    }
    return JSONC_NONE;
}

void
jsonc_open(struct jsonc_cursor *c, struct str text, size_t object)
{
    *c =
        (struct jsonc_cursor){.text = text, .at = object + 1, .broken = object >= text.len || text.data[object] != '{'};
    if (!c->broken)
        c->at = jsonc_skip_blank(text, c->at);
}

static bool
at_char(const struct jsonc_cursor *c, char wanted)
{
    return c->at < c->text.len && c->text.data[c->at] == wanted;
}

bool
jsonc_next(struct jsonc_cursor *c, struct jsonc_member *m)
{
    if (c->broken || at_char(c, '}'))
        return false;
    c->broken   = true; /* until the member is whole */
    m->key_from = c->at;
    m->key_to   = at_char(c, '"') ? skip_string(c->text, c->at) : JSONC_NONE;
    if (m->key_to == JSONC_NONE)
        return false;
    c->at = jsonc_skip_blank(c->text, m->key_to);
    if (!at_char(c, ':'))
        return false;
    m->value_from = jsonc_skip_blank(c->text, c->at + 1);
    m->value_to   = skip_value(c->text, m->value_from);
    if (m->value_to == JSONC_NONE)
        return false;
    c->at    = jsonc_skip_blank(c->text, m->value_to);
    m->comma = at_char(c, ',') ? c->at : JSONC_NONE;
    if (m->comma != JSONC_NONE)
        c->at = jsonc_skip_blank(c->text, c->at + 1);
    c->broken = c->at >= c->text.len || (m->comma == JSONC_NONE && !at_char(c, '}'));
    return !c->broken;
}

static struct str
raw_key(struct str text, const struct jsonc_member *m)
{
    return str_of(text.data + m->key_from + 1, m->key_to - m->key_from - 2);
}

bool
jsonc_key_is(struct str text, const struct jsonc_member *m, struct str key)
{
    struct str raw = raw_key(text, m);

    if (str_index(raw, '\\') < 0)
        return str_eq(raw, key);
    yyjson_doc *doc  = yyjson_read(text.data + m->key_from, m->key_to - m->key_from, 0);
    yyjson_val *name = yyjson_doc_get_root(doc);
    bool        same = doc != NULL && str_eq(json_str(name), key);
    yyjson_doc_free(doc);
    return same;
}

struct str
jsonc_key(struct str text, const struct jsonc_member *m, struct arena *arena)
{
    struct str raw = raw_key(text, m);

    if (str_index(raw, '\\') < 0) {
        const char *copy = arena_cstr(arena, raw);
        return copy == NULL ? STR_NONE : str_of(copy, raw.len);
    }
    yyjson_doc *doc = yyjson_read(text.data + m->key_from, m->key_to - m->key_from, 0);
    if (doc == NULL)
        return STR_NONE;
    yyjson_val *name = yyjson_doc_get_root(doc);
    struct str  key  = json_str(name);
    const char *copy = arena_cstr(arena, key);
    key              = copy == NULL ? STR_NONE : str_of(copy, key.len);
    yyjson_doc_free(doc);
    return key;
}

bool
jsonc_find(struct str text, size_t object, struct str key, struct jsonc_member *m)
{
    struct jsonc_cursor c;

    jsonc_open(&c, text, object);
    while (jsonc_next(&c, m))
        if (jsonc_key_is(text, m, key))
            return true;
    return false;
}
