/* src/base/buffer.h: bytes that grow, up to a bound that is set at birth.
 *
 *   struct buffer text = {.max = MIB(4)};
 *   if (!buffer_append(&text, part)) ...      no memory, or over max: unchanged
 *   buffer_clear(&text);
 *
 * Consuming from the front is cheap: bytes move only when room is needed. */
#ifndef GATEHOUSE_BASE_BUFFER_H
#define GATEHOUSE_BASE_BUFFER_H

#include <stdarg.h>

#include "base/str.h"

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)

struct buffer {
    char  *data; /* NULL until first used */
    size_t from; /* first byte that is still wanted */
    size_t end;  /* behind the last byte */
    size_t cap;
    size_t max; /* most bytes it may hold */
};

static inline size_t
buffer_len(const struct buffer *b)
{
    return b->end - b->from;
}

static inline struct str
buffer_str(const struct buffer *b)
{
    return (struct str){b->data == NULL ? NULL : b->data + b->from, b->end - b->from};
}

/* Room for `len` more bytes, to be filled from buffer_space() on and counted by buffer_added(). False: over max, or no
 * memory; the buffer is as it was. */
bool buffer_reserve(struct buffer *b, size_t len);
static inline char *
buffer_space(struct buffer *b)
{
    return b->data + b->end;
}
static inline size_t
buffer_room(const struct buffer *b)
{
    return b->cap - b->end;
}
void buffer_added(struct buffer *b, size_t len);

bool buffer_append(struct buffer *b, struct str s);
/* The same, and `room` bytes are left free in front of the first that comes into it, `max` not counting them. */
bool buffer_append_behind(struct buffer *b, struct str s, size_t room);
bool buffer_append_char(struct buffer *b, char c);
bool buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool buffer_vprintf(struct buffer *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* The text of `s` between quotes, escaped as JSON (RFC 8259 section 7); `s` should be UTF-8, broken bytes become
 * U+FFFD. */
bool buffer_append_json(struct buffer *b, struct str s);

/* Drops `len` bytes from the front. */
void buffer_consume(struct buffer *b, size_t len);
/* Empties it; the memory stays. */
void buffer_reset(struct buffer *b);
/* Gives the memory back; `max` stays. */
void buffer_clear(struct buffer *b);

#endif
