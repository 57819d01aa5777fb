/* src/base/heap.h: what was freed goes back to the system. Owned by the network thread.
 *
 * glibc keeps what it once had. When a large block is freed it takes larger ones from its heap too from then on, up to
 * 32 MiB, and of a heap it returns only the end: one small object behind them, and megabytes stay. So the bound for
 * what is mapped by itself stands still here (heap_init), and every HEAP_LOOK a worker looks how much of what is
 * resident nobody has allocated. That is never nothing: code, and the rests of pages. When it is HEAP_LOOSE more than
 * after the last time, the free pages inside all heaps are given back. */
#ifndef GATEHOUSE_BASE_HEAP_H
#define GATEHOUSE_BASE_HEAP_H

#include "base/buffer.h"
#include "base/loop.h"

#define HEAP_LOOK  SECONDS(5)
#define HEAP_LOOSE KIB(256)

struct heap_care {
    struct loop *loop;
    struct timer timer;
    size_t tight; /* bytes resident and unused after the last time, or the least since; a worker's while it looks */
    bool   stopped;
};

/* Before the first thread. */
void heap_init(void);
void heap_care_start(struct heap_care *h, struct loop *loop);
/* What a worker still does ends before the loop is cleared; `h` must last until then. One never started is nothing. */
void heap_care_stop(struct heap_care *h);

/* Whether a process with so many bytes `unused` is to be tidied; remembers the least. */
bool heap_is_loose(struct heap_care *h, size_t unused);
/* Resident bytes of a process, by its number or "self"; 0 when it has ended. */
size_t heap_resident(const char *process);

#endif
