#include "store/traffic.h"

#include <pthread.h>

#include "store/pool.h"
#include "store/ring.h"
#include "store/store_thread.h"

/* So much of what the store thread has given back may lie about until records are wanted again. */
#define LEFT_MOST MIB(1)

const struct traffic_options traffic_defaults = {
    .retention_age_us = 30LL * 24 * 3600 * 1000000,
    .retention_bytes  = 5ULL << 30,
    .free_floor       = MIB(64),
    .queue_max        = MIB(16),
};

struct traffic {
    /* the network thread's */
    struct pool    pool;
    struct record *batch, *batch_last; /* put since the last turn */
    size_t         batch_records, batch_bytes;
    wall_time      last; /* time in the newest id */

    struct store_thread store; /* shared, as it says */
};

struct pool *
traffic_pool(struct traffic *t)
{
    return &t->pool;
}

bool
traffic_open(struct traffic **out, const char *path, const struct traffic_options *options, struct error *err)
{
    struct traffic *t = aligned_alloc(64, (sizeof *t + 63) / 64 * 64);
    uint64_t        newest;

    *out = NULL;
    if (t == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    memset(t, 0, sizeof *t);
    if (!store_thread_start(&t->store, path, options == NULL ? &traffic_defaults : options, &t->pool, &newest, err)) {
        free(t);
        return false;
    }
    t->last        = traffic_id_time(newest);
    t->pool.budget = t->store.options.budget;
    t->pool.share  = t->store.options.share;
    if (t->pool.budget != NULL) {
        t->pool.budget->settle     = pool_settle;
        t->pool.budget->settle_arg = &t->pool;
    }
    *out = t;
    return true;
}

void
traffic_set_options(struct traffic *t, const struct traffic_options *options)
{
    t->store.options.refuse_when_full = options->refuse_when_full; /* only we read it */
    t->pool.share                     = options->share;
    store_thread_set_retention(&t->store, options);
}

void
traffic_close(struct traffic *t)
{
    if (t == NULL)
        return;
    while (t->batch != NULL) {
        traffic_flush(t);
    }
    store_thread_stop(&t->store);
    if (t->pool.budget != NULL)
        t->pool.budget->settle = NULL;
    pool_clear(&t->pool);
    free(t);
}

uint64_t
traffic_next_id(struct traffic *t, wall_time at)
{
    t->last = at > t->last ? at : t->last + 1;
    return ((uint64_t)t->last << 10 | t->store.slot) & INT64_MAX;
}

/* The record keeps copies of the texts, behind its messages. */
static struct str
keep(struct record *r, struct str s)
{
    if (s.len == 0 || s.len > PIECE_MAX)
        return STR_NONE;
    if (r->last->cap - r->last->len < s.len && !pool_take_chunk(r->pool, r, s.len, true)) {
        r->torn = true;
        return STR_NONE;
    }
    r->last->cap -= (uint32_t)s.len;
    return str_of(memcpy(r->last->data + r->last->cap, s.data, s.len), s.len);
}

void
traffic_put(struct traffic *t, struct record *r, const struct exchange_facts *facts)
{
    if (r == NULL) {
        store_thread_lost(&t->store, 1);
        return;
    }
    r->put_at           = clock_mono();
    r->facts            = *facts;
    r->facts.method     = keep(r, facts->method);
    r->facts.target     = keep(r, facts->target);
    r->facts.jsonrpc_id = keep(r, facts->jsonrpc_id);
    r->next             = NULL;
    if (t->batch == NULL)
        t->batch = r;
    else
        t->batch_last->next = r;
    t->batch_last = r;
    t->batch_records++;
    t->batch_bytes += r->held;
    if (r->missing > 0)
        atomic_fetch_add_explicit(&t->pool.missing, r->missing, memory_order_relaxed);
}

void
traffic_turn(struct traffic *t)
{
    if (t->pool.taken > 0 || t->pool.held > LEFT_MOST)
        pool_settle(&t->pool);
    if (t->batch == NULL)
        return;
    if (!store_thread_give(&t->store, t->batch, t->batch_records, t->batch_bytes))
        return; /* all slots are taken: it waits for the next turn, and we are behind */
    t->batch         = NULL;
    t->batch_records = 0;
    t->batch_bytes   = 0;
}

bool
traffic_is_behind(const struct traffic *t)
{
    return t->batch_bytes + atomic_load_explicit(&t->store.queued_bytes, memory_order_relaxed) >
           t->store.options.queue_max;
}

bool
traffic_refuses(const struct traffic *t)
{
    return t->store.options.refuse_when_full && (atomic_load_explicit(&t->store.full, memory_order_relaxed) ||
                                                 atomic_load_explicit(&t->store.failing, memory_order_relaxed));
}

void
traffic_flush(struct traffic *t)
{
    do {
        traffic_turn(t);
        store_thread_wait(&t->store);
    } while (t->batch != NULL);
}

void
traffic_stats(const struct traffic *t, struct traffic_stats *out)
{
    store_thread_stats(&t->store, out);
    out->missing_bytes = atomic_load_explicit(&t->pool.missing, memory_order_relaxed);
}

bool
traffic_failure(struct traffic *t, struct error *out)
{
    return store_thread_failure(&t->store, out);
}
