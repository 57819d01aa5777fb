/* The keywords: how each is read, and that it is right. */
#include "mcp/schema/parts.h"

static void *
take(struct compiler *c, size_t count, size_t each)
{
    void *at = arena_zalloc(c->schema->arena, count == 0 ? 1 : count * each);

    if (at == NULL)
        compile_no_memory(c);
    return at;
}

static bool
read_type(struct compiler *c, struct rule *r, const struct place *at)
{
    bool   is_list = yyjson_is_arr(r->value);
    size_t count   = is_list ? yyjson_arr_size(r->value) : 1;

    for (size_t i = 0; i < count; i++) {
        yyjson_val *name = is_list ? yyjson_arr_get(r->value, i) : r->value;
        size_t      type = 0;
        while (type < SCHEMA_TYPES && !yyjson_equals_str(name, schema_type_names[type]))
            type++;
        if (type == SCHEMA_TYPES || i >= SCHEMA_TYPES)
            return compile_wrong(c, at,
                                 "must be null, boolean, number, integer, string, array or object, or a list of these");
        if (r->count & (uint64_t)1 << type)
            return compile_wrong(c, at, "names %s twice", schema_type_names[type]);
        r->count |= (uint64_t)1 << type;
    }
    return count > 0 || compile_wrong(c, at, "must name a type");
}

static bool
read_enum(struct compiler *c, struct rule *r, const struct place *at)
{
    return yyjson_is_arr(r->value) || compile_wrong(c, at, "must be an array of the values that are allowed");
}

static bool
read_number(struct compiler *c, struct rule *r, const struct place *at)
{
    return schema_type_of(r->value) == TYPE_NUMBER || compile_wrong(c, at, "must be a number");
}

static bool
read_divisor(struct compiler *c, struct rule *r, const struct place *at)
{
    struct number divisor;

    if (!read_number(c, r, at))
        return false;
    number_read(&divisor, r->value);
    if (divisor.negative || divisor.count == 0)
        return compile_wrong(c, at, "must be above 0");
    return divisor.count <= NUMBER_DIVISOR_DIGITS ||
           compile_wrong(c, at, "has more than %d digits", NUMBER_DIVISOR_DIGITS);
}

static bool
read_count(struct compiler *c, struct rule *r, const struct place *at)
{
    struct number number;

    if (schema_type_of(r->value) == TYPE_NUMBER) {
        number_read(&number, r->value);
        if (number_to_count(&number, &r->count))
            return true;
    }
    return compile_wrong(c, at, "must be a whole number, 0 or more");
}

static bool
read_bool(struct compiler *c, struct rule *r, const struct place *at)
{
    r->count = yyjson_get_bool(r->value);
    return yyjson_is_bool(r->value) || compile_wrong(c, at, "must be true or false");
}

static struct pattern *
make_pattern(struct compiler *c, struct str text, const struct place *at)
{
    struct error    err     = {0};
    struct pattern *pattern = pattern_compile(c->schema->arena, text, &err);

    if (pattern == NULL && err.code == ERROR_MEMORY)
        compile_no_memory(c);
    else if (pattern == NULL)
        compile_wrong(c, at, "is no regular expression of ECMA-262 that can be run here: %s", err.text);
    return pattern;
}

static bool
read_pattern(struct compiler *c, struct rule *r, const struct place *at)
{
    if (!yyjson_is_str(r->value))
        return compile_wrong(c, at, "must be a string");
    r->pattern = make_pattern(c, json_str(r->value), at);
    return r->pattern != NULL;
}

static int
compare_names(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* An array of strings, each there once, as `names`. */
static bool
read_names(struct compiler *c, yyjson_val *value, struct str **names, size_t *count, const struct place *at)
{
    size_t      i, max;
    yyjson_val *name;

    if (!yyjson_is_arr(value))
        return compile_wrong(c, at, "must be an array of strings");
    if ((*names = take(c, yyjson_arr_size(value), sizeof **names)) == NULL)
        return false;
    yyjson_arr_foreach(value, i, max, name)
    {
        if (!yyjson_is_str(name))
            return compile_wrong(c, at, "must be an array of strings");
        (*names)[(*count)++] = json_str(name);
    }
    qsort(*names, *count, sizeof **names, compare_names);
    for (i = 1; i < *count; i++)
        if (str_eq((*names)[i - 1], (*names)[i]))
            return compile_wrong(c, at, "names \"%.*s\" twice", STR_ARG((*names)[i]));
    return true;
}

static bool
read_required(struct compiler *c, struct rule *r, const struct place *at)
{
    return read_names(c, r->value, &r->names, &r->name_count, at);
}

static bool
read_schema(struct compiler *c, struct rule *r, const struct place *at)
{
    r->node = compile_node(c, r->value, r->of->resource, at);
    return r->node != NULL;
}

static bool
read_schemas(struct compiler *c, struct rule *r, const struct place *at)
{
    struct place here = {.parent = at};
    size_t       max;
    yyjson_val  *item;

    if (!yyjson_is_arr(r->value) || yyjson_arr_size(r->value) == 0)
        return compile_wrong(c, at, "must be an array of at least one schema");
    if ((r->nodes = take(c, yyjson_arr_size(r->value), sizeof(struct node *))) == NULL)
        return false;
    yyjson_arr_foreach(r->value, here.index, max, item)
    {
        if ((r->nodes[here.index] = compile_node(c, item, r->of->resource, &here)) == NULL)
            return false;
        r->node_count++;
    }
    return true;
}

static int
compare_named(const void *a, const void *b)
{
    return str_compare(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* An object: what its members are, `read` says of each. */
static bool
read_named(struct compiler *c, struct rule *r, const struct place *at,
           bool (*read)(struct compiler *c, const struct rule *r, struct named *named, yyjson_val *value,
                        const struct place *at))
{
    size_t      i, max;
    yyjson_val *key, *value;

    if (!yyjson_is_obj(r->value))
        return compile_wrong(c, at, "must be an object");
    if ((r->named = take(c, yyjson_obj_size(r->value), sizeof *r->named)) == NULL)
        return false;
    yyjson_obj_foreach(r->value, i, max, key, value)
    {
        struct place here = {.parent = at, .key = json_str(key)};
        r->named[i].name  = json_str(key);
        if (!read(c, r, &r->named[i], value, &here))
            return false;
        r->named_count++;
    }
    qsort(r->named, r->named_count, sizeof *r->named, compare_named);
    for (i = 1; i < r->named_count; i++)
        if (str_eq(r->named[i - 1].name, r->named[i].name))
            return compile_wrong(c, at, "has \"%.*s\" twice", STR_ARG(r->named[i].name));
    return true;
}

static bool
read_member_schema(struct compiler *c, const struct rule *r, struct named *named, yyjson_val *value,
                   const struct place *at)
{
    named->node = compile_node(c, value, r->of->resource, at);
    return named->node != NULL;
}

static bool
read_member_pattern(struct compiler *c, const struct rule *r, struct named *named, yyjson_val *value,
                    const struct place *at)
{
    named->pattern = make_pattern(c, named->name, at);
    return named->pattern != NULL && read_member_schema(c, r, named, value, at);
}

static bool
read_member_names(struct compiler *c, const struct rule *r, struct named *named, yyjson_val *value,
                  const struct place *at)
{
    (void)r; /* its schemas have no resource to be in */
    return read_names(c, value, &named->names, &named->name_count, at);
}

static bool
read_properties(struct compiler *c, struct rule *r, const struct place *at)
{
    return read_named(c, r, at, read_member_schema);
}

static bool
read_pattern_properties(struct compiler *c, struct rule *r, const struct place *at)
{
    return read_named(c, r, at, read_member_pattern);
}

static bool
read_dependent_required(struct compiler *c, struct rule *r, const struct place *at)
{
    return read_named(c, r, at, read_member_names);
}

/* Where it leads is found when all is known. */
static bool
read_reference(struct compiler *c, struct rule *r, const struct place *at)
{
    char pointer[200];

    if (!yyjson_is_str(r->value))
        return compile_wrong(c, at, "must be a string");
    place_write(at, pointer, sizeof pointer);
    struct reference *ref  = take(c, 1, sizeof *ref);
    const char       *kept = ref == NULL ? NULL : arena_cstr(c->schema->arena, str_from(pointer));
    if (kept == NULL)
        return compile_no_memory(c);
    *ref = (struct reference){
        .next = c->references, .from = r->of, .rule = r, .text = json_str(r->value), .pointer = kept};
    c->references = ref;
    return true;
}

// clang-format off
const struct keyword schema_keywords[KEYWORDS] = {
    [KEYWORD_TYPE]                   = {"type",                  TYPE_ANY,    read_type},
    [KEYWORD_ENUM]                   = {"enum",                  TYPE_ANY,    read_enum},
    [KEYWORD_CONST]                  = {"const",                 TYPE_ANY,    NULL},
    [KEYWORD_MULTIPLE_OF]            = {"multipleOf",            TYPE_NUMBER, read_divisor},
    [KEYWORD_MAXIMUM]                = {"maximum",               TYPE_NUMBER, read_number},
    [KEYWORD_EXCLUSIVE_MAXIMUM]      = {"exclusiveMaximum",      TYPE_NUMBER, read_number},
    [KEYWORD_MINIMUM]                = {"minimum",               TYPE_NUMBER, read_number},
    [KEYWORD_EXCLUSIVE_MINIMUM]      = {"exclusiveMinimum",      TYPE_NUMBER, read_number},
    [KEYWORD_MAX_LENGTH]             = {"maxLength",             TYPE_STRING, read_count},
    [KEYWORD_MIN_LENGTH]             = {"minLength",             TYPE_STRING, read_count},
    [KEYWORD_PATTERN]                = {"pattern",               TYPE_STRING, read_pattern},
    [KEYWORD_MAX_ITEMS]              = {"maxItems",              TYPE_ARRAY,  read_count},
    [KEYWORD_MIN_ITEMS]              = {"minItems",              TYPE_ARRAY,  read_count},
    [KEYWORD_UNIQUE_ITEMS]           = {"uniqueItems",           TYPE_ARRAY,  read_bool},
    [KEYWORD_MAX_PROPERTIES]         = {"maxProperties",         TYPE_OBJECT, read_count},
    [KEYWORD_MIN_PROPERTIES]         = {"minProperties",         TYPE_OBJECT, read_count},
    [KEYWORD_REQUIRED]               = {"required",              TYPE_OBJECT, read_required},
    [KEYWORD_DEPENDENT_REQUIRED]     = {"dependentRequired",     TYPE_OBJECT, read_dependent_required},
    [KEYWORD_PREFIX_ITEMS]           = {"prefixItems",           TYPE_ARRAY,  read_schemas},
    [KEYWORD_ITEMS]                  = {"items",                 TYPE_ARRAY,  read_schema},
    [KEYWORD_MIN_CONTAINS]           = {"minContains",           0,           read_count},
    [KEYWORD_MAX_CONTAINS]           = {"maxContains",           0,           read_count},
    [KEYWORD_CONTAINS]               = {"contains",              TYPE_ARRAY,  read_schema},
    [KEYWORD_PROPERTIES]             = {"properties",            TYPE_OBJECT, read_properties},
    [KEYWORD_PATTERN_PROPERTIES]     = {"patternProperties",     TYPE_OBJECT, read_pattern_properties},
    [KEYWORD_ADDITIONAL_PROPERTIES]  = {"additionalProperties",  TYPE_OBJECT, read_schema},
    [KEYWORD_PROPERTY_NAMES]         = {"propertyNames",         TYPE_OBJECT, read_schema},
    [KEYWORD_REF]                    = {"$ref",                  TYPE_ANY,    read_reference},
    [KEYWORD_DYNAMIC_REF]            = {"$dynamicRef",           TYPE_ANY,    read_reference},
    [KEYWORD_ALL_OF]                 = {"allOf",                 TYPE_ANY,    read_schemas},
    [KEYWORD_ANY_OF]                 = {"anyOf",                 TYPE_ANY,    read_schemas},
    [KEYWORD_ONE_OF]                 = {"oneOf",                 TYPE_ANY,    read_schemas},
    [KEYWORD_NOT]                    = {"not",                   TYPE_ANY,    read_schema},
    [KEYWORD_THEN]                   = {"then",                  0,           read_schema},
    [KEYWORD_ELSE]                   = {"else",                  0,           read_schema},
    [KEYWORD_IF]                     = {"if",                    TYPE_ANY,    read_schema},
    [KEYWORD_DEPENDENT_SCHEMAS]      = {"dependentSchemas",      TYPE_OBJECT, read_properties},
    [KEYWORD_UNEVALUATED_ITEMS]      = {"unevaluatedItems",      TYPE_ARRAY,  read_schema},
    [KEYWORD_UNEVALUATED_PROPERTIES] = {"unevaluatedProperties", TYPE_OBJECT, read_schema},
};
// clang-format on
