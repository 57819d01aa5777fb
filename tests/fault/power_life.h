/* tests/fault/power_life.h: a typical life of the traffic database, and all that it was promised to keep.
 *
 * Calls are recorded as the gateway does it: small ones in one record, larger ones written open and in pieces. What
 * they said comes from their seed, so that it can be compared with what is read back, byte by byte. */
#ifndef GATEHOUSE_TESTS_FAULT_POWER_LIFE_H
#define GATEHOUSE_TESTS_FAULT_POWER_LIFE_H

#include "power.h"
#include "store/traffic.h"

#define KEPT_PERHAPS SIZE_MAX
enum { CALLS_MAX = 4096, CALLERS = 2 };

struct call {
    uint64_t id;
    uint64_t seed;
    size_t   request_len, answer_len;
    int      who;
    size_t   kept; /* its commit returned at this position of the disk; 0: it has not; KEPT_PERHAPS: calls were lost */
    size_t   erased; /* a purge of it returned there; 0: none did */
    bool     may_go; /* a purge or the retention was told to, and may have done it */
};

struct life {
    char            directory[64], path[96];
    struct disk    *disk;    /* NULL: none notes it */
    struct traffic *traffic; /* NULL between its openings */
    struct labels  *who[CALLERS];
    struct call     calls[CALLS_MAX];
    size_t          count;
    uint64_t        lost, lost_here; /* said to be lost: since the beginning, and since it was opened last */
    size_t          erased;          /* where the disk stood when the hardest purge returned */
    uint64_t        random;
    char            where[80]; /* for messages */
};

/* In a directory of its own. */
void life_begin(struct life *l, struct disk *disk, uint64_t seed);
void life_end(struct life *l); /* closes, and removes the directory */
bool life_open(struct life *l, const struct traffic_options *options, struct error *err);
void life_close(struct life *l);

/* Records a call of `who` with an answer of about so many bytes, but commits nothing yet. */
void life_call(struct life *l, int who, size_t answer_len);
/* Some calls, smaller and larger, and their commit. */
void life_work(struct life *l, int rounds);
/* True: all calls since the last commit are kept, none is lost. */
bool life_commit(struct life *l);
/* Erases what one caller (-1: anybody) did. */
bool life_purge(struct life *l, int who, struct error *err);
/* What is there may be forgotten from now on: the retention was lowered. */
void life_lets_go(struct life *l);

/* What lies in `path` against what was promised: each call is whole, or absent, or said to be cut; what was kept before
 * the last sync, at `synced`, is there; what was erased up to `position` is not. Returns how many calls are there;
 * fails the test. */
size_t life_check(const struct life *l, const char *path, size_t synced, size_t position);

#endif
