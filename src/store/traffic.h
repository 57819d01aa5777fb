/* src/store/traffic.h: the traffic database of a running gateway: what is captured goes in here.
 *
 * The network thread fills records and puts them; once per turn of its loop the batch is handed to the store thread,
 * over a ring, without a lock. The store thread owns the writing connection and commits in groups: after 1,000 records,
 * 1 MiB or 50 ms; when a commit held under 20 records the next waits up to 500 ms. Nobody waits for it. All functions
 * here are the network thread's, but where said otherwise. */
#ifndef GATEHOUSE_STORE_TRAFFIC_H
#define GATEHOUSE_STORE_TRAFFIC_H

#include "base/error.h"
#include "store/record.h"

struct traffic_options {
    int64_t  retention_age_us; /* 0: for ever */
    uint64_t retention_bytes;  /* 0: no bound */
    uint64_t free_floor;       /* less than this free on the disk is full */
    size_t   queue_max;        /* bytes on the way to the store thread; beyond them traffic_is_behind */
    bool     refuse_when_full; /* else calls pass unrecorded, and are counted */

    struct budget
          *budget; /* NULL: none. What is on its way beyond `share` is taken from it; it outlives the traffic, */
    size_t share;  /* which sets its `settle` */
};

/* 30 days, 5 GiB, 64 MiB free, 16 MiB of queue, pass. */
extern const struct traffic_options traffic_defaults;

/* Opens or makes `path` (mode 0600), brings its schema up to date, leases a slot beside it (`<path>-slots`), adopts
 * what crashed processes left, and starts the store thread. NULL options: the defaults. Blocks: at start only. */
bool traffic_open(struct traffic **out, const char *path, const struct traffic_options *options, struct error *err);
/* Only the retention, refuse_when_full and share: the rest is fixed at the opening. */
void traffic_set_options(struct traffic *t, const struct traffic_options *options);
/* Commits what was put, lets go of the slot. Blocks. NULL is nothing. */
void traffic_close(struct traffic *t);

/* 63 bits: microseconds of `at` << 10 | slot, growing strictly within the process and above all that this slot ever
 * wrote. */
uint64_t traffic_next_id(struct traffic *t, wall_time at);
enum { TRAFFIC_SLOTS = 1024 };
static inline wall_time
traffic_id_time(uint64_t id)
{
    return (wall_time)(id >> 10);
}

/* Takes `r`; NULL counts an exchange as lost. */
void traffic_put(struct traffic *t, struct record *r, const struct exchange_facts *facts);
/* At the end of each turn of the loop: hands over what was put since the last. */
void traffic_turn(struct traffic *t);
/* More than queue_max is on its way: stop reading until it is false again (look each turn, or each 10 ms). */
bool traffic_is_behind(const struct traffic *t);
/* Calls cannot be recorded, the disk being full or failing, and refuse_when_full: new ones should be refused. */
bool traffic_refuses(const struct traffic *t);
/* Hands over and waits until all that was put is committed. Blocks: for tests and for the last moments. */
void traffic_flush(struct traffic *t);

/* Read from any thread at any time; each figure is exact, together they may be a moment apart. */
struct traffic_stats {
    uint64_t  queued;       /* records handed over and not committed yet */
    uint64_t  queued_bytes; /* and what they hold of memory */
    uint64_t  committed;    /* records, since start */
    uint64_t  commits;
    uint64_t  missing_bytes; /* of messages of exchanges that were recorded, since start */
    uint64_t  lost;          /* exchanges that were not recorded, since start */
    wall_time lost_since;    /* first of the present or last gap; 0: none ever */
    bool      full;          /* the disk, now: under its floor, or the last commit found no room */
    bool      failing;       /* the last commit failed: see traffic_failure; tried again each second */
    uint64_t  file_bytes;    /* database and its log */
    unsigned  slot;
};
void traffic_stats(const struct traffic *t, struct traffic_stats *out);
/* Why the last commit failed; false when it did not. Any thread. */
bool traffic_failure(struct traffic *t, struct error *out);

#endif
