#include "base/arena.h"

#include <stdalign.h>

/* Under AddressSanitizer each piece is a block of its own: what is written beyond it, or used after a reset, is seen.
 */
#if defined(__SANITIZE_ADDRESS__)
enum { PIECES_ARE_APART = 1 };
#elif defined(__has_feature)
enum { PIECES_ARE_APART = __has_feature(address_sanitizer) };
#else
enum { PIECES_ARE_APART = 0 };
#endif

struct chunk {
    struct chunk *next; /* the one before it */
    size_t        cap;
    alignas(max_align_t) char bytes[];
};

struct hook {
    struct hook *next;
    void (*run)(void *arg);
    void *arg;
};

struct arena {
    struct chunk *chunk; /* the newest, in which we allocate */
    size_t        used;  /* of it */
    size_t        total; /* capacity of all chunks */
    size_t        max;
    struct hook  *hooks; /* newest first */
};

static bool
add_chunk(struct arena *a, size_t cap)
{
    if (cap > a->max || a->total > a->max - cap)
        return false;
    struct chunk *chunk = malloc(sizeof *chunk + cap);
    if (chunk == NULL)
        return false;
    *chunk   = (struct chunk){.next = a->chunk, .cap = cap};
    a->chunk = chunk;
    a->used  = 0;
    a->total += cap;
    return true;
}

struct arena *
arena_new(size_t first, size_t max)
{
    struct arena *a = calloc(1, sizeof *a);

    if (a == NULL)
        return NULL;
    a->max = max < first ? first : max;
    if (!add_chunk(a, first)) {
        free(a);
        return NULL;
    }
    return a;
}

void
arena_reset(struct arena *a)
{
    while (a->hooks != NULL) {
        struct hook *hook = a->hooks;
        a->hooks          = hook->next;
        hook->run(hook->arg);
    }
    while (a->chunk->next != NULL) {
        struct chunk *old = a->chunk;
        a->chunk          = old->next;
        a->total -= old->cap;
        free(old);
    }
    a->used = 0;
}

void
arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    arena_reset(a);
    free(a->chunk);
    free(a);
}

void *
arena_alloc(struct arena *a, size_t len)
{
    size_t align = alignof(max_align_t);

    if (len > a->max)
        return NULL;
    if (PIECES_ARE_APART) {
        if (!add_chunk(a, len))
            return NULL;
        a->used = len;
        return a->chunk->bytes;
    }
    len = (len + align - 1) & ~(align - 1);
    if (a->chunk->cap - a->used < len) {
        size_t cap = a->chunk->cap * 2;
        if (cap > a->max - a->total)
            cap = a->max - a->total;
        if (!add_chunk(a, cap > len ? cap : len))
            return NULL;
    }
    void *at = a->chunk->bytes + a->used;
    a->used += len;
    return at;
}

void *
arena_zalloc(struct arena *a, size_t len)
{
    void *at = arena_alloc(a, len);

    if (at != NULL)
        memset(at, 0, len);
    return at;
}

char *
arena_cstr(struct arena *a, struct str s)
{
    char *copy = s.len == SIZE_MAX ? NULL : arena_alloc(a, s.len + 1);

    if (copy == NULL)
        return NULL;
    if (s.len > 0)
        memcpy(copy, s.data, s.len);
    copy[s.len] = '\0';
    return copy;
}

struct str
arena_str(struct arena *a, struct str s)
{
    char *copy = arena_cstr(a, s);

    return copy == NULL ? STR_NONE : str_of(copy, s.len);
}

struct str
arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 ? NULL : arena_alloc(a, (size_t)len + 1);
    if (text == NULL)
        return STR_NONE;
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return str_of(text, (size_t)len);
}

bool
arena_defer(struct arena *a, void (*run)(void *arg), void *arg)
{
    struct hook *hook = arena_alloc(a, sizeof *hook);

    if (hook == NULL)
        return false;
    *hook    = (struct hook){.next = a->hooks, .run = run, .arg = arg};
    a->hooks = hook;
    return true;
}
