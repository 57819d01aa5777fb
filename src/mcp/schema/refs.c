/* Identifiers and references: every schema of the document has a place, perhaps an anchor, perhaps an address of its
 * own ($id), and $ref and $dynamicRef find it there, or nowhere. */
#include "mcp/schema/parts.h"

static const char *const dialects[] = {
    "https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",       "http://json-schema.org/draft-06/schema",
    "https://json-schema.org/draft-07/schema",
};

struct node *
resource_dynamic(const struct resource *r, struct str name)
{
    for (const struct dynamic_anchor *d = r->anchors; d != NULL; d = d->next)
        if (str_eq(d->name, name))
            return d->node;
    return NULL;
}

/* A member that must be a text. False: it is something else; *text has no data when it is not there. */
static bool
read_text(struct compiler *c, struct node *n, const char *name, struct str *text, const struct place *at)
{
    yyjson_val  *value = yyjson_obj_get(n->source, name);
    struct place here  = {.parent = at, .key = str_from(name)};

    *text = STR_NONE;
    if (value == NULL)
        return true;
    if (!yyjson_is_str(value))
        return compile_wrong(c, &here, "must be a string");
    *text = json_str(value);
    return true;
}

/* The text before '#' and what is behind it. */
static struct str
cut_fragment(struct str *text)
{
    ptrdiff_t  at       = str_index(*text, '#');
    struct str fragment = at < 0 ? STR_NONE : str_skip(*text, (size_t)at + 1);

    if (at >= 0)
        *text = str_take(*text, (size_t)at);
    return fragment;
}

static struct resource *
add_resource(struct compiler *c, struct node *n, struct str uri, const struct place *at)
{
    struct resource  *r    = ARENA_NEW(c->schema->arena, struct resource);
    struct resource **slot = r == NULL ? NULL : map_get_or_add(&c->resources, uri);

    if (slot == NULL) {
        compile_no_memory(c);
        return NULL;
    }
    if (*slot != NULL) {
        compile_wrong(c, at, "another schema has the $id %.*s too", STR_ARG(uri));
        return NULL;
    }
    *slot = r;
    *r    = (struct resource){.uri = uri, .root = n};
    return r;
}

static bool
add_anchor(struct compiler *c, struct node *n, const char *keyword, struct str name, const struct place *at)
{
    struct place here = {.parent = at, .key = str_from(keyword)};

    if (name.len == 0)
        return compile_wrong(c, &here, "must be a name");
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.data[i], lower = (char)(ch | 0x20);
        if (!((lower >= 'a' && lower <= 'z') || ch == '_' || (i > 0 && (strchr("-.", ch) || (ch >= '0' && ch <= '9')))))
            return compile_wrong(c, &here, "must be a name: letters, digits, - _ .");
    }
    struct str    full = arena_printf(c->schema->arena, "%.*s#%.*s", STR_ARG(n->resource->uri), STR_ARG(name));
    struct node **slot = full.data == NULL ? NULL : map_get_or_add(&c->anchors, full);
    if (slot == NULL)
        return compile_no_memory(c);
    if (*slot != NULL && *slot != n)
        return compile_wrong(c, &here, "another schema has the anchor %.*s too", STR_ARG(name));
    *slot = n;
    return true;
}

static bool
check_dialect(struct compiler *c, struct str uri, const struct place *at)
{
    struct place here = {.parent = at, .key = STR("$schema")};

    cut_fragment(&uri);
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (str_eq(uri, str_from(dialects[i])))
            return true;
    return compile_wrong(c, &here, "must be %s, the dialect that is known here", dialects[0]);
}

bool
compile_identify(struct compiler *c, struct node *n, const struct place *at)
{
    struct str   schema, id, anchor, dynamic;
    struct place here = {.parent = at, .key = STR("$id")};

    if (!read_text(c, n, "$schema", &schema, at) || !read_text(c, n, "$id", &id, at) ||
        !read_text(c, n, "$anchor", &anchor, at) || !read_text(c, n, "$dynamicAnchor", &dynamic, at))
        return false;
    if (schema.data != NULL && !check_dialect(c, schema, at))
        return false;
    if (cut_fragment(&id).len > 0)
        return compile_wrong(c, &here, "must have no fragment");
    if (id.len > 0 || n->resource == NULL) {
        struct str uri = uri_join(c->schema->arena, n->resource == NULL ? STR_NONE : n->resource->uri, id);
        if (uri.data == NULL)
            return compile_no_memory(c);
        n->resource = add_resource(c, n, uri, &here);
        if (n->resource == NULL)
            return false;
    }
    if (anchor.data != NULL && !add_anchor(c, n, "$anchor", anchor, at))
        return false;
    if (dynamic.data == NULL)
        return true;
    struct dynamic_anchor *d = ARENA_NEW(c->schema->arena, struct dynamic_anchor);
    if (d == NULL)
        return compile_no_memory(c);
    *d                   = (struct dynamic_anchor){.next = n->resource->anchors, .name = dynamic, .node = n};
    n->resource->anchors = d;
    n->resource->anchor_count++;
    return add_anchor(c, n, "$dynamicAnchor", dynamic, at);
}

static int
hex_value(char c)
{
    char lower = (char)(c | 0x20);

    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Without percent-encoding. Data NULL: no memory. */
static struct str
decode(struct arena *a, struct str text)
{
    char  *out = arena_alloc(a, text.len + 1);
    size_t len = 0;

    if (out == NULL)
        return STR_NONE;
    for (size_t i = 0; i < text.len; i++) {
        bool escaped = text.data[i] == '%' && text.len - i > 2 && hex_value(text.data[i + 1]) >= 0 &&
                       hex_value(text.data[i + 2]) >= 0;
        out[len++] = escaped ? (char)(hex_value(text.data[i + 1]) * 16 + hex_value(text.data[i + 2])) : text.data[i];
        i += escaped ? 2 : 0;
    }
    return str_of(out, len);
}

static bool
wrong_reference(struct compiler *c, const struct reference *ref, const char *why)
{
    return error_set(c->err, ERROR_INVALID, "%s: \"%.*s\" %s", ref->pointer, STR_ARG(ref->text), why);
}

/* By a JSON pointer from the resource's root. What no keyword has led to is compiled now. */
static struct node *
find_by_pointer(struct compiler *c, const struct reference *ref, struct resource *in, struct str pointer)
{
    yyjson_val  *value = yyjson_ptr_getn(in->root->source, pointer.data, pointer.len);
    struct place here  = {.key = str_of(ref->text.data, ref->text.len)};

    if (value == NULL || !(yyjson_is_obj(value) || yyjson_is_bool(value))) {
        wrong_reference(c, ref, "leads to no schema");
        return NULL;
    }
    return compile_node(c, value, in, &here);
}

/* Counts what it may cost to find what a reference means: whoever looks goes over members, or anchors, one by one. */
static bool
charge(struct compiler *c, const struct reference *ref, uint64_t count)
{
    c->lookups = c->lookups > count ? c->lookups - count : 0;
    return c->lookups > 0 ||
           error_set(c->err, ERROR_TOO_LARGE, "%s: the schema has too many references for its size", ref->pointer);
}

static struct node *
find_target(struct compiler *c, const struct reference *ref, struct str *anchor)
{
    struct arena *a        = c->schema->arena;
    struct str    address  = ref->text;
    struct str    fragment = decode(a, cut_fragment(&address));
    struct str    uri      = uri_join(a, ref->from->resource->uri, address);

    *anchor = STR_NONE;
    if (fragment.data == NULL || uri.data == NULL) {
        compile_no_memory(c);
        return NULL;
    }
    struct resource **in = map_get(&c->resources, uri);
    if (in == NULL) {
        wrong_reference(c, ref, "leads out of this schema: nothing is fetched");
        return NULL;
    }
    if (fragment.len == 0)
        return (*in)->root;
    if (fragment.data[0] == '/') {
        if (!charge(c, ref, yyjson_doc_get_val_count(c->schema->doc)))
            return NULL;
        return find_by_pointer(c, ref, *in, fragment);
    }
    struct str    full = arena_printf(a, "%.*s#%.*s", STR_ARG(uri), STR_ARG(fragment));
    struct node **node = full.data == NULL ? NULL : map_get(&c->anchors, full);
    if (node == NULL) {
        full.data == NULL ? compile_no_memory(c) : wrong_reference(c, ref, "leads to no anchor");
        return NULL;
    }
    *anchor = fragment;
    return *node;
}

bool
compile_resolve(struct compiler *c)
{
    struct str anchor;

    while (c->references != NULL) {
        struct reference *ref = c->references;
        c->references         = ref->next;
        struct node *target   = find_target(c, ref, &anchor);
        if (target == NULL)
            return false;
        ref->rule->node = target;
        if (ref->rule->keyword != KEYWORD_DYNAMIC_REF || anchor.len == 0)
            continue;
        if (!charge(c, ref, target->resource->anchor_count))
            return false;
        if (resource_dynamic(target->resource, anchor) == target)
            ref->rule->dynamic = anchor;
    }
    return true;
}
