#include "base/heap.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

/* What a body or a block of the log reallocates over and over stays in the heap; larger is mapped, and goes at once.
 * The free end of a thread's heap goes when it is freed, or never: malloc_trim takes it from the first heap only. */
enum { MAPPED_FROM = 512 * 1024, END_KEPT = 128 * 1024 };

void
heap_init(void)
{
    mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    mallopt(M_TRIM_THRESHOLD, END_KEPT);
}

size_t
heap_resident(const char *process)
{
    char       path[64], text[128];
    struct str part;
    uint64_t   pages = 0;

    snprintf(path, sizeof path, "/proc/%s/statm", process);
    int     fd  = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text);

    if (fd >= 0)
        close(fd);
    struct str rest = str_of(text, len < 0 ? 0 : (size_t)len);
    if (!str_cut(&rest, ' ', &part) || !str_cut(&rest, ' ', &part) || !str_to_u64(part, &pages))
        return 0;
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

bool
heap_is_loose(struct heap_care *h, size_t unused)
{
    if (unused < h->tight)
        h->tight = unused;
    return unused - h->tight >= HEAP_LOOSE;
}

/* Of a large block that is mapped all counts as used, though only what was written is resident. */
static size_t
unused_bytes(void)
{
    struct mallinfo2 heaps    = mallinfo2();
    size_t           used     = heaps.uordblks + heaps.hblkhd;
    size_t           resident = heap_resident("self");

    return resident > used ? resident - used : 0;
}

/* On a worker: while its pages are given back a heap is locked, about half a millisecond for each MiB. */
static void
look(void *arg)
{
    struct heap_care *h = arg;

    if (!heap_is_loose(h, unused_bytes()))
        return;
    malloc_trim(0);
    h->tight = unused_bytes();
}

static void
looked(void *arg)
{
    struct heap_care *h = arg;

    if (!h->stopped)
        loop_set_timer(h->loop, &h->timer, clock_mono() + HEAP_LOOK);
}

static void
fire(struct timer *t)
{
    struct heap_care *h = LIST_OF(struct heap_care, t, timer);

    if (!loop_work(h->loop, look, looked, h))
        looked(h);
}

void
heap_care_start(struct heap_care *h, struct loop *loop)
{
    *h = (struct heap_care){.loop = loop};
    timer_init(&h->timer, fire);
    looked(h);
}

void
heap_care_stop(struct heap_care *h)
{
    if (h->loop == NULL)
        return;
    h->stopped = true;
    loop_clear_timer(h->loop, &h->timer);
}
