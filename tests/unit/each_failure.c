#include "each_failure.h"

#include <errno.h>
#include <stdlib.h>

#include "copy_text.h"

enum { ATTEMPTS_MAX = 100000 };

static __thread unsigned fails_at; /* counted down; 0: none fails */
static __thread bool     failed;

/* What --wrap=NAME makes of NAME, and how the real one is reached. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t max);

static bool
fails(void)
{
    if (fails_at == 0 || --fails_at > 0)
        return false;
    failed = true;
    errno  = ENOMEM;
    return true;
}

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *
__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *
__wrap_strndup(const char *text, size_t max)
{
    return copy_text(text, max, __wrap_malloc);
}

char *
__wrap_strdup(const char *text)
{
    return copy_text(text, SIZE_MAX / 2, __wrap_malloc);
}

void
assert_each_failure(bool (*attempt)(void *arg), void *arg)
{
    for (unsigned n = 1; n < ATTEMPTS_MAX; n++) {
        failed   = false;
        fails_at = n;
        bool ok  = attempt(arg);
        fails_at = 0;
        if (failed)
            continue;
        assert_true(ok);
        return;
    }
    fail_msg("still allocating after %d attempts", ATTEMPTS_MAX);
}
