/* src/store/pool.h: the memory of records: taken by the network thread, given back by the store thread.
 *
 * A record and the first RECORD_FIRST bytes of its messages are one piece of memory; what does not fit goes to chunks
 * of two sizes. The store thread hands records back as a stack that the network thread takes whole, so neither waits
 * for the other and in a steady state nothing is allocated.
 *
 * What records hold is bounded: `share` is the log's own, what goes beyond is taken from the budget of all messages
 * (memory.max), of which calls may have need: a quarter of it at most. When that is spent too, chunks for messages are
 * refused. Records and chunks for what the row says are not: they are small, and without them nothing would tell of the
 * loss. */
#ifndef GATEHOUSE_STORE_POOL_H
#define GATEHOUSE_STORE_POOL_H

#include <stdatomic.h>

#include "base/budget.h"
#include "base/lent.h"
#include "store/block.h"
#include "store/record.h"

enum chunk_size { CHUNK_INSIDE, CHUNK_MIDDLE, CHUNK_LARGE, CHUNK_LENT, CHUNK_SIZES };

struct chunk { /* pieces as block.h writes them, one behind the other, none across two chunks */
    struct chunk   *next;
    uint32_t        len;
    uint32_t        cap;
    enum chunk_size size;
    char           *data; /* behind it */
    struct lent    *lent; /* CHUNK_LENT: a reference. It has one piece: the head is in `data`, */
    struct str      text; /* and the text lies in what is lent; of other chunks empty */
};

static inline size_t
chunk_len(const struct chunk *c)
{
    return c->len + c->text.len;
}

struct pool;

struct record {
    struct record        *next; /* of its batch, or in the pool */
    struct pool          *pool;
    struct labels        *labels; /* a reference */
    uint64_t              id;
    struct exchange_facts facts; /* strings in its chunks; set when put */
    struct chunk         *first, *last;
    size_t                held;                /* bytes of memory */
    uint64_t              bytes_in, bytes_out; /* of messages, with what is missing */
    uint64_t              missing;             /* of them: not kept */
    char                 *hole;                /* flags of the last piece when it is a PIECE_HOLE, else NULL */
    bool                  continues;           /* the last piece is not the end of its message */
    bool                  torn;                /* memory ran out, something is missing */
    bool                  lost;                /* the store thread's: it is not written */
    mono_time             put_at;
};

struct pool { /* all zero: empty, and without a bound */
    struct record *records;
    size_t         record_count;
    struct chunk  *chunks[CHUNK_SIZES];
    size_t         chunk_counts[CHUNK_SIZES];
    struct budget *budget; /* NULL: no bound */
    size_t         share;
    size_t         held;  /* by records that were taken and are not back */
    size_t         taken; /* from the budget */

    _Atomic uint64_t missing;                       /* bytes of messages that were not kept; any thread may read it */
    _Alignas(64) _Atomic(struct record *) returned; /* by the store thread */
};

/* Of an open database: where record_new takes from. */
struct pool *traffic_pool(struct traffic *t);

struct record *pool_take(struct pool *p);
/* False: no memory, or the budget is spent, unless it `must` be. */
bool pool_take_chunk(struct pool *p, struct record *r, size_t room, bool must);
/* Pays for all of what is lent: as long as a piece of it is kept, all of it is there. False: the budget is spent. */
bool pool_pay_lent(struct pool *p, struct record *r, const struct lent *lent);
/* A chunk for the head of one piece whose text is not copied: it lies in `lent`, which was paid for, and of which the
 * chunk takes a reference; NULL: the piece has no text. Small enough not to be paid for. */
bool pool_take_lent(struct pool *p, struct record *r, struct lent *lent, struct str text);
/* Takes back what the store thread is done with, and keeps no more of the budget than is held. Takes a struct pool. */
void pool_settle(void *pool);
/* The network thread's. */
void pool_give(struct pool *p, struct record *r);
/* The store thread's: a list by `next`; their labels are let go of already. */
void pool_return(struct pool *p, struct record *first);
void pool_clear(struct pool *p);

#endif
