#include "mcp/service/parts.h"

static void *
take(void *ctx, size_t size)
{
    struct request *r     = ctx;
    void           *bytes = arena_alloc(r->arena, size);

    r->is_broken |= bytes == NULL;
    return bytes;
}

static void *
take_more(void *ctx, void *old, size_t old_size, size_t size)
{
    void *fresh = take(ctx, size);

    if (fresh != NULL)
        memcpy(fresh, old, old_size < size ? old_size : size);
    return fresh;
}

static void
give_back(void *ctx, void *old)
{
    (void)ctx, (void)old; /* the arena goes as one */
}

yyjson_alc
json_memory(struct request *r)
{
    return (yyjson_alc){.malloc = take, .realloc = take_more, .free = give_back, .ctx = r};
}

static void *
take_heap(void *ctx, size_t size)
{
    bool *is_broken = ctx;
    void *bytes     = malloc(size);

    *is_broken |= bytes == NULL;
    return bytes;
}

static void *
take_more_heap(void *ctx, void *old, size_t old_size, size_t size)
{
    bool *is_broken = ctx;
    void *bytes     = realloc(old, size);

    (void)old_size;
    *is_broken |= bytes == NULL;
    return bytes;
}

static void
give_back_heap(void *ctx, void *old)
{
    (void)ctx;
    free(old);
}

yyjson_alc
json_heap(bool *is_broken)
{
    return (yyjson_alc){.malloc = take_heap, .realloc = take_more_heap, .free = give_back_heap, .ctx = is_broken};
}

/* --- notifications --- */

void
note_begin(struct note *n, const char *method)
{
    yyjson_alc memory = json_heap(&n->is_broken);

    *n                   = (struct note){0};
    n->doc               = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *root = yyjson_mut_obj(n->doc);
    yyjson_mut_doc_set_root(n->doc, root);
    yyjson_mut_obj_add_str(n->doc, root, "jsonrpc", "2.0");
    yyjson_mut_obj_add_str(n->doc, root, "method", method);
    n->params = yyjson_mut_obj_add_obj(n->doc, root, "params");
}

char *
note_end(struct note *n, size_t *len)
{
    char *text = n->params == NULL || n->is_broken ? NULL : json_write(n->doc, len);

    yyjson_mut_doc_free(n->doc);
    return text;
}

/* How many bytes at the front of `s` are one character of UTF-8; 0: none are. */
static size_t
character(struct str s)
{
    for (size_t len = 1; len <= 4 && len <= s.len; len++)
        if (str_is_utf8(str_take(s, len)))
            return len;
    return 0;
}

static yyjson_mut_val *
mended(yyjson_mut_doc *doc, struct str text)
{
    struct buffer   b     = {.max = text.len * 3};
    bool            ok    = true;
    yyjson_mut_val *value = NULL;

    while (text.len > 0 && ok) {
        size_t len = character(text);
        ok         = buffer_append(&b, len == 0 ? STR("\xEF\xBF\xBD") : str_take(text, len));
        text       = str_skip(text, len == 0 ? 1 : len);
    }
    if (ok)
        value = yyjson_mut_strncpy(doc, buffer_str(&b).data, buffer_len(&b));
    buffer_clear(&b);
    return value;
}

yyjson_mut_val *
json_text(yyjson_mut_doc *doc, struct str text)
{
    if (text.len == 0)
        return yyjson_mut_str(doc, "");
    return str_is_utf8(text) ? yyjson_mut_strncpy(doc, text.data, text.len) : mended(doc, text);
}

void
json_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *text)
{
    if (text != NULL)
        yyjson_mut_obj_add_str(doc, object, key, text);
}

struct str
json_str(yyjson_val *value)
{
    return yyjson_is_str(value) ? str_of(yyjson_get_str(value), yyjson_get_len(value)) : STR_NONE;
}

yyjson_val *
json_member(yyjson_val *object, const char *key)
{
    yyjson_val *value = yyjson_obj_get(object, key);

    return yyjson_is_obj(value) ? value : NULL;
}

yyjson_val *
json_fix(struct request *r, yyjson_mut_val *value)
{
    yyjson_alc  memory = json_memory(r);
    yyjson_doc *copy   = value == NULL ? NULL : yyjson_mut_val_imut_copy(value, &memory);

    return yyjson_doc_get_root(copy);
}

char *
json_write(yyjson_mut_doc *doc, size_t *len)
{
    return yyjson_mut_write_opts(doc, 0, NULL, len, NULL);
}
