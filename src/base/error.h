/* src/base/error.h: why something failed, in words a person can act on.
 *
 * A fallible function returns bool (or a pointer) and fills the `struct error *` given last: what failed, on what, what
 * to do. Context is added on the way up by error_wrap; the top prints it once. NULL may be given by who does not ask.
 */
#ifndef GATEHOUSE_BASE_ERROR_H
#define GATEHOUSE_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

/* The closed table of codes: what a caller may decide by. Everything else is in the text. */
enum error_code {
    ERROR_NONE,
    ERROR_INTERNAL,    /* a library or the system failed where it should not */
    ERROR_MEMORY,      /* no memory, or over the budget */
    ERROR_INVALID,     /* what was given is wrong */
    ERROR_NOT_FOUND,   /* no such thing */
    ERROR_EXISTS,      /* there already */
    ERROR_DENIED,      /* not allowed */
    ERROR_BUSY,        /* somebody else holds it; later may work */
    ERROR_FULL,        /* a bound is reached: disk, queue, table */
    ERROR_TOO_LARGE,   /* over a size limit */
    ERROR_TIMED_OUT,   /* no answer in time */
    ERROR_UNREACHABLE, /* could not connect, or the peer is dead */
    ERROR_CLOSED,      /* the peer ended it before it was done */
    ERROR_PROTOCOL,    /* the peer broke its protocol */
    ERROR_CODES
};

struct error {
    enum error_code code;
    char            text[500]; /* one line, no final stop; cut when longer */
};

/* Both always return false, so that `return error_set(…)` reads as what it is. A later error_set replaces an earlier.
 */
bool error_set(struct error *err, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* With ": " and strerror(saved) behind the text; the code is chosen from the errno value. */
bool error_set_errno(struct error *err, int saved, const char *format, ...) __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__ /* it sees one file at a time, and would follow a failure that returns true */
#define error_set(...)       ((void)(error_set)(__VA_ARGS__), false)
#define error_set_errno(...) ((void)(error_set_errno)(__VA_ARGS__), false)
#endif
/* Puts "<context>: " before what is there. */
void error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "not-found": the word for a code, as `data.reason` and the API show it. */
const char *error_code_name(enum error_code code);

#endif
