#include "gateway/registry/input.h"
#include "mcp/json.h"

#include <yyjson.h>

enum { MEMBERS_MAX = 100 };

/* Whether a value of `headers` or `env` is the mask. */
static bool
has_mask(yyjson_val *entry)
{
    static const char *const keys[] = {"headers", "env"};
    yyjson_val              *key, *value;
    size_t                   i, max;

    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        yyjson_obj_foreach(yyjson_obj_get(entry, keys[k]), i, max, key,
                           value) if (yyjson_is_str(value) && str_eq(json_str(value), SECRET_MASK)) return true;
    return false;
}

/* Of two members of a name one reader takes the first, another the last (RFC 8259 section 4): what was checked would
 * not be what is written. */
static bool
members_are_unique(yyjson_val *entry)
{
    yyjson_val *key, *value;
    size_t      i, max;

    if (yyjson_obj_size(entry) > MEMBERS_MAX)
        return false;
    yyjson_obj_foreach(entry, i, max, key, value) if (yyjson_obj_getn(entry, yyjson_get_str(key),
                                                                      yyjson_get_len(key)) != value) return false;
    return true;
}

static bool
check(yyjson_val *root, struct error *err)
{
    yyjson_val *name = yyjson_obj_get(root, "name");

    if (!yyjson_is_obj(root))
        return error_set(err, ERROR_INVALID,
                         "the body must be a JSON object, like {\"name\": \"weather\", \"url\": "
                         "\"http://localhost:9000/mcp\"}");
    if (name != NULL && !yyjson_is_str(name))
        return error_set(err, ERROR_INVALID, "name must be a text");
    if (!members_are_unique(root))
        return error_set(err, ERROR_INVALID, "the body has a member twice, or more than %d members", MEMBERS_MAX);
    if (has_mask(root))
        return error_set(err, ERROR_INVALID,
                         "a value is \"***\", which stands for a secret that was not shown: give the secret itself "
                         "(the API shows it with secrets=show)");
    return true;
}

/* All but the name, as JSON. */
static struct str
print_rest(yyjson_doc *doc, struct arena *arena)
{
    yyjson_mut_doc *rest = yyjson_doc_mut_copy(doc, NULL);
    size_t          len  = 0;

    yyjson_mut_obj_remove_key(yyjson_mut_doc_get_root(rest), "name");
    char      *text = yyjson_mut_write(rest, 0, &len);
    struct str kept = text == NULL ? STR_NONE : arena_str(arena, str_of(text, len));
    free(text);
    yyjson_mut_doc_free(rest);
    return kept;
}

bool
registry_input_read(struct str json, struct arena *arena, struct str *name, struct str *entry, struct error *err)
{
    yyjson_read_err why  = {0};
    yyjson_doc     *doc  = yyjson_read_opts((char *)(uintptr_t)(json.len == 0 ? "" : json.data), json.len,
                                            YYJSON_READ_NUMBER_AS_RAW, NULL, &why);
    yyjson_val     *root = yyjson_doc_get_root(doc), *named = yyjson_obj_get(root, "name");
    bool            ok = false;

    *name = *entry = STR_NONE;
    if (why.code != YYJSON_READ_ERROR_MEMORY_ALLOCATION && check(root, err)) {
        *name  = arena_str(arena, json_str(named));
        *entry = print_rest(doc, arena);
        ok     = entry->data != NULL && (name->data != NULL || yyjson_get_len(named) == 0);
    }
    if (!ok && err->code == ERROR_NONE)
        error_set(err, ERROR_MEMORY, "no memory");
    yyjson_doc_free(doc);
    return ok;
}
