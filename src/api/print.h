/* src/api/print.h: writes JSON into a buffer, value after value; commas come by themselves.
 *
 *   struct print p = {.to = &job->body};
 *   print_open(&p, NULL, '{');
 *   print_text(&p, "name", name);
 *   print_close(&p, '}');
 *
 * What does not fit sets `failed` and everything after it is dropped: asked once, at the end. A key of NULL stands for
 * an element of an array. */
#ifndef GATEHOUSE_API_PRINT_H
#define GATEHOUSE_API_PRINT_H

#include "base/buffer.h"
#include "base/clock.h"

struct print {
    struct buffer *to;
    bool           wants_comma;
    bool           failed;
};

void print_open(struct print *p, const char *key, char bracket);
void print_close(struct print *p, char bracket);
void print_text(struct print *p, const char *key, struct str value);
/* null when it is empty. */
void print_text_or_null(struct print *p, const char *key, struct str value);
void print_number(struct print *p, const char *key, int64_t value);
void print_bool(struct print *p, const char *key, bool value);
void print_null(struct print *p, const char *key);
/* Digits between quotes: ids pass 2^53. */
void print_id(struct print *p, const char *key, uint64_t id);
/* Microseconds as milliseconds with three digits behind the point. */
void print_milliseconds(struct print *p, const char *key, int64_t microseconds);
/* "2026-11-21T14:02:11.482731Z": to the microsecond, so that it can be given back as a bound. 0 or less: null. */
void print_time(struct print *p, const char *key, wall_time t);
/* Bytes that are JSON already. */
void print_json(struct print *p, const char *key, struct str json);

#endif
