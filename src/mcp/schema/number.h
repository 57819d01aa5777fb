/* src/mcp/schema/number.h: numbers of JSON in decimal, as they are written; and whether two values are the same.
 *
 * A number is digits x 10^exponent, without zeros at either end of the digits, which stay where they are in the text.
 * What yyjson has as a double is taken for the shortest decimal that reads as that double. */
#ifndef GATEHOUSE_MCP_SCHEMA_NUMBER_H
#define GATEHOUSE_MCP_SCHEMA_NUMBER_H

#include <yyjson.h>

#include "base/str.h"

struct number {
    const char *text;     /* the digits, perhaps with a point among them */
    size_t      point;    /* how many digits stand before the point */
    size_t      first;    /* the first digit that is not 0 */
    size_t      count;    /* of digits from there; 0: the number is zero */
    int64_t     exponent; /* of the last of them; beyond 10^15 it stands still */
    bool        negative;
    char        own[32]; /* the text of what yyjson has in binary */
};

/* Into `n`, which may not be copied then. `value` is a number, or raw. */
void number_read(struct number *n, yyjson_val *value);
int  number_compare(const struct number *a, const struct number *b);

static inline bool
number_is_integer(const struct number *n)
{
    return n->exponent >= 0;
}

/* UINT64_MAX when it is larger. False: negative, or no integer. */
bool number_to_count(const struct number *n, uint64_t *count);

/* `divisor` has at most NUMBER_DIVISOR_DIGITS digits and is not zero. */
enum { NUMBER_DIVISOR_DIGITS = 18 };
bool number_is_multiple(const struct number *n, const struct number *divisor);

/* Equal as JSON Schema has it: 1 is 1.0, members have no order. Both count `*steps` down and give up at 0: then the
 * answer means nothing. */
bool     values_are_equal(yyjson_val *a, yyjson_val *b, uint64_t *steps, unsigned depth);
uint64_t value_hash(yyjson_val *value, uint64_t *steps, unsigned depth);

#endif
