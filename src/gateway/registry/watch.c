/* Hand edits live within a second: a worker looks at the file, and the files it names, every 300 ms.
 *
 * Looking is stat(2), which works on every file system; times, size, inode and mode together are the mark by which a
 * change is seen. A file touched within the last second may change again without showing it, so its mark is not trusted
 * yet and it is read once more; what is read the same is no change. */
#include <assert.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "gateway/registry/registry.h"

#define LOOK_EVERY MILLISECONDS(300)
#define SETTLED    SECONDS(1)

struct registry_watch {
    struct loop           *loop;
    struct registry_source from;
    struct timer           timer;
    struct registry       *now; /* what was last told */
    void (*on_change)(void *owner, struct registry *fresh);
    void *owner;
    bool  looking; /* a worker has it: only the fields below are its own then */
    bool  again;   /* look once more when it is back */
    bool  anyway;
    bool  freed;

    uint64_t         mark;
    bool             trusted; /* the mark was taken when nothing was fresh */
    bool             read_anyway;
    struct registry *fresh; /* what the worker read, or NULL */
};

static uint64_t
mark_file(const char *path, uint64_t sum, wall_time *newest)
{
    struct stat info = {0};
    uint64_t    parts[8];

    if (stat(path, &info) == 0) {
        wall_time touched = (wall_time)info.st_ctim.tv_sec * 1000000 + info.st_ctim.tv_nsec / 1000;
        *newest           = touched > *newest ? touched : *newest;
    }
    parts[0] = sum;
    parts[1] = (uint64_t)info.st_mtim.tv_sec;
    parts[2] = (uint64_t)info.st_mtim.tv_nsec;
    parts[3] = (uint64_t)info.st_ctim.tv_sec;
    parts[4] = (uint64_t)info.st_ctim.tv_nsec;
    parts[5] = (uint64_t)info.st_size;
    parts[6] = info.st_ino;
    parts[7] = info.st_mode;
    return hash_bytes(str_of((const char *)parts, sizeof parts));
}

static uint64_t
mark_all(const struct registry_watch *w, const struct registry *r, wall_time *newest)
{
    uint64_t mark = mark_file(w->from.path, 0, newest);

    for (size_t i = 0; r != NULL && i < r->file_count; i++)
        mark = mark_file(r->files[i], mark, newest);
    return mark;
}

static bool
is_same(const struct registry *a, const struct registry *b)
{
    if (a == NULL || a->count != b->count || strcmp(a->file_error.text, b->file_error.text) != 0)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct server_entry *x = &a->entries[i], *y = &b->entries[i];
        if (x->fingerprint != y->fingerprint || x->line != y->line || strcmp(x->note, y->note) != 0 ||
            strcmp(x->error, y->error) != 0 || !str_eq(x->source, y->source))
            return false;
    }
    return true;
}

/* On a worker. */
static void
look(void *arg)
{
    struct registry_watch *w      = arg;
    wall_time              newest = 0;
    struct timespec        real;
    uint64_t               mark = mark_all(w, w->now, &newest);

    if (mark == w->mark && w->trusted && !w->read_anyway)
        return;
    clock_gettime(CLOCK_REALTIME, &real); /* file times are the kernel's wall clock, which may step */
    w->mark    = mark;
    w->trusted = (wall_time)real.tv_sec * 1000000 + real.tv_nsec / 1000 - newest > SETTLED;
    w->fresh   = registry_load(&w->from, w->now);
    if (w->fresh == NULL || !is_same(w->now, w->fresh)) {
        w->trusted = false; /* no memory: next time; and the files of a fresh one may be others */
        return;
    }
    registry_unref(w->fresh);
    w->fresh = NULL;
}

static void
forget(struct registry_watch *w)
{
    registry_unref(w->now);
    registry_unref(w->fresh);
    free(w);
}

static void start(struct registry_watch *w);

static void
looked(void *arg)
{
    struct registry_watch *w     = arg;
    struct registry       *fresh = w->fresh;

    w->looking = false;
    if (w->freed) {
        forget(w);
        return;
    }
    if (fresh != NULL) {
        registry_unref(w->now);
        w->now   = fresh;
        w->fresh = NULL;
        registry_ref(fresh); /* the callback may free the watch */
        w->looking = true;   /* … which then waits for us */
        w->on_change(w->owner, fresh);
        w->looking = false;
        registry_unref(fresh);
        if (w->freed) {
            forget(w);
            return;
        }
    }
    loop_set_timer(w->loop, &w->timer, clock_mono() + LOOK_EVERY);
    if (w->again)
        start(w);
}

static void
start(struct registry_watch *w)
{
    loop_clear_timer(w->loop, &w->timer);
    w->again       = false;
    w->read_anyway = w->anyway;
    w->anyway      = false;
    w->looking     = loop_work(w->loop, look, looked, w);
    if (!w->looking)
        loop_set_timer(w->loop, &w->timer, clock_mono() + LOOK_EVERY);
}

static void
on_timer(struct timer *t)
{
    start(LIST_OF(struct registry_watch, t, timer));
}

struct registry_watch *
registry_watch_new(struct loop *loop, const struct registry_source *from, struct registry *first,
                   void (*on_change)(void *owner, struct registry *fresh), void *owner, struct error *err)
{
    struct registry_watch *w = calloc(1, sizeof *w);

    if (w == NULL) {
        error_set(err, ERROR_MEMORY, "no memory to watch the registry");
        return NULL;
    }
    *w = (struct registry_watch){
        .loop = loop, .from = *from, .now = registry_ref(first), .on_change = on_change, .owner = owner};
    timer_init(&w->timer, on_timer);
    start(w);
    return w;
}

void
registry_watch_look(struct registry_watch *w, bool anyway)
{
    w->anyway |= anyway;
    if (w->looking)
        w->again = true;
    else
        start(w);
}

void
registry_watch_free(struct registry_watch *w)
{
    if (w == NULL)
        return;
    loop_clear_timer(w->loop, &w->timer);
    w->freed = true;
    if (!w->looking)
        forget(w);
}
