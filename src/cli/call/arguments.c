#include "cli/call/arguments.h"

#include "base/json.h"
#include "base/nearest.h"

enum { SHOWN = 80 };

static yyjson_mut_val *
no_memory(struct error *err)
{
    error_set(err, ERROR_MEMORY, "no memory");
    return NULL;
}

static bool
put(yyjson_mut_doc *doc, yyjson_mut_val *object, struct str key, yyjson_mut_val *value)
{
    yyjson_mut_val *name = yyjson_mut_strncpy(doc, key.data, key.len);

    return name != NULL && value != NULL && yyjson_mut_obj_add(object, name, value);
}

/* Whether it is the first of its key. */
static bool
is_first(const struct call_line *line, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (str_eq(line->pairs[i].key, line->pairs[at].key))
            return false;
    return true;
}

static bool
is_alone(const struct call_line *line, size_t at)
{
    size_t count = 0;

    for (size_t i = 0; i < line->count; i++)
        count += str_eq(line->pairs[i].key, line->pairs[at].key);
    return count == 1;
}

/* Whether a key that is not among `properties` can only be a mistake. */
static bool
knows_all_keys(yyjson_val *schema)
{
    static const char *const others[] = {"patternProperties",    "allOf", "anyOf", "oneOf", "if", "$ref", "$dynamicRef",
                                         "unevaluatedProperties"};
    yyjson_val              *more     = yyjson_obj_get(schema, "additionalProperties");

    if (more != NULL)
        return yyjson_is_false(more);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (yyjson_obj_get(schema, others[i]) != NULL)
            return false;
    return true;
}

static bool
refuse_key(struct str tool, yyjson_val *properties, struct str key, struct error *err)
{
    struct str  near = STR_NONE;
    unsigned    best = NEAREST_NONE;
    yyjson_val *name, *schema;
    size_t      i, count;

    yyjson_obj_foreach(properties, i, count, name, schema)
    {
        struct str known    = json_str(name);
        unsigned   distance = nearest_distance(key, known);
        if (distance < best) {
            best = distance;
            near = known;
        }
    }
    if (near.data == NULL)
        return error_set(err, ERROR_INVALID, "%.*s takes no \"%.*s\"", STR_ARG(str_take(tool, SHOWN)),
                         STR_ARG(str_take(key, SHOWN)));
    return error_set(err, ERROR_INVALID, "%.*s takes no \"%.*s\"; did you mean \"%.*s\"?",
                     STR_ARG(str_take(tool, SHOWN)), STR_ARG(str_take(key, SHOWN)), STR_ARG(str_take(near, SHOWN)));
}

/* All of a key that is there several times, one after the other. */
static yyjson_mut_val *
make_list(yyjson_mut_doc *doc, const struct call_line *line, size_t from, yyjson_val *root, yyjson_val *schema,
          struct error *err)
{
    struct str      key   = line->pairs[from].key;
    yyjson_val     *items = yyjson_obj_get(value_schema(root, schema), "items");
    yyjson_mut_val *array = yyjson_mut_arr(doc);

    if (!(value_types(root, schema) & VALUE_ARRAY)) {
        error_set(err, ERROR_INVALID, "%.*s is there twice", STR_ARG(str_take(key, SHOWN)));
        return NULL;
    }
    for (size_t i = from; i < line->count; i++) {
        const struct call_pair *p = &line->pairs[i];
        if (!str_eq(p->key, key))
            continue;
        yyjson_mut_val *item =
            p->is_raw ? value_read_json(doc, key, p->text, err) : value_make(doc, root, items, key, p->text, err);
        if (item == NULL)
            return NULL;
        if (!yyjson_mut_arr_append(array, item))
            return no_memory(err);
    }
    return array;
}

static yyjson_mut_val *
make_argument(yyjson_mut_doc *doc, const struct call_line *line, size_t at, struct str tool, yyjson_val *schema,
              struct error *err)
{
    const struct call_pair *p          = &line->pairs[at];
    yyjson_val             *properties = yyjson_obj_get(schema, "properties");
    yyjson_val             *wanted     = yyjson_obj_getn(properties, p->key.data, p->key.len);

    if (!p->is_raw && wanted == NULL && schema != NULL && knows_all_keys(schema)) {
        refuse_key(tool, properties, p->key, err);
        return NULL;
    }
    if (!is_alone(line, at))
        return make_list(doc, line, at, schema, wanted, err);
    return p->is_raw ? value_read_json(doc, p->key, p->text, err)
                     : value_make(doc, schema, wanted, p->key, p->text, err);
}

/* False: `err` names all that is missing. */
static bool
check_required(yyjson_mut_val *arguments, struct str tool, yyjson_val *schema, struct error *err)
{
    struct buffer missing = {.max = 400};
    yyjson_val   *key;
    size_t        i, count;

    yyjson_arr_foreach(yyjson_obj_get(schema, "required"), i, count, key)
    {
        struct str name = json_str(key);
        if (!yyjson_is_str(key) || yyjson_mut_obj_getn(arguments, name.data, name.len) != NULL)
            continue;
        buffer_printf(&missing, "%s%.*s (", buffer_len(&missing) == 0 ? "" : ", ", STR_ARG(str_take(name, SHOWN)));
        value_print_types(schema, yyjson_obj_getn(yyjson_obj_get(schema, "properties"), name.data, name.len), &missing);
        buffer_append_char(&missing, ')');
    }
    bool ok = buffer_len(&missing) == 0;
    if (!ok)
        error_set(err, ERROR_INVALID, "%.*s needs %.*s", STR_ARG(str_take(tool, SHOWN)), STR_ARG(buffer_str(&missing)));
    buffer_clear(&missing);
    return ok;
}

yyjson_mut_val *
arguments_make(yyjson_mut_doc *doc, const struct call_line *line, struct str tool, yyjson_val *schema,
               struct error *err)
{
    yyjson_mut_val *arguments = yyjson_mut_obj(doc);
    bool            is_raw    = false;

    if (arguments == NULL)
        return no_memory(err);
    for (size_t i = 0; i < line->count; i++) {
        is_raw = is_raw || line->pairs[i].is_raw;
        if (!is_first(line, i))
            continue;
        yyjson_mut_val *value = make_argument(doc, line, i, tool, schema, err);
        if (value == NULL)
            return NULL;
        if (!put(doc, arguments, line->pairs[i].key, value))
            return no_memory(err);
    }
    if (schema == NULL || is_raw)
        return arguments;
    return check_required(arguments, tool, schema, err) && value_is_valid(arguments, schema, NULL, err) ? arguments
                                                                                                        : NULL;
}

yyjson_mut_val *
params_make(yyjson_mut_doc *doc, const struct call_line *line, struct error *err)
{
    yyjson_mut_val *params    = yyjson_mut_obj(doc), *into;
    const char     *key       = call_subject_key(line->method);
    bool            is_prompt = str_eq(line->method, STR("prompts/get")) || str_eq(line->method, STR("tools/call"));

    into = is_prompt ? yyjson_mut_obj(doc) : params;
    if (params == NULL || into == NULL)
        return no_memory(err);
    if (line->subject.data != NULL && key != NULL &&
        !put(doc, params, str_from(key), yyjson_mut_strncpy(doc, line->subject.data, line->subject.len)))
        return no_memory(err);
    for (size_t i = 0; i < line->count; i++) {
        const struct call_pair *p = &line->pairs[i];
        if (!is_first(line, i)) {
            error_set(err, ERROR_INVALID, "%.*s is there twice", STR_ARG(str_take(p->key, SHOWN)));
            return NULL;
        }
        yyjson_mut_val *value = p->is_raw ? value_read_json(doc, p->key, p->text, err)
                                          : yyjson_mut_strncpy(doc, p->text.len > 0 ? p->text.data : "", p->text.len);
        if (value == NULL)
            return p->is_raw ? NULL : no_memory(err);
        if (!put(doc, into, p->key, value))
            return no_memory(err);
    }
    if (is_prompt && yyjson_mut_obj_size(into) > 0 && !yyjson_mut_obj_add_val(doc, params, "arguments", into))
        return no_memory(err);
    return params;
}
