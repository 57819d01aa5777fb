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

yyjson_val *
json_fix(struct request *r, yyjson_mut_val *value)
{
    yyjson_alc  memory = json_memory(r);
    yyjson_doc *copy   = value == NULL ? NULL : yyjson_mut_val_imut_copy(value, &memory);

    return yyjson_doc_get_root(copy);
}
