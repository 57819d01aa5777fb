/* src/api/parameters.h: the query part of a URL, application/x-www-form-urlencoded, taken strictly: a broken percent
 * sign, a NUL or bytes that are not UTF-8 are refused, for half-understood filters would show the wrong log. */
#ifndef GATEHOUSE_API_PARAMETERS_H
#define GATEHOUSE_API_PARAMETERS_H

#include "base/arena.h"
#include "base/error.h"

struct parameter {
    struct str name, value;
};

enum { PARAMETERS_MAX = 512 };

struct parameters {
    struct parameter *items; /* in their order; in the arena */
    size_t            count;
};

bool parameters_read(struct parameters *p, struct str query, struct arena *arena, struct error *err);
/* False: it is not there, `value` is empty then. The last counts when it is there more than once. */
bool parameters_get(const struct parameters *p, const char *name, struct str *value);
/* A part of a path: percent signs only. */
bool path_part_decode(struct str part, struct arena *arena, struct str *out, struct error *err);

#endif
