/* src/mcp/schema/pattern.h: `pattern`: regular expressions of ECMA-262 with the `u` flag, run by PCRE2 within bounds.
 *
 * The pattern is translated first: what means something else to PCRE2 is rewritten (. $ \s \v surrogate pairs,
 * classes), what only PCRE2 knows (recursion, verbs, possessive quantifiers, \A, [:alpha:], ...) is refused or literal,
 * as ECMA-262 has it. Three things of ECMA-262 are missing, each an error of the schema: look-behind over texts of
 * unbounded length, names of properties longer than PCRE2 knows (`\p{L}` and `\p{Script=Greek}` are there, `\p{Emoji}`
 * depends on its version), and counts over 65535.
 *
 * PCRE2 counts its backtracking from each place at which a match may start anew, and does not count what one repeated
 * class runs over. So we walk over the places ourselves, a growing number at a time, and charge for each what it may
 * cost. A pattern that backtracks more than PATTERN_LIMIT from one place is given up. */
#ifndef GATEHOUSE_MCP_SCHEMA_PATTERN_H
#define GATEHOUSE_MCP_SCHEMA_PATTERN_H

#include "base/arena.h"
#include "base/error.h"

enum { PATTERN_LEN_MAX = 8192 };

struct pattern;        /* goes with its arena; any thread */
struct pattern_runner; /* memory for matching, of one thread */

struct pattern *pattern_compile(struct arena *a, struct str text, struct error *err);

struct pattern_runner *pattern_runner_new(void);
void                   pattern_runner_free(struct pattern_runner *r);

enum pattern_answer { PATTERN_FAILS, PATTERN_MATCHES, PATTERN_GIVEN_UP, PATTERN_NO_MEMORY };
/* `text` is UTF-8. Counts `*steps` down; given up at 0. */
enum pattern_answer pattern_matches(const struct pattern *p, struct str text, struct pattern_runner *r,
                                    uint64_t *steps);

/* The pattern as PCRE2 is to read it, for the tests. */
bool pattern_translate(struct str text, struct buffer *out, struct error *err);

#endif
