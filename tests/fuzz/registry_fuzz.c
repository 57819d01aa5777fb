/* mcp.json from anybody. What yyjson accepts, the cursor must walk; a change must leave a text that is accepted, in
 * which all other entries are what they were; adding and removing must come back to the same entries. */
#include <assert.h>
#include <stdint.h>

#include "gateway/jsonc.h"
#include "gateway/registry/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char                        *environment[] = {(char[]){"HOME=/home/ada"}, (char[]){"TOKEN=t"}, NULL};
static const struct registry_source source        = {.path = "/nowhere/mcp.json", .environment = environment};

static void
check_same_but(const struct registry *a, const struct registry *b, struct str name)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct server_entry *x = &a->entries[i];
        const struct server_entry *y = registry_find(b, x->name);
        if (str_eq(x->name, name) || registry_find(a, x->name) != x)
            continue;
        assert(y != NULL && str_eq(x->source, y->source));
    }
}

/* The object with the servers, or the root. */
static size_t
find_object(struct str text)
{
    struct jsonc_member m;
    size_t              root = jsonc_skip_blank(text, 0);

    if (jsonc_find(text, root, STR("mcpServers"), &m) || jsonc_find(text, root, STR("servers"), &m))
        return m.value_from;
    return root;
}

static void
change(const struct registry *r, struct str text)
{
    struct buffer set = {.max = MIB(4)}, removed = {.max = MIB(4)};
    size_t        object = find_object(text);
    struct str    name   = r->count > 0 ? r->entries[r->count / 2].name : STR("new");

    assert(jsonc_set(text, object, name, STR("{\"command\": \"x\", \"args\": [\"a\", 1.50], \"env\": {}}"), &set));
    struct registry *after = registry_parse(&source, buffer_str(&set), NULL);
    assert(after != NULL);
    if (text.data[object] == '{' && object != jsonc_skip_blank(text, 0)) {
        assert(after->file_error.code == ERROR_NONE && registry_find(after, name) != NULL);
        check_same_but(r, after, name);
    }
    registry_unref(after);
    assert(jsonc_remove(buffer_str(&set), object, name, &removed));
    after = registry_parse(&source, buffer_str(&removed), NULL);
    assert(after != NULL && (after->file_error.code == ERROR_NONE || r->count == 0));
    check_same_but(r, after, name);
    registry_unref(after);
    buffer_clear(&set);
    buffer_clear(&removed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str       text = str_of((const char *)data, size);
    struct registry *r    = registry_parse(&source, text, NULL);
    struct buffer    out  = {.max = MIB(4)};

    if (r == NULL)
        return 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct server_entry *e = &r->entries[i];
        assert((e->kind == SERVER_WRONG) == (e->error[0] != '\0'));
        assert(registry_find(r, e->name) != NULL && e->written != NULL);
        if (e->kind != SERVER_WRONG) {
            buffer_reset(&out);
            assert(server_entry_print(e, &out));
        }
    }
    size_t root = jsonc_skip_blank(text, 0);
    if (r->file_error.code == ERROR_NONE && root < size)
        change(r, text);
    buffer_clear(&out);
    registry_unref(r);
    return 0;
}
