#include "child/ring.h"

static void
free_line(struct str line)
{
    free((void *)(uintptr_t)line.data); /* ours, though a slice says const */
}

void
ring_add(struct ring *r, struct str line)
{
    if (r->lines == NULL)
        r->lines = calloc(CHILD_STDERR_LINES, sizeof *r->lines);
    if (r->lines == NULL)
        return;
    char *copy = malloc(line.len + 1);
    if (copy == NULL)
        return;
    if (line.len > 0)
        memcpy(copy, line.data, line.len);
    struct str *slot = &r->lines[r->count++ % CHILD_STDERR_LINES];
    free_line(*slot);
    *slot = str_of(copy, line.len);
}

void
ring_each(const struct ring *r, void (*each)(void *arg, struct str line), void *arg)
{
    size_t first = r->count > CHILD_STDERR_LINES ? r->count - CHILD_STDERR_LINES : 0;

    for (size_t i = first; i < r->count; i++)
        each(arg, r->lines[i % CHILD_STDERR_LINES]);
}

void
ring_clear(struct ring *r)
{
    for (size_t i = 0; r->lines != NULL && i < CHILD_STDERR_LINES; i++)
        free_line(r->lines[i]);
    free(r->lines);
    *r = (struct ring){0};
}
