/* Defaults: a copy of a value in which what is not there has the value that its schema proposes. */
#include "mcp/schema/parts.h"

struct filler {
    yyjson_mut_doc *doc;
    struct error   *err;
    uint64_t        steps;
    unsigned        depth;
};

static bool fill(struct filler *f, const struct node *n, yyjson_mut_val *value);

static bool
step(struct filler *f, uint64_t count)
{
    f->steps = f->steps > count ? f->steps - count : 0;
    return f->steps > 0 ||
           error_set(f->err, ERROR_TOO_LARGE, "to fill in the defaults of the schema takes too much work");
}

/* Counts the values and text within one. False: it is nested deeper than what copies it may follow. */
static bool
measure(yyjson_val *value, uint64_t *weight, unsigned depth)
{
    size_t      i, max;
    yyjson_val *key, *item;

    *weight += 1 + (yyjson_is_str(value) ? yyjson_get_len(value) / 16 : 0);
    if (yyjson_is_ctn(value) && depth == 0)
        return false;
    if (yyjson_is_arr(value))
        yyjson_arr_foreach(value, i, max, item) if (!measure(item, weight, depth - 1)) return false;
    if (yyjson_is_obj(value))
        yyjson_obj_foreach(value, i, max, key,
                           item) if (!measure(key, weight, 0) || !measure(item, weight, depth - 1)) return false;
    return true;
}

/* NULL: too much, or no memory. */
static yyjson_mut_val *
copy_default(struct filler *f, yyjson_val *value)
{
    uint64_t weight = 0;

    if (!measure(value, &weight, SCHEMA_DEPTH_MAX)) {
        error_set(f->err, ERROR_TOO_LARGE, "a default is nested deeper than %d", SCHEMA_DEPTH_MAX);
        return NULL;
    }
    yyjson_mut_val *copy = step(f, weight) ? yyjson_val_mut_copy(f->doc, value) : NULL;
    if (copy == NULL && f->steps > 0)
        error_set(f->err, ERROR_MEMORY, "no memory for the defaults of a schema");
    return copy;
}

static bool
fill_members(struct filler *f, const struct rule *properties, yyjson_mut_val *object)
{
    for (size_t i = 0; i < properties->named_count; i++) {
        const struct named *p = &properties->named[i];
        if (!step(f, 1 + yyjson_mut_obj_size(object) / 4))
            return false;
        yyjson_mut_val *value = yyjson_mut_obj_getn(object, p->name.data, p->name.len);
        if (value == NULL && p->node->default_value != NULL) {
            yyjson_mut_val *key = yyjson_mut_strncpy(f->doc, p->name.data, p->name.len);
            value               = copy_default(f, p->node->default_value);
            if (value == NULL)
                return false;
            if (!yyjson_mut_obj_add(object, key, value))
                return error_set(f->err, ERROR_MEMORY, "no memory for the defaults of a schema");
        }
        if (value != NULL && !fill(f, p->node, value))
            return false;
    }
    return true;
}

static bool
fill_items(struct filler *f, const struct rule *prefix, const struct rule *items, yyjson_mut_val *array)
{
    size_t              i, max, fixed = prefix == NULL ? 0 : prefix->node_count;
    yyjson_mut_val     *item;
    yyjson_mut_arr_iter iter;

    for (i = yyjson_mut_arr_size(array); prefix != NULL && i < fixed && prefix->nodes[i]->default_value != NULL; i++) {
        item = copy_default(f, prefix->nodes[i]->default_value);
        if (item == NULL)
            return false;
        yyjson_mut_arr_append(array, item);
    }
    yyjson_mut_arr_iter_init(array, &iter);
    for (i = 0, max = yyjson_mut_arr_size(array); i < max; i++) {
        item                 = yyjson_mut_arr_iter_next(&iter);
        const struct node *n = prefix != NULL && i < fixed ? prefix->nodes[i] : items == NULL ? NULL : items->node;
        if (n != NULL && !fill(f, n, item))
            return false;
    }
    return true;
}

static bool
fill_rules(struct filler *f, const struct node *n, yyjson_mut_val *value)
{
    for (size_t i = 0; i < n->rule_count; i++) {
        const struct rule *r = &n->rules[i];
        bool               ok;
        switch (r->keyword) {
        case KEYWORD_PROPERTIES:
            ok = !yyjson_mut_is_obj(value) || fill_members(f, r, value);
            break;
        case KEYWORD_PREFIX_ITEMS:
            ok = !yyjson_mut_is_arr(value) || fill_items(f, r, node_rule(n, KEYWORD_ITEMS), value);
            break;
        case KEYWORD_ITEMS: /* unless it was done with those before */
            ok = !yyjson_mut_is_arr(value) || node_rule(n, KEYWORD_PREFIX_ITEMS) != NULL ||
                 fill_items(f, NULL, r, value);
            break;
        case KEYWORD_REF:
        case KEYWORD_DYNAMIC_REF:
            ok = fill(f, r->node, value);
            break;
        case KEYWORD_ALL_OF:
            ok = true;
            for (size_t k = 0; ok && k < r->node_count; k++)
                ok = fill(f, r->nodes[k], value);
            break;
        default:
            ok = true;
        }
        if (!ok)
            return false;
    }
    return true;
}

static bool
fill(struct filler *f, const struct node *n, yyjson_mut_val *value)
{
    if (!step(f, 1 + n->rule_count))
        return false;
    if (f->depth >= SCHEMA_DEPTH_MAX)
        return error_set(f->err, ERROR_TOO_LARGE,
                         "the value and its schema are nested too deep, or the schema refers to itself");
    f->depth++;
    bool ok = fill_rules(f, n, value);
    f->depth--;
    return ok;
}

yyjson_mut_val *
schema_fill(const struct schema *s, yyjson_val *value, yyjson_mut_doc *doc, struct error *err)
{
    struct filler f      = {.doc = doc, .err = err, .steps = SCHEMA_STEPS_MAX};
    uint64_t      weight = 0;

    if (!measure(value, &weight, SCHEMA_DEPTH_MAX)) {
        error_set(err, ERROR_TOO_LARGE, "the value is nested deeper than %d", SCHEMA_DEPTH_MAX);
        return NULL;
    }
    yyjson_mut_val *copy = yyjson_val_mut_copy(doc, value);
    if (copy == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for the defaults of a schema");
        return NULL;
    }
    return fill(&f, s->root, copy) ? copy : NULL;
}
