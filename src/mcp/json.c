#include "mcp/json.h"

#include <stdlib.h>

#include "base/buffer.h"

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

yyjson_doc *
json_read(struct str text)
{
    bool       is_broken = false;
    yyjson_alc memory    = json_heap(&is_broken);

    return yyjson_read_opts((char *)(uintptr_t)text.data, text.len, YYJSON_READ_BIGNUM_AS_RAW, &memory, NULL);
}

yyjson_doc *
json_keep(yyjson_val *value)
{
    bool            is_broken = false;
    yyjson_alc      memory    = json_heap(&is_broken);
    yyjson_mut_doc *doc       = value == NULL ? NULL : yyjson_mut_doc_new(&memory);
    yyjson_doc     *kept      = NULL;

    if (doc != NULL)
        kept = yyjson_mut_val_imut_copy(yyjson_val_mut_copy(doc, value), &memory);
    yyjson_mut_doc_free(doc);
    return kept;
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

yyjson_val *
json_member(yyjson_val *object, const char *key)
{
    yyjson_val *value = yyjson_obj_get(object, key);

    return yyjson_is_obj(value) ? value : NULL;
}

char *
json_write(yyjson_mut_doc *doc, size_t *len)
{
    return yyjson_mut_write_opts(doc, 0, NULL, len, NULL);
}
