/* src/child/ring.h: the last lines that a child wrote to stderr, for whoever asks why it died. */
#ifndef GATEHOUSE_CHILD_RING_H
#define GATEHOUSE_CHILD_RING_H

#include "base/str.h"
#include "child/child.h"

struct ring {
    struct str *lines; /* CHILD_STDERR_LINES, each with memory of its own; NULL until first used */
    size_t      count; /* ever added */
};

/* Copies it, over the oldest when full. Without memory the line is not kept. */
void ring_add(struct ring *r, struct str line);
void ring_each(const struct ring *r, void (*each)(void *arg, struct str line), void *arg); /* oldest first */
void ring_clear(struct ring *r);

#endif
