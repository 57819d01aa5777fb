#include "cli/call/form.h"

#include "base/json.h"
#include "base/log.h"
#include "cli/call/value.h"
#include "cli/grid.h"

struct field {
    struct str      name;
    yyjson_val     *schema;
    yyjson_val     *choices; /* what it may be; NULL: no list */
    yyjson_val     *titles;  /* beside them; NULL: each has its own, or none */
    yyjson_mut_val *value;   /* NULL: not there */
    bool            is_required, is_list;
};

struct form {
    yyjson_doc     *schema;
    yyjson_mut_doc *values;
    struct field   *fields;
    size_t          count, at; /* at == count: the review */
    bool            colour;
};

/* ---- what there is ---- */

/* enum, or a list of {const, title}. */
static void
find_choices(struct field *f)
{
    static const char *const lists[] = {"enum", "oneOf", "anyOf"};
    yyjson_val              *within  = f->schema;

    f->is_list = yyjson_equals_str(yyjson_obj_get(f->schema, "type"), "array");
    if (f->is_list)
        within = yyjson_obj_get(f->schema, "items");
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && f->choices == NULL; i++) {
        yyjson_val *list = yyjson_obj_get(within, lists[i]);
        if (yyjson_arr_size(list) > 0 && yyjson_arr_size(list) <= FORM_CHOICES_MAX &&
            (i == 0 || yyjson_obj_get(yyjson_arr_get_first(list), "const") != NULL))
            f->choices = list;
    }
    f->titles = yyjson_obj_get(within, "enumNames");
}

static bool
is_in(yyjson_val *names, yyjson_val *name)
{
    yyjson_val *each;
    size_t      i, count;

    yyjson_arr_foreach(names, i, count, each)
    {
        if (yyjson_equals(each, name))
            return true;
    }
    return false;
}

struct form *
form_new(yyjson_val *schema, bool colour, struct error *err)
{
    struct form *f          = calloc(1, sizeof *f);
    yyjson_val  *properties = NULL, *name, *each;
    size_t       i, count;

    if (f != NULL) {
        yyjson_mut_doc *copy = yyjson_mut_doc_new(NULL);
        yyjson_mut_doc_set_root(copy, yyjson_val_mut_copy(copy, schema));
        f->schema = yyjson_mut_doc_imut_copy(copy, NULL);
        f->values = yyjson_mut_doc_new(NULL);
        f->colour = colour;
        yyjson_mut_doc_free(copy);
        properties = yyjson_obj_get(yyjson_doc_get_root(f->schema), "properties");
        f->fields  = calloc(yyjson_obj_size(properties) + 1, sizeof *f->fields);
    }
    if (f == NULL || f->values == NULL || f->fields == NULL || (f->schema == NULL && schema != NULL)) {
        error_set(err, ERROR_MEMORY, "no memory for the form");
        goto failed;
    }
    if (yyjson_obj_size(properties) > FORM_FIELDS_MAX) {
        error_set(err, ERROR_TOO_LARGE, "a form of more than %d fields", FORM_FIELDS_MAX);
        goto failed;
    }
    if (properties != NULL && !yyjson_is_obj(properties)) {
        error_set(err, ERROR_INVALID, "no form: its properties are no object");
        goto failed;
    }
    yyjson_obj_foreach(properties, i, count, name, each)
    {
        struct field *field = &f->fields[f->count++];
        field->name         = json_str(name);
        field->schema       = each;
        field->is_required  = is_in(yyjson_obj_get(yyjson_doc_get_root(f->schema), "required"), name);
        find_choices(field);
    }
    return f;
failed:
    form_free(f);
    return NULL;
}

void
form_free(struct form *f)
{
    if (f == NULL)
        return;
    yyjson_doc_free(f->schema);
    yyjson_mut_doc_free(f->values);
    free(f->fields);
    free(f);
}

/* ---- asking ---- */

static yyjson_val *
choice_value(const struct field *f, size_t i)
{
    yyjson_val *choice = yyjson_arr_get(f->choices, i);
    yyjson_val *is     = yyjson_obj_get(choice, "const");

    return is == NULL ? choice : is;
}

static yyjson_val *
choice_title(const struct field *f, size_t i)
{
    yyjson_val *title = yyjson_obj_get(yyjson_arr_get(f->choices, i), "title");

    return title == NULL ? yyjson_arr_get(f->titles, i) : title;
}

/* A text without its quotes, all else as JSON. */
static void
put_value(struct buffer *out, yyjson_val *value)
{
    if (yyjson_is_str(value)) {
        buffer_append_printable(out, json_str(value), true);
        return;
    }
    char *json = yyjson_val_write(value, 0, NULL);
    buffer_append_printable(out, str_from(json), true);
    free(json);
}

static void
put_styled(struct buffer *out, bool colour, enum style style, struct str text)
{
    struct buffer safe = {.max = KIB(16)};

    if (buffer_append_printable(&safe, str_take(text, KIB(2)), true))
        style_append(out, colour, style, buffer_str(&safe));
    buffer_clear(&safe);
}

static void
put_choices(const struct field *f, struct buffer *out)
{
    yyjson_val *usual = yyjson_obj_get(f->schema, "default");

    for (size_t i = 0; i < yyjson_arr_size(f->choices); i++) {
        yyjson_val *value = choice_value(f, i), *title = choice_title(f, i);
        buffer_printf(out, "    %zu  ", i + 1);
        put_value(out, value);
        if (yyjson_is_str(title) && !yyjson_equals(title, value)) {
            buffer_append(out, STR("  "));
            put_value(out, title);
        }
        if (usual != NULL && (f->is_list ? is_in(usual, value) : yyjson_equals(usual, value)))
            buffer_append(out, STR("  (default)"));
        buffer_append_char(out, '\n');
    }
}

/* "an integer, 1 to 10": what its schema says beside the type. */
static void
put_bounds(const struct field *f, struct buffer *out)
{
    static const struct {
        const char *key, *words;
    } bounds[] = {{"format", ", as "},
                  {"minimum", ", at least "},
                  {"maximum", ", at most "},
                  {"minLength", ", letters at least "},
                  {"maxLength", ", letters at most "},
                  {"pattern", ", of the pattern "},
                  {"minItems", ", how many at least "},
                  {"maxItems", ", how many at most "}};

    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        yyjson_val *value = yyjson_obj_get(f->schema, bounds[i].key);
        if (value == NULL)
            continue;
        buffer_append(out, str_from(bounds[i].words));
        put_value(out, value);
    }
}

static void
ask_field(const struct form *form, const struct field *f, struct buffer *out)
{
    struct str  title = json_str_in(f->schema, "title");
    struct str  about = json_str_in(f->schema, "description");
    yyjson_val *usual = yyjson_obj_get(f->schema, "default");

    buffer_append(out, STR("\n  "));
    put_styled(out, form->colour, STYLE_BOLD, title.len > 0 ? title : f->name);
    buffer_append(out, STR("  "));
    if (f->choices != NULL)
        buffer_append(out,
                      f->is_list ? STR("any of these, numbers with commas between") : STR("one of these, its number"));
    else
        value_print_types(f->schema, f->schema, out);
    put_bounds(f, out);
    buffer_append(out, f->is_required ? STR("; needed\n") : STR("; may be left empty\n"));
    if (about.len > 0) {
        buffer_append(out, STR("    "));
        buffer_append_printable(out, about, true);
        buffer_append_char(out, '\n');
    }
    put_choices(f, out);
    buffer_append(out, STR("  "));
    if (usual != NULL) {
        buffer_append_char(out, '[');
        put_value(out, usual);
        buffer_append(out, STR("] "));
    }
    buffer_append(out, STR("> "));
}

static void
ask_review(const struct form *form, struct buffer *out)
{
    for (size_t i = 0; i < form->count; i++) {
        const struct field *f    = &form->fields[i];
        char               *json = f->value == NULL ? NULL : yyjson_mut_val_write(f->value, 0, NULL);
        buffer_append(out, i == 0 ? STR("\n  ") : STR("  "));
        buffer_append_printable(out, f->name, true);
        buffer_append(out, STR(": "));
        if (json == NULL)
            buffer_append(out, STR("left out"));
        else
            buffer_append_printable(out, str_from(json), true);
        buffer_append_char(out, '\n');
        free(json);
    }
    buffer_append(out, form->count > 0 ? STR("  Send it? [Y]es, [n]o, [a]gain > ") : STR("  Agree? [Y]es, [n]o > "));
}

void
form_ask(const struct form *f, struct buffer *out)
{
    if (f->at < f->count)
        ask_field(f, &f->fields[f->at], out);
    else
        ask_review(f, out);
}

/* ---- taking ---- */

static bool
is_digits(struct str text, const char *shape)
{
    for (size_t i = 0; shape[i] != '\0'; i++)
        if (i >= text.len || (shape[i] == '0' ? text.data[i] < '0' || text.data[i] > '9' : text.data[i] != shape[i]))
            return false;
    return true;
}

/* As far as a mistype shows: the server judges. RFC 3339 for times. */
static bool
has_format(struct str format, struct str text)
{
    ptrdiff_t at = str_index(text, '@'), colon = str_index(text, ':');

    if (str_eq(format, STR("email")))
        return at > 0 && (size_t)at + 1 < text.len && str_index(text, ' ') < 0;
    if (str_eq(format, STR("uri")))
        return colon > 0 && (size_t)colon + 1 < text.len && str_index(text, ' ') < 0;
    if (str_eq(format, STR("date")))
        return text.len == 10 && is_digits(text, "0000-00-00");
    if (str_eq(format, STR("date-time")))
        return text.len >= 20 && is_digits(text, "0000-00-00T00:00:00");
    return true;
}

static yyjson_mut_val *
copy_of(struct form *form, yyjson_val *value)
{
    return yyjson_val_mut_copy(form->values, value);
}

/* By its number, else as it is written. NULL: `err`. */
static yyjson_val *
find_choice(const struct field *f, struct str word, struct error *err)
{
    size_t   count  = yyjson_arr_size(f->choices);
    uint64_t number = 0;

    if (str_to_u64(word, &number) && number >= 1 && number <= count)
        return choice_value(f, (size_t)number - 1);
    for (size_t i = 0; i < count; i++)
        if (str_eq(json_str(choice_value(f, i)), word) || str_eq(json_str(choice_title(f, i)), word))
            return choice_value(f, i);
    error_set(err, ERROR_INVALID, "a number from 1 to %zu, not \"%.*s\"", count, STR_ARG(str_take(word, 60)));
    return NULL;
}

static yyjson_mut_val *
make_choices(struct form *form, const struct field *f, struct str line, struct error *err)
{
    yyjson_mut_val *list = yyjson_mut_arr(form->values);
    struct str      word;

    while (str_cut(&line, ',', &word)) {
        yyjson_val *choice = str_trim(word).len == 0 ? NULL : find_choice(f, str_trim(word), err);
        if (str_trim(word).len == 0)
            continue;
        if (choice == NULL || !yyjson_mut_arr_append(list, copy_of(form, choice)))
            return NULL;
    }
    return list;
}

static yyjson_mut_val *
make_boolean(struct form *form, struct str line, struct error *err)
{
    static const char *const words[] = {"y", "yes", "true", "n", "no", "false"};

    for (size_t i = 0; i < 6; i++)
        if (str_eq_nocase(line, str_from(words[i])))
            return yyjson_mut_bool(form->values, i < 3);
    error_set(err, ERROR_INVALID, "yes or no, not \"%.*s\"", STR_ARG(str_take(line, 60)));
    return NULL;
}

static yyjson_mut_val *
make_value(struct form *form, const struct field *f, struct str line, struct error *err)
{
    struct str format = json_str_in(f->schema, "format");

    if (f->choices != NULL) {
        yyjson_val *choice = f->is_list ? NULL : find_choice(f, line, err);
        return f->is_list ? make_choices(form, f, line, err) : choice == NULL ? NULL : copy_of(form, choice);
    }
    if (value_types(f->schema, f->schema) == VALUE_BOOLEAN)
        return make_boolean(form, line, err);
    if (format.len > 0 && !has_format(format, line)) {
        error_set(err, ERROR_INVALID, "it is to be written as %.*s, like %s", STR_ARG(str_take(format, 40)),
                  str_eq(format, STR("email"))  ? "ada@example.com"
                  : str_eq(format, STR("uri"))  ? "https://example.com"
                  : str_eq(format, STR("date")) ? "2026-11-21"
                                                : "2026-11-21T14:02:11Z");
        return NULL;
    }
    return value_make(form->values, f->schema, f->schema, STR("this"), line, err);
}

static bool
is_valid(const struct field *f, yyjson_mut_val *value, struct error *err)
{
    struct schema_fault fault;

    return value_is_valid(value, f->schema, &fault, NULL) || error_set(err, ERROR_INVALID, "it %s", fault.words);
}

static void
take_field(struct form *form, struct field *f, struct str line, struct buffer *out)
{
    yyjson_val  *usual = yyjson_obj_get(f->schema, "default");
    struct error err   = {0};

    f->value = NULL;
    if (line.len == 0 && usual != NULL) {
        f->value = copy_of(form, usual);
        form->at++;
        return;
    }
    if (line.len == 0 && !f->is_required) {
        form->at++;
        return;
    }
    yyjson_mut_val *made = NULL;
    if (line.len == 0)
        error_set(&err, ERROR_INVALID, "it is needed; /decline ends the form");
    else
        made = make_value(form, f, line, &err);
    if (made != NULL && is_valid(f, made, &err)) {
        f->value = made;
        form->at++;
        return;
    }
    buffer_append(out, STR("  "));
    put_styled(out, form->colour, STYLE_RED, STR("✗"));
    buffer_append_char(out, ' ');
    buffer_append_printable(out, err.code == ERROR_NONE ? STR("no memory") : str_from(err.text), true);
    buffer_append_char(out, '\n');
}

static enum form_step
take_review(struct form *form, struct str line)
{
    char first = line.len == 0 ? 'y' : (char)(line.data[0] | 0x20);

    if (first == 'a')
        form->at = 0;
    return first == 'y' ? FORM_SEND : first == 'n' ? FORM_DECLINE : FORM_MORE;
}

enum form_step
form_take(struct form *f, struct str line, struct buffer *out)
{
    line = str_trim(line);
    if (str_eq(line, STR("/decline")))
        return FORM_DECLINE;
    if (str_eq(line, STR("/cancel")))
        return FORM_CANCEL;
    if (f->at >= f->count)
        return take_review(f, line);
    take_field(f, &f->fields[f->at], line, out);
    return FORM_MORE;
}

yyjson_mut_val *
form_content(struct form *f, yyjson_mut_doc *doc)
{
    yyjson_mut_val *content = yyjson_mut_obj(doc);

    for (size_t i = 0; i < f->count && content != NULL; i++) {
        const struct field *field = &f->fields[i];
        if (field->value == NULL)
            continue;
        yyjson_mut_val *name = yyjson_mut_strncpy(doc, field->name.data, field->name.len);
        if (name == NULL || !yyjson_mut_obj_add(content, name, yyjson_mut_val_mut_copy(doc, field->value)))
            content = NULL;
    }
    return content;
}
