/* Keywords that apply schemas to the items and members of a value. */
#include "mcp/schema/check.h"

static bool
apply_to_item(struct check *c, const struct node *n, const struct visit *at, yyjson_val *item, size_t index)
{
    struct place place = {.parent = at->place, .index = index};

    return check_apply(c, n, &(struct visit){.value = item, .place = &place, .scope = at->scope});
}

static bool
apply_to_member(struct check *c, const struct node *n, const struct visit *at, yyjson_val *key, yyjson_val *value)
{
    struct place place = {.parent = at->place, .key = json_str(key)};

    return check_apply(c, n, &(struct visit){.value = value, .place = &place, .scope = at->scope});
}

bool
check_prefix_items(struct check *c, const struct rule *r, const struct visit *at)
{
    size_t      i, max;
    yyjson_val *item;

    yyjson_arr_foreach(at->value, i, max, item)
    {
        if (i >= r->node_count)
            break;
        if (!apply_to_item(c, r->nodes[i], at, item, i))
            return false;
        seen_add(at->seen, i);
    }
    return true;
}

bool
check_items(struct check *c, const struct rule *r, const struct visit *at)
{
    const struct rule *prefix = node_rule(r->of, KEYWORD_PREFIX_ITEMS);
    size_t             i, max, from = prefix == NULL ? 0 : prefix->node_count;
    yyjson_val        *item;

    if (r->node->never && yyjson_arr_size(at->value) > from)
        return check_fail(c, r->keyword, at, "must have at most %zu items, has %zu", from, yyjson_arr_size(at->value));
    yyjson_arr_foreach(at->value, i, max, item)
    {
        if (i >= from && !apply_to_item(c, r->node, at, item, i))
            return false;
    }
    seen_add_all(at->seen);
    return true;
}

bool
check_contains(struct check *c, const struct rule *r, const struct visit *at)
{
    const struct rule *least = node_rule(r->of, KEYWORD_MIN_CONTAINS), *most = node_rule(r->of, KEYWORD_MAX_CONTAINS);
    uint64_t           min = least == NULL ? 1 : least->count, found = 0;
    size_t             i, max;
    yyjson_val        *item;

    c->quiet++;
    yyjson_arr_foreach(at->value, i, max, item)
    {
        if (!apply_to_item(c, r->node, at, item, i))
            continue;
        found++;
        seen_add(at->seen, i);
    }
    c->quiet--;
    if (c->stopped)
        return false;
    if (found < min)
        return check_fail(c, least == NULL ? r->keyword : KEYWORD_MIN_CONTAINS, at,
                          "must have at least %llu items of the kind that `contains` asks for, has %llu",
                          (unsigned long long)min, (unsigned long long)found);
    if (most != NULL && found > most->count)
        return check_fail(c, KEYWORD_MAX_CONTAINS, at,
                          "must have at most %llu items of the kind that `contains` asks for, has %llu",
                          (unsigned long long)most->count, (unsigned long long)found);
    return true;
}

bool
check_properties(struct check *c, const struct rule *r, const struct visit *at)
{
    size_t      i, max;
    yyjson_val *key, *value;

    yyjson_obj_foreach(at->value, i, max, key, value)
    {
        const struct named *property = rule_named(r, json_str(key));
        if (!check_step(c, 1))
            return false;
        if (property == NULL)
            continue;
        if (!apply_to_member(c, property->node, at, key, value))
            return false;
        seen_add(at->seen, i);
    }
    return true;
}

bool
check_pattern_properties(struct check *c, const struct rule *r, const struct visit *at)
{
    size_t      i, max;
    yyjson_val *key, *value;

    yyjson_obj_foreach(at->value, i, max, key, value)
    {
        for (size_t k = 0; k < r->named_count; k++) {
            bool matches = check_pattern(c, r->named[k].pattern, json_str(key));
            if (c->stopped || (matches && !apply_to_member(c, r->named[k].node, at, key, value)))
                return false;
            if (matches)
                seen_add(at->seen, i);
        }
    }
    return true;
}

/* Whether `properties` or `patternProperties` of the same schema speak about a member. */
static bool
is_spoken_of(struct check *c, const struct node *n, struct str name)
{
    const struct rule *properties = node_rule(n, KEYWORD_PROPERTIES);
    const struct rule *patterns   = node_rule(n, KEYWORD_PATTERN_PROPERTIES);

    if (properties != NULL && rule_named(properties, name) != NULL)
        return true;
    for (size_t i = 0; patterns != NULL && i < patterns->named_count; i++)
        if (check_pattern(c, patterns->named[i].pattern, name))
            return true;
    return false;
}

/* Says which there may be, if that is known and they are few. */
static bool
fail_additional(struct check *c, const struct rule *r, const struct visit *at, struct str name)
{
    const struct rule *properties = node_rule(r->of, KEYWORD_PROPERTIES);
    char               list[240]  = "";
    size_t             len        = 0;

    for (size_t i = 0; c->quiet == 0 && properties != NULL && i < properties->named_count && len < 200; i++) {
        bool last = i + 1 == properties->named_count;
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%.30s%s", i == 0 ? "; known are: " : ", ",
                                properties->named[i].name.data, len > 160 && !last ? ", ..." : "");
        if (len > 160)
            break;
    }
    return check_fail(c, r->keyword, at, "must not have the property \"%.*s\"%s", name.len > 60 ? 60 : (int)name.len,
                      name.data, list);
}

bool
check_additional_properties(struct check *c, const struct rule *r, const struct visit *at)
{
    size_t      i, max;
    yyjson_val *key, *value;

    yyjson_obj_foreach(at->value, i, max, key, value)
    {
        bool spoken_of = is_spoken_of(c, r->of, json_str(key));
        if (!check_step(c, 1))
            return false;
        if (spoken_of)
            continue;
        if (r->node->never)
            return fail_additional(c, r, at, json_str(key));
        if (!apply_to_member(c, r->node, at, key, value))
            return false;
        seen_add(at->seen, i);
    }
    return true;
}

bool
check_property_names(struct check *c, const struct rule *r, const struct visit *at)
{
    char        words[sizeof c->fault->words];
    size_t      i, max;
    yyjson_val *key, *value;

    yyjson_obj_foreach(at->value, i, max, key, value)
    {
        if (check_apply(c, r->node, &(struct visit){.value = key, .place = at->place, .scope = at->scope}))
            continue;
        if (c->quiet > 0 || c->stopped)
            return false;
        memcpy(words, c->fault->words, sizeof words);
        return check_fail(c, r->keyword, at, "has a property with the name \"%.60s\", which %s", yyjson_get_str(key),
                          words);
    }
    return true;
}
