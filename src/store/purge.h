/* src/store/purge.h: forgetting: by age, by size, by principal, or all of it.
 *
 * Works from any process and beside running gateways: in slices under 30 ms, so that nobody's commit waits long. Rows
 * go before the blocks of their messages: a row never points at messages that are not there. A block goes when its
 * newest message is to go. Blocks: call it from a worker, or the command line.
 *
 * Forgetting all of it takes in what gateways have put and not written yet: when it returns true, nothing that was put
 * before the call comes back, and nothing that is put from then on is lost. For it leaves in `meta` the time (of the
 * monotonic clock, which processes of a machine share) at which the database was empty, and each writer reads that when
 * its next transaction begins. */
#ifndef GATEHOUSE_STORE_PURGE_H
#define GATEHOUSE_STORE_PURGE_H

#include "base/clock.h"
#include "base/error.h"

struct purge {
    wall_time  before;    /* only exchanges that began before this; 0: of all times */
    struct str principal; /* only this one's; empty: everybody's */
};

struct purge_result {
    uint64_t exchanges;   /* rows that went */
    uint64_t blocks;      /* blocks and tail pieces that went */
    uint64_t bytes_freed; /* by which the file shrank */
};

/* ERROR_NOT_FOUND when there is no database. `out` may be NULL. */
bool traffic_purge(const char *path, const struct purge *what, struct purge_result *out, struct error *err);

#endif
