/* Keywords that look at a value alone. */
#include "mcp/schema/check.h"

static const char *
article(const char *name)
{
    return strchr("aeiou", name[0]) != NULL ? "an" : strcmp(name, "null") == 0 ? "" : "a";
}

static void add_words(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void
add_words(char *out, size_t size, const char *format, ...)
{
    size_t  len = strlen(out);
    va_list args;

    va_start(args, format);
    vsnprintf(out + len, size - len, format, args);
    va_end(args);
}

static void
add_type(char *out, size_t size, const char *name)
{
    add_words(out, size, "%s%s%s", article(name), article(name)[0] == '\0' ? "" : " ", name);
}

/* What a value is, for words. */
static const char *
type_name(yyjson_val *value)
{
    unsigned bit = 0;

    while (!(schema_type_of(value) >> bit & 1))
        bit++;
    return schema_type_names[bit];
}

/* A value of the schema as JSON, its end cut. */
static void
add_value(char *out, size_t size, yyjson_val *value)
{
    size_t len;
    char  *text = yyjson_val_write_opts(value, YYJSON_WRITE_NOFLAG, NULL, &len, NULL);

    add_words(out, size, "%.80s%s", text == NULL ? "?" : text, text != NULL && len > 80 ? "..." : "");
    free(text);
}

bool
check_type(struct check *c, const struct rule *r, const struct visit *at)
{
    char          wanted[120] = "", is[20] = "";
    struct number number;
    bool          first = true;

    if (r->count & schema_type_of(at->value))
        return true;
    if (r->count & TYPE_INTEGER && schema_type_of(at->value) == TYPE_NUMBER) {
        number_read(&number, at->value);
        if (number_is_integer(&number))
            return true;
    }
    for (unsigned i = 0; c->quiet == 0 && i < SCHEMA_TYPES; i++) {
        if (!(r->count >> i & 1))
            continue;
        add_words(wanted, sizeof wanted, "%s", first ? "" : " or ");
        add_type(wanted, sizeof wanted, schema_type_names[i]);
        first = false;
    }
    add_type(is, sizeof is, type_name(at->value));
    return check_fail(c, r->keyword, at, "must be %s, is %s", wanted, is);
}

bool
check_enum(struct check *c, const struct rule *r, const struct visit *at)
{
    char        list[300] = "";
    size_t      i, max;
    yyjson_val *item;

    yyjson_arr_foreach(r->value, i, max, item)
    {
        if (values_are_equal(at->value, item, &c->steps, SCHEMA_DEPTH_MAX))
            return true;
        if (!check_step(c, 0))
            return false;
    }
    if (c->quiet > 0)
        return false;
    yyjson_arr_foreach(r->value, i, max, item)
    {
        if (strlen(list) > 200) {
            add_words(list, sizeof list, ", ... (%zu in all)", max);
            break;
        }
        add_words(list, sizeof list, "%s", i == 0 ? "" : ", ");
        add_value(list, sizeof list, item);
    }
    return check_fail(c, r->keyword, at, "must be one of %s", list);
}

bool
check_const(struct check *c, const struct rule *r, const struct visit *at)
{
    char wanted[120] = "";

    if (values_are_equal(at->value, r->value, &c->steps, SCHEMA_DEPTH_MAX))
        return true;
    if (!check_step(c, 0) || c->quiet > 0)
        return false;
    add_value(wanted, sizeof wanted, r->value);
    return check_fail(c, r->keyword, at, "must be %s", wanted);
}

bool
check_multiple_of(struct check *c, const struct rule *r, const struct visit *at)
{
    struct number number, divisor;
    char          wanted[120] = "";

    number_read(&number, at->value);
    number_read(&divisor, r->value);
    if (!check_step(c, number.count / 16))
        return false;
    if (number_is_multiple(&number, &divisor))
        return true;
    add_value(wanted, sizeof wanted, r->value);
    return check_fail(c, r->keyword, at, "must be a multiple of %s", wanted);
}

bool
check_limit(struct check *c, const struct rule *r, const struct visit *at)
{
    struct number number, limit;
    char          wanted[120] = "";
    bool          is_maximum  = r->keyword == KEYWORD_MAXIMUM || r->keyword == KEYWORD_EXCLUSIVE_MAXIMUM;
    bool          is_allowed  = r->keyword == KEYWORD_MAXIMUM || r->keyword == KEYWORD_MINIMUM;

    number_read(&number, at->value);
    number_read(&limit, r->value);
    if (!check_step(c, number.count / 16))
        return false;
    int order = number_compare(&number, &limit);
    if (order == 0 ? is_allowed : (order < 0) == is_maximum)
        return true;
    add_value(wanted, sizeof wanted, r->value);
    return check_fail(c, r->keyword, at, "must be %s %s",
                      is_maximum ? is_allowed ? "at most" : "below" : (is_allowed ? "at least" : "above"), wanted);
}

bool
check_length(struct check *c, const struct rule *r, const struct visit *at)
{
    struct str text  = json_str(at->value);
    uint64_t   count = 0;

    if (!check_step(c, text.len / 64))
        return false;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    if (r->keyword == KEYWORD_MAX_LENGTH ? count <= r->count : count >= r->count)
        return true;
    return check_fail(c, r->keyword, at, "must have %s %llu characters, has %llu",
                      r->keyword == KEYWORD_MAX_LENGTH ? "at most" : "at least", (unsigned long long)r->count,
                      (unsigned long long)count);
}

bool
check_pattern_rule(struct check *c, const struct rule *r, const struct visit *at)
{
    return check_pattern(c, r->pattern, json_str(at->value)) ||
           check_fail(c, r->keyword, at, "must match the pattern %.200s", yyjson_get_str(r->value));
}

static bool
check_count(struct check *c, const struct rule *r, const struct visit *at, bool is_most, size_t count, const char *of)
{
    if (is_most ? count <= r->count : count >= r->count)
        return true;
    return check_fail(c, r->keyword, at, "must have %s %llu %s, has %zu", is_most ? "at most" : "at least",
                      (unsigned long long)r->count, of, count);
}

bool
check_item_count(struct check *c, const struct rule *r, const struct visit *at)
{
    return check_count(c, r, at, r->keyword == KEYWORD_MAX_ITEMS, yyjson_arr_size(at->value), "items");
}

bool
check_member_count(struct check *c, const struct rule *r, const struct visit *at)
{
    return check_count(c, r, at, r->keyword == KEYWORD_MAX_PROPERTIES, yyjson_obj_size(at->value), "properties");
}

struct hashed {
    uint64_t    hash;
    size_t      index;
    yyjson_val *value;
};

static int
compare_hashed(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;

    return x->hash != y->hash ? (x->hash > y->hash) - (x->hash < y->hash)
                              : (x->index > y->index) - (x->index < y->index);
}

/* Those of the same hash, which are the same value or, rarely, not. */
static bool
are_different(struct check *c, const struct rule *r, const struct visit *at, const struct hashed *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count && items[k].hash == items[i].hash; k++) {
            bool equal = values_are_equal(items[i].value, items[k].value, &c->steps, SCHEMA_DEPTH_MAX);
            if (!check_step(c, 0))
                return false;
            if (equal)
                return check_fail(c, r->keyword, at, "must have no item twice: items %zu and %zu are the same",
                                  items[i].index, items[k].index);
        }
    return true;
}

bool
check_unique_items(struct check *c, const struct rule *r, const struct visit *at)
{
    size_t      i, max, count = yyjson_arr_size(at->value);
    yyjson_val *item;

    if (r->count == 0 || count < 2)
        return true;
    struct hashed *items = check_step(c, count) ? calloc(count, sizeof *items) : NULL;
    if (items == NULL)
        return check_stop(c, ERROR_MEMORY, "no memory to check a value");
    yyjson_arr_foreach(at->value, i, max, item)
    {
        items[i] = (struct hashed){value_hash(item, &c->steps, SCHEMA_DEPTH_MAX), i, item};
        if (c->steps == 0)
            break;
    }
    bool ok = check_step(c, 0);
    if (ok) {
        qsort(items, count, sizeof *items, compare_hashed);
        ok = are_different(c, r, at, items, count);
    }
    free(items);
    return ok;
}

static bool
check_names(struct check *c, const struct rule *r, const struct visit *at, const struct str *names, size_t count,
            const char *why, struct str other)
{
    for (size_t i = 0; i < count; i++) {
        if (!check_step(c, 1 + yyjson_obj_size(at->value) / 4))
            return false;
        if (yyjson_obj_getn(at->value, names[i].data, names[i].len) == NULL)
            return check_fail(c, r->keyword, at, "must have the property \"%.*s\"%s%.*s", STR_ARG(names[i]), why,
                              STR_ARG(other));
    }
    return true;
}

bool
check_required(struct check *c, const struct rule *r, const struct visit *at)
{
    return check_names(c, r, at, r->names, r->name_count, "", STR_NONE);
}

bool
check_dependent_required(struct check *c, const struct rule *r, const struct visit *at)
{
    for (size_t i = 0; i < r->named_count; i++) {
        const struct named *d = &r->named[i];
        if (!check_step(c, 1 + yyjson_obj_size(at->value) / 4))
            return false;
        if (yyjson_obj_getn(at->value, d->name.data, d->name.len) != NULL &&
            !check_names(c, r, at, d->names, d->name_count, ", because it has ", d->name))
            return false;
    }
    return true;
}
