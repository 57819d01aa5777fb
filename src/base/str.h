/* src/base/str.h: the one string. A slice of somebody's bytes, by value, not NUL-terminated.
 *
 * A struct str never owns: whoever made the bytes says how long they live. It is converted at the edge of a C API and
 * nowhere else (arena_cstr). Comparisons without case fold ASCII only, as HTTP and MCP names ask for. */
#ifndef GATEHOUSE_BASE_STR_H
#define GATEHOUSE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *data; /* may be NULL when len is 0 */
    size_t      len;
};

#define STR(literal) ((struct str){"" literal "", sizeof(literal) - 1})
#define STR_NONE     ((struct str){NULL, 0})
/* For the arguments of "%.*s". A longer text than an int counts is cut. */
#define STR_ARG(s) ((s).len > 65536 ? 65536 : (int)(s).len), ((s).len > 0 ? (s).data : "")

static inline struct str
str_of(const char *data, size_t len)
{
    return (struct str){data, len};
}

/* Of a NUL-terminated string; NULL gives the empty one. */
static inline struct str
str_from(const char *text)
{
    return text == NULL ? STR_NONE : (struct str){text, strlen(text)};
}

static inline bool
str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Below, at or above zero, as memcmp; a prefix sorts before the longer. */
int  str_compare(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Looks at the first bytes before anything is called: a header is looked up among many, and nearly all are others. */
static inline bool
str_eq_nocase(struct str a, struct str b)
{
    return a.len == b.len &&
           (a.len == 0 || (a.data != NULL && ((a.data[0] ^ b.data[0]) & ~0x20) == 0 && str_starts_nocase(a, b)));
}

/* Index of the first `c` or `needle`, or -1. */
ptrdiff_t str_index(struct str s, char c);
ptrdiff_t str_find(struct str s, struct str needle);
ptrdiff_t str_find_nocase(struct str s, struct str needle);

/* From index `from` on; an index past the end gives the empty string. */
struct str str_skip(struct str s, size_t from);
struct str str_take(struct str s, size_t len);
/* Without spaces, tabs, CR and LF at both ends. */
struct str str_trim(struct str s);
/* In front only: of a large text that ends in much space it is cheaper. */
struct str str_trim_front(struct str s);

/* Takes what stands before the first `at` off the front of `*rest` and drops `at` itself. False when `*rest` was empty.
 */
bool str_cut(struct str *rest, char at, struct str *part);

/* The whole of `s` as a decimal number. False on an empty text, any other character, a sign, or overflow. */
bool str_to_u64(struct str s, uint64_t *value);
bool str_to_i64(struct str s, int64_t *value);
/* `number` in decimal, written into `digits`, which it borrows. */
enum { STR_DIGITS = 20 };
struct str str_of_u64(char digits[STR_DIGITS], uint64_t number);

bool str_is_utf8(struct str s);

#endif
