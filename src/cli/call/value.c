#include "cli/call/value.h"

#include <stdlib.h>

#include "base/nearest.h"
#include "mcp/json.h"

enum { DEEP = 16, STEPS = 2000, SHOWN = 80, CHOICES_SHOWN = 12, ERROR_ROOM = 480 };

/* clang-format off */
static const struct {
    const char *name;
    unsigned    type;
    const char *words;
} types[] = {
    {"string",  VALUE_STRING,                 "a string"},
    {"integer", VALUE_INTEGER,                "an integer"},
    {"number",  VALUE_NUMBER | VALUE_INTEGER, "a number"},
    {"boolean", VALUE_BOOLEAN,                "true or false"},
    {"array",   VALUE_ARRAY,                  "an array"},
    {"object",  VALUE_OBJECT,                 "an object"},
    {"null",    VALUE_NULL,                   "null"},
};
/* clang-format on */

enum { TYPES = sizeof types / sizeof types[0] };

/* A number that yyjson kept as it was written. */
static bool
is_whole(struct str text)
{
    return str_index(text, '.') < 0 && str_index(text, 'e') < 0 && str_index(text, 'E') < 0;
}

static unsigned
type_of(yyjson_val *value)
{
    if (yyjson_is_raw(value))
        return is_whole(json_raw(value)) ? VALUE_INTEGER | VALUE_NUMBER : VALUE_NUMBER;
    if (yyjson_is_int(value))
        return VALUE_INTEGER | VALUE_NUMBER;
    if (yyjson_is_real(value)) { /* 1.0 is an integer */
        double number = yyjson_get_real(value);
        return number > -9e15 && number < 9e15 && number == (double)(int64_t)number ? VALUE_INTEGER | VALUE_NUMBER
                                                                                    : VALUE_NUMBER;
    }
    return yyjson_is_str(value)    ? VALUE_STRING
           : yyjson_is_bool(value) ? VALUE_BOOLEAN
           : yyjson_is_arr(value)  ? VALUE_ARRAY
           : yyjson_is_obj(value)  ? VALUE_OBJECT
                                   : VALUE_NULL;
}

static unsigned
named_type(yyjson_val *name)
{
    for (size_t i = 0; i < TYPES; i++)
        if (yyjson_equals_str(name, types[i].name))
            return types[i].type;
    return 0;
}

yyjson_val *
value_schema(yyjson_val *root, yyjson_val *schema)
{
    for (unsigned i = 0; i < DEEP; i++) {
        yyjson_val *ref  = yyjson_obj_get(schema, "$ref");
        struct str  text = json_str(ref);
        yyjson_val *next = NULL;

        if (ref == NULL || text.len == 0 || text.data[0] != '#')
            return schema;
        next = text.len == 1 ? root : yyjson_ptr_getn(root, text.data + 1, text.len - 1);
        if (next == NULL)
            return schema;
        schema = next;
    }
    return schema;
}

/* A hostile schema refers to itself in each of its branches: so many steps are made, then anything may stand there. */
struct looking {
    yyjson_val *root;
    unsigned    deep, steps;
};

static unsigned types_within(struct looking *l, yyjson_val *schema);

/* Of the schemas in an array: what any of them lets, or what all do. */
static unsigned
types_of_all(struct looking *l, yyjson_val *schemas, bool any)
{
    unsigned    found = any ? 0 : VALUE_ANY;
    yyjson_val *each;
    size_t      i, count;

    if (yyjson_arr_size(schemas) == 0)
        return VALUE_ANY;
    yyjson_arr_foreach(schemas, i, count, each)
    {
        unsigned here = types_within(l, each);
        found         = any ? found | here : found & here;
    }
    return found;
}

static unsigned
types_within(struct looking *l, yyjson_val *schema)
{
    unsigned    found = VALUE_ANY, here = 0;
    yyjson_val *type, *each, *values;
    size_t      i, count;

    schema = value_schema(l->root, schema);
    if (!yyjson_is_obj(schema) || l->deep > DEEP || ++l->steps > STEPS)
        return VALUE_ANY;
    l->deep++;
    type = yyjson_obj_get(schema, "type");
    if (yyjson_is_str(type))
        here = named_type(type);
    yyjson_arr_foreach(type, i, count, each)
    {
        here |= named_type(each);
    }
    if (here != 0)
        found = here;
    here   = 0;
    values = yyjson_obj_get(schema, "enum");
    yyjson_arr_foreach(values, i, count, each)
    {
        here |= type_of(each);
    }
    if (yyjson_obj_get(schema, "const") != NULL)
        here |= type_of(yyjson_obj_get(schema, "const"));
    if (here != 0)
        found &= here;
    found &= types_of_all(l, yyjson_obj_get(schema, "anyOf"), true);
    found &= types_of_all(l, yyjson_obj_get(schema, "oneOf"), true);
    found &= types_of_all(l, yyjson_obj_get(schema, "allOf"), false);
    l->deep--;
    return found;
}

unsigned
value_types(yyjson_val *root, yyjson_val *schema)
{
    struct looking l     = {.root = root};
    unsigned       found = types_within(&l, schema);

    return found == 0 ? VALUE_ANY : found;
}

static const char *
words_of(unsigned type)
{
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].type == type)
            return types[i].words;
    return "";
}

bool
value_print_types(yyjson_val *root, yyjson_val *schema, struct buffer *out)
{
    unsigned    found = value_types(root, schema), left = found;
    yyjson_val *items = yyjson_obj_get(value_schema(root, schema), "items");
    bool        first = true, ok = true;

    if (found == VALUE_ANY)
        return buffer_append(out, STR("any value"));
    if (found == VALUE_ARRAY && yyjson_is_obj(items)) {
        unsigned each = value_types(root, items);
        for (size_t i = 0; i < TYPES; i++)
            if (types[i].type == each)
                return buffer_printf(out, "an array of %ss", types[i].name);
    }
    for (size_t i = 0; i < TYPES && ok; i++) {
        if ((left & types[i].type) != types[i].type || (types[i].type == VALUE_INTEGER && (left & VALUE_NUMBER)))
            continue;
        left &= ~types[i].type;
        ok    = buffer_printf(out, "%s%s", first ? "" : left == 0 ? " or " : ", ", words_of(types[i].type));
        first = false;
    }
    return ok;
}

yyjson_mut_val *
value_read_json(yyjson_mut_doc *doc, struct str name, struct str text, struct error *err)
{
    yyjson_read_err why    = {0};
    yyjson_mut_val *value  = NULL;
    yyjson_doc     *parsed = NULL;

    text = str_trim(text);
    if (text.len > 0)
        parsed = yyjson_read_opts((char *)(uintptr_t)text.data, text.len, YYJSON_READ_BIGNUM_AS_RAW, NULL, &why);
    if (parsed == NULL)
        error_set(err, ERROR_INVALID, "%.*s is no JSON: %s, in \"%.*s\"", STR_ARG(str_take(name, SHOWN)),
                  text.len == 0 ? "nothing is there" : why.msg, STR_ARG(str_take(text, SHOWN)));
    else if ((value = yyjson_val_mut_copy(doc, yyjson_doc_get_root(parsed))) == NULL)
        error_set(err, ERROR_MEMORY, "no memory");
    yyjson_doc_free(parsed);
    return value;
}

/* The values that may stand there; NULL: no such list. `*key` is what each holds it under, NULL: it is the value. */
static yyjson_val *
choices_of(yyjson_val *schema, const char **key)
{
    static const char *const lists[] = {"enum", "oneOf", "anyOf"};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        yyjson_val *list = yyjson_obj_get(schema, lists[i]), *each;
        size_t      k, count;
        bool        all = yyjson_arr_size(list) > 0;

        *key = i == 0 ? NULL : "const";
        yyjson_arr_foreach(list, k, count, each)
        {
            all = all && (i == 0 || yyjson_obj_get(each, "const") != NULL);
        }
        if (all)
            return list;
    }
    return NULL;
}

/* False: it is none of them; `err` names them, or the nearest. */
static bool
is_choice(yyjson_val *schema, yyjson_val *made, struct str name, struct str text, struct error *err)
{
    struct buffer words = {.max = ERROR_ROOM};
    const char   *key   = NULL;
    yyjson_val   *list  = choices_of(schema, &key), *each;
    struct str    near  = STR_NONE;
    unsigned      best  = NEAREST_NONE;
    size_t        i, count;

    if (list == NULL)
        return true;
    yyjson_arr_foreach(list, i, count, each)
    {
        yyjson_val *value    = key == NULL ? each : yyjson_obj_get(each, key);
        unsigned    distance = nearest_distance(text, json_str(value));
        char       *json     = yyjson_val_write(value, 0, NULL);

        if (yyjson_equals(value, made)) {
            free(json);
            buffer_clear(&words);
            return true;
        }
        if (yyjson_is_str(value) && distance < best) {
            best = distance;
            near = json_str(value);
        }
        if (i < CHOICES_SHOWN && json != NULL)
            buffer_printf(&words, "%s%.*s", i == 0 ? "" : ", ", SHOWN, json);
        free(json);
    }
    if (near.data != NULL)
        error_set(err, ERROR_INVALID, "%.*s is none of its choices: \"%.*s\"; did you mean \"%.*s\"?",
                  STR_ARG(str_take(name, SHOWN)), STR_ARG(str_take(text, SHOWN)), STR_ARG(str_take(near, SHOWN)));
    else
        error_set(err, ERROR_INVALID, "%.*s is %s%.*s%s, not \"%.*s\"", STR_ARG(str_take(name, SHOWN)),
                  count > 1 ? "one of " : "", STR_ARG(str_take(buffer_str(&words), 250)),
                  count > CHOICES_SHOWN ? ", …" : "", STR_ARG(str_take(text, SHOWN)));
    buffer_clear(&words);
    return false;
}

static bool
check_choice(yyjson_val *schema, yyjson_mut_val *made, struct str name, struct str text, struct error *err)
{
    yyjson_doc *fixed = yyjson_mut_val_imut_copy(made, NULL);

    if (fixed == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    bool ok = is_choice(schema, yyjson_doc_get_root(fixed), name, text, err);
    yyjson_doc_free(fixed);
    return ok;
}

/* An array of the one item that was typed. */
static yyjson_mut_val *
make_array(yyjson_mut_doc *doc, yyjson_val *root, yyjson_val *schema, struct str name, struct str text,
           struct error *err)
{
    yyjson_val     *items = yyjson_obj_get(schema, "items");
    yyjson_mut_val *array = yyjson_mut_arr(doc);
    yyjson_mut_val *item  = value_types(root, items) & VALUE_ARRAY && items != NULL
                                ? value_read_json(doc, name, text, err)
                                : value_make(doc, root, items, name, text, err);

    return item != NULL && yyjson_mut_arr_append(array, item) ? array : NULL;
}

static yyjson_mut_val *
refuse(yyjson_val *root, yyjson_val *schema, struct str name, struct str text, struct error *err)
{
    struct buffer wanted = {.max = 200};

    value_print_types(root, schema, &wanted);
    error_set(err, ERROR_INVALID, "%.*s is %.*s, not \"%.*s\"", STR_ARG(str_take(name, SHOWN)),
              STR_ARG(buffer_str(&wanted)), STR_ARG(str_take(text, SHOWN)));
    buffer_clear(&wanted);
    return NULL;
}

yyjson_mut_val *
value_make(yyjson_mut_doc *doc, yyjson_val *root, yyjson_val *schema, struct str name, struct str text,
           struct error *err)
{
    unsigned        allowed = value_types(root, schema);
    struct str      trimmed = str_trim(text);
    yyjson_val     *here    = value_schema(root, schema);
    yyjson_doc     *parsed  = NULL;
    yyjson_mut_val *made    = NULL;

    if ((allowed & ~(unsigned)VALUE_STRING) != 0 && trimmed.len > 0)
        parsed = yyjson_read(trimmed.data, trimmed.len, YYJSON_READ_BIGNUM_AS_RAW);
    unsigned is = parsed == NULL ? 0 : type_of(yyjson_doc_get_root(parsed)) & allowed;
    if (allowed & VALUE_STRING) /* "null" is a word too */
        is &= ~(unsigned)(VALUE_STRING | VALUE_NULL);
    if (is != 0)
        made = yyjson_val_mut_copy(doc, yyjson_doc_get_root(parsed));
    yyjson_doc_free(parsed);
    if (is == 0 && (allowed & VALUE_STRING)) {
        if (!str_is_utf8(text))
            return refuse(root, schema, name, STR("what is no UTF-8"), err);
        made = yyjson_mut_strncpy(doc, text.data == NULL ? "" : text.data, text.len);
    } else if (is == 0) {
        if (!(allowed & VALUE_ARRAY) || trimmed.len == 0 || trimmed.data[0] == '[')
            return refuse(root, schema, name, text, err);
        return make_array(doc, root, here, name, text, err);
    }
    if (made == NULL)
        error_set(err, ERROR_MEMORY, "no memory");
    return made != NULL && check_choice(here, made, name, text, err) ? made : NULL;
}

bool
value_is_valid(yyjson_mut_val *value, yyjson_val *schema, struct schema_fault *fault, struct error *err)
{
    size_t         len   = 0;
    char          *text  = yyjson_val_write(schema, 0, &len);
    yyjson_doc    *fixed = yyjson_mut_val_imut_copy(value, NULL);
    struct schema *rules = text == NULL ? NULL : schema_compile(str_of(text, len), NULL);
    struct error   why   = {0};
    bool ok = rules == NULL || fixed == NULL || schema_validate(rules, yyjson_doc_get_root(fixed), fault, &why) ||
              why.code != ERROR_INVALID;

    schema_free(rules);
    yyjson_doc_free(fixed);
    free(text);
    return ok || error_set(err, ERROR_INVALID, "%s", why.text);
}
