/* src/mcp/schema/check.h: one validation, on its way through schema and value. For src/mcp/schema*.c only.
 *
 * A node is applied to a value: its rules are checked one after the other, the first that fails ends it. Where failing
 * is no end (anyOf, not, if, contains), nothing is said if nobody would hear it. What ends everything at once, a bound
 * or memory, sets `stopped`: all checks are false from then on. */
#ifndef GATEHOUSE_MCP_SCHEMA_CHECK_H
#define GATEHOUSE_MCP_SCHEMA_CHECK_H

#include "mcp/schema/parts.h"

struct check {
    struct schema_fault   *fault;
    struct error          *err;
    struct pattern_runner *runner; /* NULL until the first pattern */
    uint64_t               steps;  /* that are left */
    unsigned               depth;
    unsigned               quiet; /* above 0: nobody hears why */
    bool                   stopped;
};

/* The resources we came through, the outermost last: what $dynamicRef asks. */
struct scope {
    const struct scope    *outer;
    const struct resource *resource;
};

/* Which members or items of one value some keyword has looked at, as bits: what `unevaluated...` asks. */
struct seen {
    uint64_t *bits;
    size_t    words;
};

/* A value and how we came to it. */
struct visit {
    yyjson_val         *value;
    const struct place *place; /* NULL: the whole */
    const struct scope *scope;
    struct seen        *seen; /* NULL: nobody asks */
};

bool check_apply(struct check *c, const struct node *n, const struct visit *at);
/* All three return false. */
bool check_fail(struct check *c, enum keyword_id keyword, const struct visit *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool check_stop(struct check *c, enum error_code code, const char *words);
/* Counts down; false and stopped when there is nothing left. */
bool check_step(struct check *c, uint64_t count);
/* Whether a pattern matches; also false when it could not be told, then `stopped`. */
bool check_pattern(struct check *c, const struct pattern *p, struct str text);

bool seen_begin(struct check *c, struct seen *s, yyjson_val *value);
void seen_add(struct seen *s, size_t index); /* NULL is nothing */
void seen_add_all(struct seen *s);
void seen_merge(struct seen *into, const struct seen *from);
bool seen_has(const struct seen *s, size_t index);
void seen_end(struct seen *s);

typedef bool check_rule(struct check *c, const struct rule *r, const struct visit *at);

/* apply.c: those that apply schemas to the value itself, and to what they left over. */
check_rule check_ref, check_all_of, check_any_of, check_one_of, check_not, check_if, check_dependent_schemas;
check_rule check_unevaluated_items, check_unevaluated_properties;
/* within.c: to its items and members. */
check_rule check_prefix_items, check_items, check_contains, check_properties, check_pattern_properties;
check_rule check_additional_properties, check_property_names;
/* assert.c: those that look at the value alone. */
check_rule check_type, check_enum, check_const, check_multiple_of, check_limit, check_length, check_pattern_rule;
check_rule check_item_count, check_unique_items, check_member_count, check_required, check_dependent_required;

#endif
