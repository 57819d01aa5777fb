/* Keywords that apply schemas to the value itself, and to what those have left over. */
#include "mcp/schema/check.h"

/* As part of a keyword that may hold although this fails: what is seen on the way counts only if it does not. */
static bool
try_node(struct check *c, const struct node *n, const struct visit *at)
{
    struct visit here = *at;
    struct seen  seen;

    if (at->seen == NULL)
        return check_apply(c, n, at);
    if (!seen_begin(c, &seen, at->value))
        return false;
    here.seen = &seen;
    bool ok   = check_apply(c, n, &here);
    if (ok)
        seen_merge(at->seen, &seen);
    seen_end(&seen);
    return ok;
}

/* $dynamicRef: of the resources that we came through, the outermost that has the anchor decides. */
bool
check_ref(struct check *c, const struct rule *r, const struct visit *at)
{
    const struct node *target = r->node;

    for (const struct scope *s = r->dynamic.len > 0 ? at->scope : NULL; s != NULL; s = s->outer) {
        if (!check_step(c, 1 + s->resource->anchor_count / 4))
            return false;
        const struct node *other = resource_dynamic(s->resource, r->dynamic);
        if (other != NULL)
            target = other;
    }
    return check_apply(c, target, at);
}

bool
check_all_of(struct check *c, const struct rule *r, const struct visit *at)
{
    for (size_t i = 0; i < r->node_count; i++)
        if (!check_apply(c, r->nodes[i], at))
            return false;
    return true;
}

/* Why each of the alternatives was none, as long as there is room. */
struct reasons {
    char   text[320];
    size_t len;
};

static void
add_reason(struct reasons *all, const struct check *c, const struct visit *at)
{
    char here[sizeof c->fault->pointer];

    if (c->quiet > 0 || c->stopped || all->len > 200)
        return;
    place_write(at->place, here, sizeof here);
    bool is_within = strlen(c->fault->pointer) > strlen(here);
    int  more = snprintf(all->text + all->len, sizeof all->text - all->len, "%s%.60s%s%s", all->len == 0 ? "" : "; or ",
                        is_within ? c->fault->pointer : "", is_within ? " " : "", c->fault->words);
    all->len += more < 0 ? 0 : (size_t)more;
    if (all->len >= sizeof all->text)
        all->len = sizeof all->text - 1;
}

bool
check_any_of(struct check *c, const struct rule *r, const struct visit *at)
{
    struct reasons why = {.len = 0};
    bool           any = false;

    for (size_t i = 0; i < r->node_count && (!any || at->seen != NULL) && !c->stopped; i++) {
        if (try_node(c, r->nodes[i], at))
            any = true;
        else
            add_reason(&why, c, at);
    }
    return any || check_fail(c, r->keyword, at, "matches no alternative: %s", why.text);
}

bool
check_one_of(struct check *c, const struct rule *r, const struct visit *at)
{
    struct reasons why   = {.len = 0};
    size_t         first = r->node_count;

    for (size_t i = 0; i < r->node_count && !c->stopped; i++) {
        if (!try_node(c, r->nodes[i], at))
            add_reason(&why, c, at);
        else if (first < r->node_count)
            return check_fail(c, r->keyword, at, "must match one alternative, matches two: %zu and %zu of %zu",
                              first + 1, i + 1, r->node_count);
        else
            first = i;
    }
    return first < r->node_count || check_fail(c, r->keyword, at, "matches no alternative: %s", why.text);
}

bool
check_not(struct check *c, const struct rule *r, const struct visit *at)
{
    struct visit here = *at;

    here.seen = NULL;
    c->quiet++;
    bool matches = check_apply(c, r->node, &here);
    c->quiet--;
    return !matches || check_fail(c, r->keyword, at, "must not be what `not` describes");
}

bool
check_if(struct check *c, const struct rule *r, const struct visit *at)
{
    c->quiet++;
    bool matches = try_node(c, r->node, at);
    c->quiet--;
    const struct rule *next = node_rule(r->of, matches ? KEYWORD_THEN : KEYWORD_ELSE);
    return !c->stopped && (next == NULL || check_apply(c, next->node, at));
}

bool
check_dependent_schemas(struct check *c, const struct rule *r, const struct visit *at)
{
    for (size_t i = 0; i < r->named_count; i++) {
        if (!check_step(c, 1 + yyjson_obj_size(at->value) / 4))
            return false;
        if (yyjson_obj_getn(at->value, r->named[i].name.data, r->named[i].name.len) != NULL &&
            !check_apply(c, r->named[i].node, at))
            return false;
    }
    return true;
}

bool
check_unevaluated_items(struct check *c, const struct rule *r, const struct visit *at)
{
    struct place place = {.parent = at->place};
    size_t       max;
    yyjson_val  *item;

    yyjson_arr_foreach(at->value, place.index, max, item)
    {
        struct visit here = {.value = item, .place = &place, .scope = at->scope};
        if (!check_step(c, 1))
            return false;
        if (seen_has(at->seen, place.index))
            continue;
        if (r->node->never)
            return check_fail(c, r->keyword, at, "must not have the item %zu, of which its schema does not speak",
                              place.index);
        if (!check_apply(c, r->node, &here))
            return false;
    }
    seen_add_all(at->seen);
    return true;
}

bool
check_unevaluated_properties(struct check *c, const struct rule *r, const struct visit *at)
{
    size_t      i, max;
    yyjson_val *key, *value;

    yyjson_obj_foreach(at->value, i, max, key, value)
    {
        struct place place = {.parent = at->place, .key = json_str(key)};
        struct visit here  = {.value = value, .place = &place, .scope = at->scope};
        if (!check_step(c, 1))
            return false;
        if (seen_has(at->seen, i))
            continue;
        if (r->node->never)
            return check_fail(c, r->keyword, at,
                              "must not have the property \"%.60s\", of which its schema does not speak",
                              yyjson_get_str(key));
        if (!check_apply(c, r->node, &here))
            return false;
    }
    seen_add_all(at->seen);
    return true;
}
