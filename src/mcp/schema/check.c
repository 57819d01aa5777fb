#include "mcp/schema/check.h"

static check_rule *const checks[KEYWORDS] = {
    [KEYWORD_TYPE]                   = check_type,
    [KEYWORD_ENUM]                   = check_enum,
    [KEYWORD_CONST]                  = check_const,
    [KEYWORD_MULTIPLE_OF]            = check_multiple_of,
    [KEYWORD_MAXIMUM]                = check_limit,
    [KEYWORD_EXCLUSIVE_MAXIMUM]      = check_limit,
    [KEYWORD_MINIMUM]                = check_limit,
    [KEYWORD_EXCLUSIVE_MINIMUM]      = check_limit,
    [KEYWORD_MAX_LENGTH]             = check_length,
    [KEYWORD_MIN_LENGTH]             = check_length,
    [KEYWORD_PATTERN]                = check_pattern_rule,
    [KEYWORD_MAX_ITEMS]              = check_item_count,
    [KEYWORD_MIN_ITEMS]              = check_item_count,
    [KEYWORD_UNIQUE_ITEMS]           = check_unique_items,
    [KEYWORD_MAX_PROPERTIES]         = check_member_count,
    [KEYWORD_MIN_PROPERTIES]         = check_member_count,
    [KEYWORD_REQUIRED]               = check_required,
    [KEYWORD_DEPENDENT_REQUIRED]     = check_dependent_required,
    [KEYWORD_PREFIX_ITEMS]           = check_prefix_items,
    [KEYWORD_ITEMS]                  = check_items,
    [KEYWORD_CONTAINS]               = check_contains,
    [KEYWORD_PROPERTIES]             = check_properties,
    [KEYWORD_PATTERN_PROPERTIES]     = check_pattern_properties,
    [KEYWORD_ADDITIONAL_PROPERTIES]  = check_additional_properties,
    [KEYWORD_PROPERTY_NAMES]         = check_property_names,
    [KEYWORD_REF]                    = check_ref,
    [KEYWORD_DYNAMIC_REF]            = check_ref,
    [KEYWORD_ALL_OF]                 = check_all_of,
    [KEYWORD_ANY_OF]                 = check_any_of,
    [KEYWORD_ONE_OF]                 = check_one_of,
    [KEYWORD_NOT]                    = check_not,
    [KEYWORD_IF]                     = check_if,
    [KEYWORD_DEPENDENT_SCHEMAS]      = check_dependent_schemas,
    [KEYWORD_UNEVALUATED_ITEMS]      = check_unevaluated_items,
    [KEYWORD_UNEVALUATED_PROPERTIES] = check_unevaluated_properties,
};

bool
check_fail(struct check *c, enum keyword_id keyword, const struct visit *at, const char *format, ...)
{
    va_list args;

    if (c->quiet > 0 || c->stopped || !check_step(c, 16))
        return false;
    c->fault->keyword = keyword == KEYWORDS ? "false" : schema_keywords[keyword].name;
    place_write(at->place, c->fault->pointer, sizeof c->fault->pointer);
    va_start(args, format);
    vsnprintf(c->fault->words, sizeof c->fault->words, format, args);
    va_end(args);
    return false;
}

bool
check_stop(struct check *c, enum error_code code, const char *words)
{
    if (!c->stopped)
        error_set(c->err, code, "%s", words);
    c->stopped = true;
    return false;
}

bool
check_step(struct check *c, uint64_t count)
{
    c->steps = c->steps > count ? c->steps - count : 0;
    return c->steps > 0 || check_stop(c, ERROR_TOO_LARGE, "to check the value against its schema takes too much work");
}

bool
check_pattern(struct check *c, const struct pattern *p, struct str text)
{
    if (c->runner == NULL && (c->runner = pattern_runner_new()) == NULL)
        return check_stop(c, ERROR_MEMORY, "no memory to match a pattern");
    switch (pattern_matches(p, text, c->runner, &c->steps)) {
    case PATTERN_MATCHES:
        return true;
    case PATTERN_FAILS:
        return false;
    case PATTERN_NO_MEMORY:
        return check_stop(c, ERROR_MEMORY, "no memory to match a pattern");
    case PATTERN_GIVEN_UP:
        break;
    }
    return check_stop(c, ERROR_TOO_LARGE,
                      "to match a text of the value with a pattern of its schema takes too much work");
}

bool
seen_begin(struct check *c, struct seen *s, yyjson_val *value)
{
    size_t count = yyjson_is_obj(value) ? yyjson_obj_size(value) : yyjson_arr_size(value);

    s->words = count / 64 + 1;
    s->bits  = check_step(c, s->words) ? calloc(s->words, sizeof *s->bits) : NULL;
    return s->bits != NULL || check_stop(c, ERROR_MEMORY, "no memory to check a value");
}

void
seen_add(struct seen *s, size_t index)
{
    if (s != NULL)
        s->bits[index / 64] |= (uint64_t)1 << index % 64;
}

void
seen_add_all(struct seen *s)
{
    if (s != NULL)
        memset(s->bits, 0xFF, s->words * sizeof *s->bits);
}

void
seen_merge(struct seen *into, const struct seen *from)
{
    for (size_t i = 0; i < into->words; i++)
        into->bits[i] |= from->bits[i];
}

bool
seen_has(const struct seen *s, size_t index)
{
    return (s->bits[index / 64] >> index % 64 & 1) != 0;
}

void
seen_end(struct seen *s)
{
    free(s->bits);
}

static bool
check_rules(struct check *c, const struct node *n, const struct visit *at)
{
    unsigned type = schema_type_of(at->value);

    for (size_t i = 0; i < n->rule_count; i++) {
        const struct rule *r = &n->rules[i];
        if (schema_keywords[r->keyword].types & type && (!checks[r->keyword](c, r, at) || c->stopped))
            return false;
    }
    return true;
}

/* What keywords of this node saw is its own if it asks: cousins are not to be counted. */
static bool
check_collecting(struct check *c, const struct node *n, const struct visit *at)
{
    struct visit here = *at;
    struct seen  own;

    if (!seen_begin(c, &own, at->value))
        return false;
    here.seen = &own;
    bool ok   = check_rules(c, n, &here);
    if (ok && at->seen != NULL)
        seen_merge(at->seen, &own);
    seen_end(&own);
    return ok;
}

bool
check_apply(struct check *c, const struct node *n, const struct visit *at)
{
    struct visit here  = *at;
    struct scope scope = {.outer = at->scope, .resource = n->resource};

    if (n->never)
        return check_fail(c, KEYWORDS, at, "is not allowed");
    if (!check_step(c, 1 + n->rule_count))
        return false;
    if (c->depth >= SCHEMA_DEPTH_MAX)
        return check_stop(c, ERROR_TOO_LARGE,
                          "the value and its schema are nested too deep, or the schema refers to itself");
    if (at->scope == NULL || at->scope->resource != n->resource)
        here.scope = &scope;
    c->depth++;
    bool asks = n->rule_count > 0 && n->rules[n->rule_count - 1].keyword >= KEYWORD_UNEVALUATED_ITEMS;
    bool ok   = asks ? check_collecting(c, n, &here) : check_rules(c, n, &here);
    c->depth--;
    return ok;
}

bool
schema_validate(const struct schema *s, yyjson_val *value, struct schema_fault *fault, struct error *err)
{
    struct schema_fault unwanted = {.keyword = ""};
    struct check        c        = {.fault = fault == NULL ? &unwanted : fault, .err = err, .steps = SCHEMA_STEPS_MAX};
    struct visit        at       = {.value = value};

    *c.fault = (struct schema_fault){.keyword = ""};
    bool ok  = check_apply(&c, s->root, &at);
    pattern_runner_free(c.runner);
    if (ok || c.stopped)
        return ok && !c.stopped;
    return error_set(err, ERROR_INVALID, "%s%s%s", c.fault->pointer, c.fault->pointer[0] == '\0' ? "the value " : ": ",
                     c.fault->words);
}
