/* src/cli/lines.h: how two texts differ, line by line: the fewest lines that went and came (longest common
 * subsequence).
 *
 * What the two begin and end with alike is set aside first. The table for the rest has a bound: over it, all that is
 * between went, and all came; true still, only less readable. */
#ifndef GATEHOUSE_CLI_LINES_H
#define GATEHOUSE_CLI_LINES_H

#include "base/arena.h"

enum { LINES_TABLE_MOST = 4 * 1024 * 1024 }; /* lines of one times lines of the other; 4 bytes each */

struct line {
    char       sign; /* ' ', '-' or '+' */
    struct str text; /* borrowed, without its line break */
};

/* In the order of both; what went stands before what came in its place. False: no memory. */
bool lines_compare(struct str before, struct str after, struct arena *a, struct line **out, size_t *count);

#endif
