/* src/base/arena.h: memory that goes all at once, with what served it.
 *
 * What is made while serving a request comes out of its arena. What is not memory joins by a clean-up hook. An arena
 * that ran out returns NULL: the request ends, not the process. Emptied arenas keep their first chunk, so that a pool
 * of them serves request after request without malloc. */
#ifndef GATEHOUSE_BASE_ARENA_H
#define GATEHOUSE_BASE_ARENA_H

#include "base/buffer.h"
#include "base/str.h"

struct arena;

/* `first` bytes are there from the start; `max` is the most it will ever hold. NULL: no memory. */
struct arena *arena_new(size_t first, size_t max);
void          arena_free(struct arena *a);
/* Runs the hooks, newest first, and forgets everything but the first chunk. */
void arena_reset(struct arena *a);

/* Aligned for any type, not zeroed. NULL: over max, or no memory. */
void *arena_alloc(struct arena *a, size_t len);
void *arena_zalloc(struct arena *a, size_t len);
/* A copy; {NULL, 0} when there is no memory and `s` was not empty. */
struct str arena_str(struct arena *a, struct str s);
/* A NUL-terminated copy, for the edge of a C API. */
char      *arena_cstr(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `hook(arg)` runs when the arena is reset or freed. False: no memory, the hook will not run. */
bool arena_defer(struct arena *a, void (*hook)(void *arg), void *arg);

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), sizeof(type)))

#endif
