#include "mcp/schema/parts.h"

const char *const schema_type_names[] = {"null", "boolean", "number", "string", "array", "object", "integer"};

enum schema_type
schema_type_of(yyjson_val *value)
{
    switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_NULL:
        return TYPE_NULL;
    case YYJSON_TYPE_BOOL:
        return TYPE_BOOLEAN;
    case YYJSON_TYPE_STR:
        return TYPE_STRING;
    case YYJSON_TYPE_ARR:
        return TYPE_ARRAY;
    case YYJSON_TYPE_OBJ:
        return TYPE_OBJECT;
    default:
        return TYPE_NUMBER;
    }
}

const struct rule *
node_rule(const struct node *n, enum keyword_id keyword)
{
    for (size_t i = 0; i < n->rule_count; i++)
        if (n->rules[i].keyword == keyword)
            return &n->rules[i];
    return NULL;
}

const struct named *
rule_named(const struct rule *r, struct str name)
{
    size_t low = 0, high = r->named_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int    order  = str_compare(name, r->named[middle].name);
        if (order == 0)
            return &r->named[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* One step of a JSON pointer. Returns the length, or what it was when there is no room. */
static size_t
write_step(const struct place *at, char *out, size_t len, size_t size)
{
    char       digits[24];
    bool       is_index = at->key.data == NULL;
    size_t     from     = len;
    struct str key      = at->key;

    if (is_index)
        key = str_of(digits, (size_t)snprintf(digits, sizeof digits, "%zu", at->index));
    if (len + 1 < size)
        out[len++] = '/';
    for (size_t i = 0; i < key.len; i++) {
        bool escaped = !is_index && (key.data[i] == '~' || key.data[i] == '/');
        if (len + 3 > size) { /* cut, but not within a character */
            while (len > from && ((unsigned char)out[len - 1] & 0xC0) == 0x80)
                len--;
            return len > from && (unsigned char)out[len - 1] >= 0xC0 ? len - 1 : len;
        }
        if (escaped)
            out[len++] = '~';
        out[len++] = !escaped ? key.data[i] : key.data[i] == '~' ? '0' : '1';
    }
    return len;
}

void
place_write(const struct place *at, char *out, size_t size)
{
    const struct place *steps[SCHEMA_DEPTH_MAX + SCHEMA_NESTING_MAX];
    size_t              count = 0, len = 0;

    for (; at != NULL && count < sizeof steps / sizeof *steps; at = at->parent)
        steps[count++] = at;
    while (count > 0)
        len = write_step(steps[--count], out, len, size);
    out[len] = '\0';
}

void
words_mend(char *text)
{
    char *to = text;

    while (*text != '\0') {
        unsigned char lead = (unsigned char)*text;
        size_t        len = 1, wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
        while (len < wanted && ((unsigned char)text[len] & 0xC0) == 0x80)
            len++;
        if (len == wanted) {
            memmove(to, text, len);
            to += len;
        }
        text += len;
    }
    *to = '\0';
}

bool
compile_wrong(struct compiler *c, const struct place *at, const char *format, ...)
{
    char    pointer[200], words[280];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    words_mend(words);
    place_write(at, pointer, sizeof pointer);
    return error_set(c->err, ERROR_INVALID, "%s%s%s", pointer, pointer[0] == '\0' ? "the schema " : ": ", words);
}

bool
compile_no_memory(struct compiler *c)
{
    return error_set(c->err, ERROR_MEMORY, "no memory for a schema");
}

/* By its name, or KEYWORDS: what is unknown says nothing. */
static enum keyword_id
keyword_of(struct str name)
{
    enum keyword_id k = 0;

    while (k < KEYWORDS && !str_eq(name, str_from(schema_keywords[k].name)))
        k++;
    return k;
}

/* Under which schemas lie that others refer to. */
static bool
compile_definitions(struct compiler *c, struct node *n, struct str name, yyjson_val *value, const struct place *at)
{
    struct place place = {.parent = at, .key = name};
    size_t       i, max;
    yyjson_val  *key, *item;

    if (!yyjson_is_obj(value))
        return compile_wrong(c, &place, "must be an object of schemas");
    yyjson_obj_foreach(value, i, max, key, item)
    {
        struct place here = {.parent = &place, .key = json_str(key)};
        if (compile_node(c, item, n->resource, &here) == NULL)
            return false;
    }
    return true;
}

static bool
compile_rules(struct compiler *c, struct node *n, const struct place *at)
{
    yyjson_val *values[KEYWORDS] = {NULL}, *key, *value;
    size_t      i, max, count = 0;

    yyjson_obj_foreach(n->source, i, max, key, value)
    {
        enum keyword_id k    = keyword_of(json_str(key));
        struct place    here = {.parent = at, .key = json_str(key)};
        if (yyjson_equals_str(key, "default"))
            n->default_value = value;
        if (yyjson_equals_str(key, "$defs") || yyjson_equals_str(key, "definitions")) {
            if (!compile_definitions(c, n, json_str(key), value, at))
                return false;
        }
        if (k == KEYWORDS)
            continue;
        if (values[k] != NULL)
            return compile_wrong(c, &here, "is there twice");
        values[k] = value;
        count++;
    }
    if (count > 0 && (n->rules = arena_zalloc(c->schema->arena, count * sizeof *n->rules)) == NULL)
        return compile_no_memory(c);
    for (enum keyword_id k = 0; k < KEYWORDS; k++) {
        if (values[k] == NULL)
            continue;
        struct place here = {.parent = at, .key = str_from(schema_keywords[k].name)};
        struct rule *r    = &n->rules[n->rule_count];
        *r                = (struct rule){.of = n, .keyword = k, .value = values[k]};
        if (schema_keywords[k].read != NULL && !schema_keywords[k].read(c, r, &here))
            return false;
        n->rule_count++;
    }
    return true;
}

struct node *
compile_node(struct compiler *c, yyjson_val *value, struct resource *in, const struct place *at)
{
    uint64_t      address = (uintptr_t)value;
    struct node **known   = map_get(&c->nodes, MAP_KEY_U64(address));

    if (known != NULL)
        return *known;
    if (!yyjson_is_obj(value) && !yyjson_is_bool(value)) {
        compile_wrong(c, at, "must be a schema: an object, true or false");
        return NULL;
    }
    if (c->depth >= SCHEMA_NESTING_MAX) {
        compile_wrong(c, at, "is nested deeper than %d schemas", SCHEMA_NESTING_MAX);
        return NULL;
    }
    struct node  *n    = ARENA_NEW(c->schema->arena, struct node);
    struct node **slot = n == NULL ? NULL : map_get_or_add(&c->nodes, MAP_KEY_U64(address));
    if (slot == NULL) {
        compile_no_memory(c);
        return NULL;
    }
    *slot = n;
    *n    = (struct node){.source = value, .resource = in, .never = yyjson_is_false(value)};
    c->depth++;
    bool ok = yyjson_is_obj(value) ? compile_identify(c, n, at) && compile_rules(c, n, at)
                                   : in != NULL || compile_identify(c, n, at);
    c->depth--;
    return ok ? n : NULL;
}

static void
free_doc(void *doc)
{
    yyjson_doc_free(doc);
}

static bool
read_doc(struct schema *s, struct str text, struct error *err)
{
    yyjson_read_err why;

    /* yyjson changes nothing without its IN_SITU flag. */
    s->doc = yyjson_read_opts((char *)(uintptr_t)text.data, text.len, YYJSON_READ_BIGNUM_AS_RAW, NULL, &why);
    if (s->doc == NULL && why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return error_set(err, ERROR_MEMORY, "no memory for a schema");
    if (s->doc == NULL)
        return error_set(err, ERROR_INVALID, "the schema is not JSON: %s at byte %zu", why.msg, why.pos);
    if (arena_defer(s->arena, free_doc, s->doc))
        return true;
    yyjson_doc_free(s->doc);
    return error_set(err, ERROR_MEMORY, "no memory for a schema");
}

struct schema *
schema_compile(struct str text, struct error *err)
{
    if (text.len > SCHEMA_TEXT_MAX) {
        error_set(err, ERROR_TOO_LARGE, "the schema is larger than %zu bytes", SCHEMA_TEXT_MAX);
        return NULL;
    }
    struct arena   *a = arena_new(KIB(2), SCHEMA_MEMORY_MAX);
    struct schema  *s = a == NULL ? NULL : ARENA_NEW(a, struct schema);
    struct compiler c = {
        .schema    = s,
        .err       = err,
        .lookups   = SCHEMA_LOOKUPS_MAX,
        .nodes     = MAP_OF(struct node *, SCHEMA_TEXT_MAX),
        .resources = MAP_OF(struct resource *, SCHEMA_TEXT_MAX),
        .anchors   = MAP_OF(struct node *, SCHEMA_TEXT_MAX),
    };
    if (s == NULL) {
        arena_free(a);
        compile_no_memory(&c);
        return NULL;
    }
    s->arena = a;
    if (read_doc(s, text, err))
        s->root = compile_node(&c, yyjson_doc_get_root(s->doc), NULL, NULL);
    bool ok = s->root != NULL && compile_resolve(&c);
    map_clear(&c.nodes);
    map_clear(&c.resources);
    map_clear(&c.anchors);
    if (ok)
        return s;
    schema_free(s);
    return NULL;
}

void
schema_free(struct schema *s)
{
    if (s != NULL)
        arena_free(s->arena);
}
