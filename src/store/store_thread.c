#include "store/store_thread.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "store/reserve.h"

#define NAP_SHORT   MILLISECONDS(50)
#define NAP_LONG    MILLISECONDS(500)
#define DISK_EVERY  SECONDS(1)
#define LOCKED_WAIT MILLISECONDS(20)
enum { LOCKED_TRIES = 5 }; /* of 5 s each */

void
store_thread_lost(struct store_thread *st, uint64_t exchanges)
{
    if (exchanges == 0)
        return;
    if (!atomic_exchange(&st->in_gap, true))
        atomic_store(&st->lost_since, clock_wall());
    atomic_fetch_add(&st->lost_new, exchanges);
    atomic_fetch_add(&st->lost, exchanges);
}

static void
show_full(struct store_thread *st)
{
    atomic_store(&st->full, st->under_floor || st->no_room);
}

/* NULL: it works. */
static void
set_failure(struct store_thread *st, const struct error *err)
{
    pthread_mutex_lock(&st->mutex);
    if (err != NULL)
        st->failure = *err;
    pthread_mutex_unlock(&st->mutex);
    atomic_store(&st->failing, err != NULL);
    st->no_room = err != NULL && err->code == ERROR_FULL;
    st->tried   = clock_mono();
    show_full(st);
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
        st->under_floor = (uint64_t)disk.f_bavail * disk.f_frsize < st->options.free_floor;
    show_full(st);
    if (!atomic_load(&st->full))
        reserve_make(st->path);
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

/* With the lock of those who open. */
static bool
adopt_all(struct store_thread *st, struct error *err)
{
    struct adoption a = {st, err, false};

    st->has_adopted = writer_orphans(&st->writer, adopt, &a, err) && !a.failed;
    return st->has_adopted;
}

/* A NULL group: only what was lost is written down, and whether writing works. */
static bool
write_group(struct store_thread *st, const struct record *group, struct error *err)
{
    if (!st->has_adopted) {
        bool ok = slots_lock(&st->slots, true) && adopt_all(st, err);
        slots_lock(&st->slots, false);
        if (!ok)
            return false;
    }
    if (!begin(st, err))
        return false;
    for (const struct record *r = group; r != NULL; r = r->next) {
        if (!r->lost && !writer_add(&st->writer, r, err))
            return false;
    }
    if (st->gap_lost > 0 && !writer_add_gap(&st->writer, st->gap_from, clock_wall(), st->gap_lost, err))
        return false;
    if (group == NULL && !writer_try(&st->writer, err))
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

/* All records, or those only whose exchange is lost already; returns how many exchanges end so. */
static uint64_t
lose(struct store_thread *st, struct record *group, bool all)
{
    uint64_t exchanges = 0;

    for (struct record *r = group; r != NULL; r = r->next) {
        if (r->lost || (!all && !writer_is_lost(&st->writer, r)))
            continue;
        r->lost = true;
        writer_lose(&st->writer, r);
        exchanges += r->facts.final;
    }
    return exchanges;
}

static void
gather_gap(struct store_thread *st)
{
    uint64_t lost_new = atomic_exchange(&st->lost_new, 0);

    if (lost_new > 0 && st->gap_lost == 0)
        st->gap_from = atomic_load(&st->lost_since);
    st->gap_lost += lost_new;
}

static void
write_or_lose(struct store_thread *st, struct record *group)
{
    size_t       records = 0, bytes = 0;
    struct error err = {0};

    for (const struct record *r = group; r != NULL; r = r->next) {
        records++;
        bytes += r->held;
    }
    store_thread_lost(st, lose(st, group, false));
    gather_gap(st);
    if (!st->under_floor && write_group(st, group, &err)) {
        writer_written(&st->writer, group);
        st->gap_lost = 0;
        atomic_store(&st->in_gap, false);
        atomic_fetch_add(&st->committed, records);
        atomic_fetch_add(&st->commits, 1);
        bool is_stuck = st->writer.wal_failure.code != ERROR_NONE;
        if (is_stuck || atomic_load(&st->failing))
            set_failure(st, is_stuck ? &st->writer.wal_failure : NULL);
    } else {
        if (!st->under_floor) {
            writer_rollback(&st->writer);
            set_failure(st, &err);
        }
        store_thread_lost(st, lose(st, group, true));
    }
    st->nap = records < GROUP_FEW ? NAP_LONG : NAP_SHORT;
    group_is_done(st, group, records, bytes);
}

static void
keep_retention(struct store_thread *st, mono_time now)
{
    struct error err = {0};

    if (!retention_step(st, now, &err) && err.code != ERROR_BUSY)
        set_failure(st, &err);
}

/* A gap is not written down yet, or writing has failed. */
static bool
something_is_wrong(const struct store_thread *st)
{
    return st->gap_lost > 0 || atomic_load(&st->lost_new) > 0 || atomic_load(&st->failing);
}

/* Returns when records wait, or false when it is closing and none do. What is due meanwhile is done. */
static bool
wait_for_records(struct store_thread *st)
{
    while (atomic_load(&st->waiting_records) == 0) {
        mono_time now = clock_mono();
        if (atomic_load(&st->closing))
            return false;
        check_disk(st, now);
        if (!atomic_load(&st->full))
            keep_retention(st, now);
        if (something_is_wrong(st) && !st->under_floor && now - st->tried >= DISK_EVERY) {
            st->tried = now;
            write_or_lose(st, NULL);
        }
        ring_sleep(&st->ring, st->forgetting ? MILLISECONDS(5) : DISK_EVERY, is_called, st);
        if (atomic_load(&st->waiting_records) == 0 && atomic_load(&st->waiters) > 0)
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return true;
}

static void *
run(void *arg)
{
    struct store_thread *st = arg;
    struct record       *group;

    while (wait_for_records(st)) {
        if (!enough_waits(st))
            ring_nap(&st->ring, st->nap, is_called_or_has_enough, st);
        mono_time now = clock_mono();
        check_disk(st, now);
        if (!atomic_load(&st->full) && !atomic_load(&st->closing))
            keep_retention(st, now); /* it has its turn under load too */
        group = take_group(st);
        if (group != NULL)
            write_or_lose(st, group);
    }
    if (something_is_wrong(st))
        write_or_lose(st, NULL);
    return NULL;
}

static bool
open_all(struct store_thread *st, uint64_t *newest, struct error *err)
{
    if (!slots_open(&st->slots, st->path, err) || !slots_lock(&st->slots, true))
        return false;
    bool ok = slot_lease(&st->slots, &st->slot, err) && writer_open(&st->writer, st->path, st->slot, err) &&
              writer_newest_ahead(&st->writer, clock_wall(), newest, err) &&
              (adopt_all(st, err) || err->code == ERROR_FULL);
    slots_lock(&st->slots, false);
    if (ok && !st->has_adopted)
        set_failure(st, err); /* tried again each second: calls may pass meanwhile */
    return ok;
}

/* On a disk so full that not even opening works, what was set aside makes the room. */
static bool
open_even_if_full(struct store_thread *st, uint64_t *newest, struct error *err)
{
    struct error failed = {0};

    for (int i = 0; i < 2; i++) {
        failed = (struct error){0};
        if (open_all(st, newest, &failed))
            return true;
        if (failed.code != ERROR_FULL || i > 0 || !reserve_release(st->path))
            break;
        writer_close(&st->writer);
        slots_close(&st->slots);
    }
    error_set(err, failed.code, "%s", failed.text);
    return false;
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

    st->options = *options;
    store_thread_set_retention(st, options);
    st->pool          = pool;
    st->path          = strdup(path);
    st->slots.fd      = -1;
    st->nap           = NAP_SHORT;
    mono_time now     = clock_mono();
    st->disk_checked  = now - DISK_EVERY;
    st->names_cleaned = now;
    pthread_mutex_init(&st->mutex, NULL);
    pthread_cond_init(&st->written, NULL);
    if (st->path == NULL || !open_even_if_full(st, newest, err)) {
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

void
store_thread_set_retention(struct store_thread *st, const struct traffic_options *options)
{
    atomic_store(&st->retention_age, options->retention_age_us);
    atomic_store(&st->retention_bytes, options->retention_bytes);
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
