/* tests/unit/copy_text.h: strdup and strndup by an allocation of one's own, for who stands in the place of malloc. */
#ifndef GATEHOUSE_TESTS_UNIT_COPY_TEXT_H
#define GATEHOUSE_TESTS_UNIT_COPY_TEXT_H

#include <string.h>

/* At most `max` bytes of `text`. NULL: `alloc` gave nothing. */
static inline char *
copy_text(const char *text, size_t max, void *(*alloc)(size_t size))
{
    size_t len  = strnlen(text, max);
    char  *copy = alloc(len + 1);

    if (copy == NULL)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

#endif
