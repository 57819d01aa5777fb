#include "store/store_thread.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define NAP_SHORT   MILLISECONDS(50)
#define NAP_LONG    MILLISECONDS(500)
#define DISK_EVERY  SECONDS(1)
#define IDLE_TICK   SECONDS(10)
#define LOCKED_WAIT MILLISECONDS(20)
enum { LOCKED_TRIES = 5 }; /* of 5 s each */

void
store_thread_lost(struct store_thread *st, uint64_t exchanges)
{
    int64_t none = 0;

    if (exchanges == 0)
        return;
    atomic_compare_exchange_strong(&st->lost_since, &none, clock_wall());
    atomic_fetch_add(&st->lost_new, exchanges);
    atomic_fetch_add(&st->lost, exchanges);
}

static void
set_failure(struct store_thread *st, const struct error *err)
{
    pthread_mutex_lock(&st->mutex);
    if (err != NULL)
        st->failure = *err;
    pthread_mutex_unlock(&st->mutex);
    atomic_store(&st->failing, err != NULL);
}

/* Under the floor is full: on a disk that is truly full even deleting fails. */
static void
check_disk(struct store_thread *st, mono_time now)
{
    struct statvfs disk;
    struct stat    file;
    char           log[4096];

    if (now - st->disk_checked < DISK_EVERY)
        return;
    st->disk_checked = now;
    if (statvfs(st->path, &disk) == 0)
        atomic_store(&st->full, (uint64_t)disk.f_bavail * disk.f_frsize < st->options.free_floor);
    uint64_t bytes = stat(st->path, &file) == 0 ? (uint64_t)file.st_size : 0;
    snprintf(log, sizeof log, "%s-wal", st->path);
    atomic_store(&st->file_bytes, bytes + (stat(log, &file) == 0 ? (uint64_t)file.st_size : 0));
}

static bool
enough_waits(const struct store_thread *st)
{
    return atomic_load(&st->waiting_records) >= GROUP_RECORDS || atomic_load(&st->waiting_bytes) >= GROUP_BYTES;
}

static bool
is_called(const void *arg)
{
    const struct store_thread *st = arg;

    return atomic_load(&st->closing) || atomic_load(&st->waiters) > 0;
}

static bool
is_called_or_has_enough(const void *arg)
{
    return is_called(arg) || enough_waits(arg);
}

/* Up to GROUP_TAKEN bytes of what lies in the ring. */
static struct record *
take_group(struct store_thread *st)
{
    struct record *first = NULL, **end = &first, *batch;
    size_t         bytes = 0, records = 0;

    while (bytes < GROUP_TAKEN && (batch = ring_take(&st->ring)) != NULL) {
        *end = batch;
        for (; batch != NULL; batch = batch->next) {
            bytes += batch->held;
            records++;
            end = &batch->next;
        }
    }
    atomic_fetch_sub(&st->waiting_records, records);
    atomic_fetch_sub(&st->waiting_bytes, bytes);
    return first;
}

static bool
begin(struct store_thread *st, struct error *err)
{
    for (int i = 0; i < LOCKED_TRIES; i++) {
        if (writer_begin(&st->writer, err))
            return true;
        if (err->code != ERROR_BUSY)
            break;
        writer_rollback(&st->writer);
        nanosleep(&(struct timespec){.tv_nsec = LOCKED_WAIT * 1000}, NULL);
    }
    return false;
}

static bool
write_group(struct store_thread *st, const struct record *group, struct error *err)
{
    if (!begin(st, err))
        return false;
    for (const struct record *r = group; r != NULL; r = r->next) {
        if (!writer_add(&st->writer, r, err))
            return false;
    }
    if (st->gap_lost > 0 && !writer_add_gap(&st->writer, st->gap_from, clock_wall(), st->gap_lost, err))
        return false;
    return writer_commit(&st->writer, err);
}

/* Gives the memory back, and tells who waits. */
static void
group_is_done(struct store_thread *st, struct record *group, size_t records, size_t bytes)
{
    for (struct record *r = group; r != NULL; r = r->next)
        labels_unref(r->labels);
    pool_return(st->pool, group);
    atomic_fetch_sub(&st->queued_bytes, bytes);
    pthread_mutex_lock(&st->mutex);
    atomic_fetch_sub(&st->queued_records, records);
    pthread_cond_broadcast(&st->written);
    pthread_mutex_unlock(&st->mutex);
}

static void
write_or_lose(struct store_thread *st, struct record *group)
{
    size_t       records = 0, bytes = 0, exchanges = 0;
    struct error err  = {0};
    bool         full = atomic_load(&st->full);

    for (const struct record *r = group; r != NULL; r = r->next) {
        records++;
        bytes += r->held;
        exchanges += r->facts.final;
    }
    uint64_t lost_new = atomic_exchange(&st->lost_new, 0);
    if (lost_new > 0 && st->gap_lost == 0)
        st->gap_from = clock_wall();
    st->gap_lost += lost_new;
    if (!full && write_group(st, group, &err)) {
        st->gap_lost = 0;
        atomic_fetch_add(&st->committed, records);
        atomic_fetch_add(&st->commits, 1);
        if (atomic_load(&st->failing))
            set_failure(st, NULL);
    } else {
        if (!full) {
            writer_rollback(&st->writer);
            set_failure(st, &err);
            atomic_store(&st->full, err.code == ERROR_FULL);
            st->disk_checked = clock_mono();
        }
        store_thread_lost(st, exchanges);
    }
    st->nap = records < GROUP_FEW ? NAP_LONG : NAP_SHORT;
    group_is_done(st, group, records, bytes);
}

static void *
run(void *arg)
{
    struct store_thread *st = arg;
    struct record       *group;

    for (;;) {
        mono_time now = clock_mono();
        check_disk(st, now);
        if (!atomic_load(&st->full) && !atomic_load(&st->closing))
            retention_step(st, now);
        mono_time tick = st->forgetting ? MILLISECONDS(5) : atomic_load(&st->full) ? DISK_EVERY : IDLE_TICK;
        if (atomic_load(&st->waiting_records) == 0) {
            if (atomic_load(&st->closing))
                break;
            ring_sleep(&st->ring, tick, is_called, st);
            if (atomic_load(&st->waiting_records) == 0) {
                if (atomic_load(&st->waiters) > 0)
                    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
                continue;
            }
        }
        if (!enough_waits(st))
            ring_nap(&st->ring, st->nap, is_called_or_has_enough, st);
        check_disk(st, clock_mono());
        group = take_group(st);
        if (group != NULL)
            write_or_lose(st, group);
    }
    if (st->gap_lost + atomic_load(&st->lost_new) > 0)
        write_or_lose(st, NULL);
    return NULL;
}

struct adoption {
    struct store_thread *st;
    struct error        *err;
    bool                 failed;
};

static void
adopt(unsigned slot, void *arg)
{
    struct adoption *a = arg;

    if (a->failed || (slot != a->st->slot && !slot_try(&a->st->slots, slot)))
        return; /* somebody alive has it */
    a->failed = !writer_adopt(&a->st->writer, slot, a->err);
    if (slot != a->st->slot)
        slot_release(&a->st->slots, slot);
}

static bool
open_all(struct store_thread *st, uint64_t *newest, struct error *err)
{
    struct adoption a = {st, err, false};

    if (!slots_open(&st->slots, st->path, err) || !slots_lock(&st->slots, true))
        return false;
    bool ok = slot_lease(&st->slots, &st->slot, err) && writer_open(&st->writer, st->path, st->slot, err) &&
              writer_newest_ahead(&st->writer, clock_wall(), newest, err) &&
              writer_orphans(&st->writer, adopt, &a, err) && !a.failed;
    slots_lock(&st->slots, false);
    return ok;
}

static void
close_all(struct store_thread *st)
{
    writer_close(&st->writer);
    slots_close(&st->slots);
    pthread_mutex_destroy(&st->mutex);
    pthread_cond_destroy(&st->written);
    free(st->path);
}

bool
store_thread_start(struct store_thread *st, const char *path, const struct traffic_options *options, struct pool *pool,
                   uint64_t *newest, struct error *err)
{
    sigset_t all, before;

    st->options       = *options;
    st->pool          = pool;
    st->path          = strdup(path);
    st->slots.fd      = -1;
    st->nap           = NAP_SHORT;
    mono_time now     = clock_mono();
    st->disk_checked  = now - DISK_EVERY;
    st->names_cleaned = now;
    pthread_mutex_init(&st->mutex, NULL);
    pthread_cond_init(&st->written, NULL);
    if (st->path == NULL || !open_all(st, newest, err)) {
        error_wrap(err, "the traffic database");
        close_all(st);
        return false;
    }
    check_disk(st, now);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the network thread's */
    int failed = pthread_create(&st->thread, NULL, run, st);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        close_all(st);
        return error_set_errno(err, failed, "starting the store thread");
    }
    return true;
}

void
store_thread_stop(struct store_thread *st)
{
    atomic_store(&st->closing, true);
    ring_wake(&st->ring);
    pthread_join(st->thread, NULL);
    close_all(st);
}

bool
store_thread_give(struct store_thread *st, struct record *batch, size_t records, size_t bytes)
{
    /* Counted first: what can be taken has been counted. */
    atomic_fetch_add(&st->queued_records, records);
    atomic_fetch_add(&st->queued_bytes, bytes);
    atomic_fetch_add(&st->waiting_records, records);
    atomic_fetch_add(&st->waiting_bytes, bytes);
    if (ring_put(&st->ring, batch, enough_waits(st)))
        return true;
    atomic_fetch_sub(&st->queued_records, records);
    atomic_fetch_sub(&st->queued_bytes, bytes);
    atomic_fetch_sub(&st->waiting_records, records);
    atomic_fetch_sub(&st->waiting_bytes, bytes);
    return false;
}

void
store_thread_wait(struct store_thread *st)
{
    atomic_fetch_add(&st->waiters, 1);
    ring_wake(&st->ring);
    pthread_mutex_lock(&st->mutex);
    while (atomic_load(&st->queued_records) > 0)
        pthread_cond_wait(&st->written, &st->mutex);
    pthread_mutex_unlock(&st->mutex);
    atomic_fetch_sub(&st->waiters, 1);
}

void
store_thread_stats(const struct store_thread *st, struct traffic_stats *out)
{
    *out = (struct traffic_stats){
        .queued       = atomic_load(&st->queued_records),
        .queued_bytes = atomic_load(&st->queued_bytes),
        .committed    = atomic_load(&st->committed),
        .commits      = atomic_load(&st->commits),
        .lost         = atomic_load(&st->lost),
        .lost_since   = atomic_load(&st->lost_since),
        .full         = atomic_load(&st->full),
        .failing      = atomic_load(&st->failing),
        .file_bytes   = atomic_load(&st->file_bytes),
        .slot         = st->slot,
    };
}

bool
store_thread_failure(struct store_thread *st, struct error *out)
{
    bool failing = atomic_load(&st->failing);

    pthread_mutex_lock(&st->mutex);
    if (failing && out != NULL)
        *out = st->failure;
    pthread_mutex_unlock(&st->mutex);
    return failing;
}
