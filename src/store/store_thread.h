/* src/store/store_thread.h: the thread that owns the writing connection. Behind traffic.h.
 *
 *   asleep --first batch--> napping --enough, or time--> writing --nothing there--> asleep
 *
 * Napping gathers work: 50 ms, or 500 after a commit of few. It checks the disk, keeps the retention, and counts what
 * could not be recorded; a gap is written down with the first commit after it. */
#ifndef GATEHOUSE_STORE_STORE_THREAD_H
#define GATEHOUSE_STORE_STORE_THREAD_H

#include <pthread.h>

#include "store/forget.h"
#include "store/ring.h"
#include "store/slot.h"
#include "store/traffic.h"
#include "store/writer.h"

enum { GROUP_RECORDS = 1000, GROUP_FEW = 20, GROUP_BYTES = 1024 * 1024, GROUP_TAKEN = 4 * 1024 * 1024 };

struct store_thread {
    struct traffic_options options;
    char                  *path;
    unsigned               slot;
    struct pool           *pool; /* only pool_return */
    struct ring            ring; /* of struct record lists by next */

    /* Counters that any thread may read. queued_*: handed over and not committed; waiting_*: not taken from the ring.
     */
    _Atomic uint64_t queued_records, queued_bytes, waiting_records, waiting_bytes;
    _Atomic uint64_t committed, commits, lost, file_bytes;
    _Atomic uint64_t lost_new;      /* not in a gap yet */
    _Atomic int64_t  retention_age; /* µs; these two of `options` may change */
    _Atomic uint64_t retention_bytes;
    _Atomic int64_t  lost_since;
    _Atomic bool     full, failing, closing, in_gap;
    _Atomic int      waiters;

    pthread_t       thread;
    pthread_mutex_t mutex; /* over the next two */
    pthread_cond_t  written;
    struct error    failure;

    /* the thread's own */
    struct slots  slots;
    struct writer writer;
    bool          has_adopted; /* what crashed processes left; on a full disk that waits */
    uint64_t      gap_lost;
    wall_time     gap_from;
    mono_time     disk_checked, retention_checked, names_cleaned;
    mono_time     tried; /* when writing failed last */
    mono_time     nap;
    bool          under_floor, no_room; /* why it is full: less is free than should be, or a commit said so */
    bool          forgetting;
    struct forget forget;
};

/* Opens the database and starts. `*newest`: no id may be below it. */
bool store_thread_start(struct store_thread *st, const char *path, const struct traffic_options *options,
                        struct pool *pool, uint64_t *newest, struct error *err);
/* Writes what was given, and ends. */
void store_thread_stop(struct store_thread *st);
/* False: no room in the ring. */
bool store_thread_give(struct store_thread *st, struct record *batch, size_t records, size_t bytes);
void store_thread_set_retention(struct store_thread *st, const struct traffic_options *options);
void store_thread_wait(struct store_thread *st);
void store_thread_lost(struct store_thread *st, uint64_t exchanges);
void store_thread_stats(const struct store_thread *st, struct traffic_stats *out);
bool store_thread_failure(struct store_thread *st, struct error *out);

/* retention.c: looks whether something is too old or the file too large, or takes the next step of forgetting it. */
bool retention_step(struct store_thread *st, mono_time now, struct error *err);

#endif
