#include "mcp/param_rules.h"

#include "base/json.h"
#include "mcp/header_value.h"

enum { DEPTH = 32, LEVELS = 128, NUMBER_MAX = 64, NAME_MAX_SHOWN = 80 };

#define EXACT_MAX 9007199254740992.0 /* 2^53 */

struct param_rule {
    struct str  header; /* "Mcp-Param-Region" */
    struct str *path;   /* names of properties, from the root */
    size_t      depth;
};

struct param_rules {
    struct arena      *arena; /* all lies in it */
    struct param_rule *items;
    size_t             count, room;
};

struct walk {
    struct param_rules *rules;
    struct str          path[DEPTH];
    size_t              depth;
    struct error       *err;
};

/* Where schemas stand within a schema. What is under no other key is data, and may look like anything. JSON Schema
 * 2020-12 core, section 10. */
/* clang-format off */
static const struct {
    struct str keyword;
    bool       is_schema; /* its value is one; else its members, or elements, are */
} places[] = {
    {{"properties",            10}, false},
    {{"patternProperties",     17}, false},
    {{"$defs",                 5},  false},
    {{"definitions",           11}, false},
    {{"dependentSchemas",      16}, false},
    {{"allOf",                 5},  false},
    {{"anyOf",                 5},  false},
    {{"oneOf",                 5},  false},
    {{"prefixItems",           11}, false},
    {{"items",                 5},  true},
    {{"additionalProperties",  20}, true},
    {{"not",                   3},  true},
    {{"if",                    2},  true},
    {{"then",                  4},  true},
    {{"else",                  4},  true},
    {{"contains",              8},  true},
    {{"propertyNames",         13}, true},
    {{"unevaluatedItems",      16}, true},
    {{"unevaluatedProperties", 21}, true},
    {{"contentSchema",         13}, true},
};
/* clang-format on */

/* RFC 9110 section 5.6.2. */
static bool
is_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) &&
            (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return text.len > 0;
}

static bool
is_mirrored_type(struct str type)
{
    return str_eq(type, STR("string")) || str_eq(type, STR("integer")) || str_eq(type, STR("boolean"));
}

static bool
refuse(struct walk *w, struct str name, const char *why)
{
    return error_set(w->err, ERROR_INVALID, "x-mcp-header \"%.*s\" %s",
                     name.len > NAME_MAX_SHOWN ? NAME_MAX_SHOWN : (int)name.len, name.len > 0 ? name.data : "", why);
}

static struct param_rule *
add_rule(struct param_rules *rules)
{
    if (rules->count == rules->room) {
        size_t             room = rules->room == 0 ? 4 : rules->room * 2;
        struct param_rule *more = arena_alloc(rules->arena, room * sizeof *more);
        if (more == NULL)
            return NULL;
        if (rules->count > 0)
            memcpy(more, rules->items, rules->count * sizeof *more);
        rules->items = more;
        rules->room  = room;
    }
    return &rules->items[rules->count++];
}

static bool
keep_rule(struct walk *w, struct str name)
{
    struct arena      *a      = w->rules->arena;
    struct str         header = arena_printf(a, "Mcp-Param-%.*s", STR_ARG(name));
    struct str        *path   = arena_alloc(a, w->depth * sizeof *path);
    struct param_rule *rule   = header.data == NULL || path == NULL ? NULL : add_rule(w->rules);

    for (size_t i = 0; rule != NULL && i < w->depth; i++) {
        path[i] = arena_str(a, w->path[i]);
        if (path[i].data == NULL && w->path[i].len > 0)
            rule = NULL;
    }
    if (rule == NULL)
        return error_set(w->err, ERROR_MEMORY, "no memory for the schema of a tool");
    *rule = (struct param_rule){.header = header, .path = path, .depth = w->depth};
    return true;
}

static bool
take_annotation(struct walk *w, yyjson_val *schema, yyjson_val *annotation, bool is_reached)
{
    struct str name = json_str(annotation);

    if (!is_token(name))
        return refuse(w, name, "is no name of a header field");
    if (!is_reached || w->depth == 0)
        return refuse(w, name, "does not stand on a property that \"properties\" alone lead to");
    if (!is_mirrored_type(json_str_in(schema, "type")))
        return refuse(w, name, "needs the type string, integer or boolean");
    for (size_t i = 0; i < w->rules->count; i++)
        if (str_eq_nocase(str_skip(w->rules->items[i].header, strlen("Mcp-Param-")), name))
            return refuse(w, name, "is given twice");
    return keep_rule(w, name);
}

static bool walk_schema(struct walk *w, yyjson_val *schema, bool is_reached, unsigned level);

static bool
walk_properties(struct walk *w, yyjson_val *properties, unsigned level)
{
    yyjson_val *key, *schema;
    size_t      index, max;

    if (w->depth == DEPTH)
        return error_set(w->err, ERROR_INVALID, "its properties are nested deeper than %d levels", DEPTH);
    yyjson_obj_foreach(properties, index, max, key, schema)
    {
        w->path[w->depth++] = json_str(key);
        bool ok             = walk_schema(w, schema, true, level);
        w->depth--;
        if (!ok)
            return false;
    }
    return true;
}

static bool
walk_each(struct walk *w, yyjson_val *holder, unsigned level)
{
    yyjson_val *key, *schema;
    size_t      index, max;

    yyjson_obj_foreach(holder, index, max, key, schema) if (!walk_schema(w, schema, false, level)) return false;
    yyjson_arr_foreach(holder, index, max, schema) if (!walk_schema(w, schema, false, level)) return false;
    return true;
}

static bool
walk_member(struct walk *w, struct str keyword, yyjson_val *value, bool is_reached, unsigned level)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (!str_eq(keyword, places[i].keyword))
            continue;
        if (i == 0 && is_reached)
            return walk_properties(w, value, level);
        if (places[i].is_schema && yyjson_is_obj(value))
            return walk_schema(w, value, false, level);
        return walk_each(w, value, level);
    }
    return true;
}

static bool
walk_schema(struct walk *w, yyjson_val *schema, bool is_reached, unsigned level)
{
    yyjson_val *key, *value;
    size_t      index, max;

    if (level == LEVELS)
        return error_set(w->err, ERROR_INVALID, "it is nested deeper than %d levels", LEVELS);
    yyjson_obj_foreach(schema, index, max, key, value)
    {
        bool ok = yyjson_equals_str(key, "x-mcp-header") ? take_annotation(w, schema, value, is_reached)
                                                         : walk_member(w, json_str(key), value, is_reached, level + 1);
        if (!ok)
            return false;
    }
    return true;
}

struct param_rules *
param_rules_of(yyjson_val *schema, struct error *err)
{
    struct arena       *arena = arena_new(KIB(1), MIB(4));
    struct param_rules *rules = arena == NULL ? NULL : ARENA_NEW(arena, struct param_rules);
    struct walk         w     = {.rules = rules, .err = err};

    if (rules == NULL) {
        arena_free(arena);
        error_set(err, ERROR_MEMORY, "no memory for the schema of a tool");
        return NULL;
    }
    rules->arena = arena;
    if (walk_schema(&w, schema, true, 0))
        return rules;
    arena_free(arena);
    return NULL;
}

struct param_rules *
param_rules_compile(struct str schema, struct error *err)
{
    yyjson_doc         *doc   = yyjson_read(schema.data, schema.len, 0);
    struct param_rules *rules = doc == NULL ? NULL : param_rules_of(yyjson_doc_get_root(doc), err);

    if (doc == NULL)
        error_set(err, ERROR_INVALID, "it is not JSON");
    yyjson_doc_free(doc);
    return rules;
}

void
param_rules_free(struct param_rules *rules)
{
    if (rules != NULL)
        arena_free(rules->arena);
}

size_t
param_rules_count(const struct param_rules *rules)
{
    return rules->count;
}

/* NULL: it is absent, or null, which is the same. */
static yyjson_val *
argument_at(const struct param_rule *rule, yyjson_val *arguments)
{
    yyjson_val *value = arguments;

    for (size_t i = 0; i < rule->depth && value != NULL; i++)
        value = yyjson_obj_getn(value, rule->path[i].data, rule->path[i].len);
    return yyjson_is_null(value) ? NULL : value;
}

/* 7 and 7.0 are one number, however they are written. */
static bool
is_number(struct str text, yyjson_val *value)
{
    yyjson_doc *doc   = text.len == 0 || text.len > NUMBER_MAX ? NULL : yyjson_read(text.data, text.len, 0);
    yyjson_val *other = yyjson_doc_get_root(doc);
    bool        same  = yyjson_is_int(value) && yyjson_is_int(other)
                            ? yyjson_equals(value, other)
                            : yyjson_is_num(other) && yyjson_get_num(value) == yyjson_get_num(other);

    yyjson_doc_free(doc);
    return same;
}

static bool
says(struct str text, yyjson_val *value)
{
    if (yyjson_is_bool(value))
        return str_eq(text, yyjson_is_true(value) ? STR("true") : STR("false"));
    if (yyjson_is_raw(value)) /* larger than any number we could compare */
        return str_eq(text, json_raw(value));
    return yyjson_is_num(value) ? is_number(text, value) : str_eq(text, json_str(value));
}

static bool
holds(const struct param_rule *rule, yyjson_val *value, const struct http_headers *headers, struct arena *scratch,
      struct error *err)
{
    size_t     count = http_header_count(headers, rule->header);
    struct str text;

    if (value == NULL)
        return count == 0 || error_set(err, ERROR_INVALID, "%.*s is there, its argument is not", STR_ARG(rule->header));
    if (yyjson_is_ctn(value))
        return true; /* not what the schema asks for, which says so */
    if (count == 0)
        return error_set(err, ERROR_INVALID, "%.*s is missing", STR_ARG(rule->header));
    if (count > 1)
        return error_set(err, ERROR_INVALID, "%.*s is given twice", STR_ARG(rule->header));
    if (!header_value_read(http_header(headers, rule->header), scratch, &text, err)) {
        if (err->code == ERROR_INVALID)
            error_wrap(err, "%.*s", STR_ARG(rule->header));
        return false;
    }
    return says(text, value) ||
           error_set(err, ERROR_INVALID, "%.*s is not what the arguments say", STR_ARG(rule->header));
}

bool
param_rules_hold(const struct param_rules *rules, yyjson_val *arguments, const struct http_headers *headers,
                 struct arena *scratch, struct error *err)
{
    for (size_t i = 0; i < rules->count; i++)
        if (!holds(&rules->items[i], argument_at(&rules->items[i], arguments), headers, scratch, err))
            return false;
    return true;
}

/* 7.0 is the integer 7 in another spelling. */
static struct str
number_text(yyjson_val *value, struct arena *a)
{
    double number = yyjson_get_num(value);

    if (yyjson_is_uint(value))
        return arena_printf(a, "%llu", (unsigned long long)yyjson_get_uint(value));
    if (yyjson_is_sint(value))
        return arena_printf(a, "%lld", (long long)yyjson_get_sint(value));
    return arena_printf(
        a, number > -EXACT_MAX && number < EXACT_MAX && number == (double)(long long)number ? "%.0f" : "%.17g", number);
}

/* False: no memory. */
static bool
write_value(yyjson_val *value, struct arena *a, struct str *written)
{
    if (yyjson_is_str(value))
        return header_value_write(json_str(value), a, written);
    if (yyjson_is_bool(value))
        *written = yyjson_is_true(value) ? STR("true") : STR("false");
    else if (yyjson_is_raw(value))
        *written = json_raw(value);
    else
        *written = number_text(value, a);
    return written->data != NULL;
}

size_t
param_rules_write(const struct param_rules *rules, yyjson_val *arguments, struct arena *a, struct http_header *headers)
{
    size_t count = 0;

    for (size_t i = 0; i < rules->count; i++) {
        yyjson_val *value = argument_at(&rules->items[i], arguments);
        if (value == NULL || yyjson_is_ctn(value))
            continue;
        headers[count].name = arena_str(a, rules->items[i].header);
        if (headers[count].name.data == NULL || !write_value(value, a, &headers[count].value))
            return SIZE_MAX;
        count++;
    }
    return count;
}
