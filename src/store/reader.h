/* src/store/reader.h: the inside of a reader, and what the files of the reading side share. Behind query.h. */
#ifndef GATEHOUSE_STORE_READER_H
#define GATEHOUSE_STORE_READER_H

#include "base/arena.h"
#include "store/block.h"
#include "store/db.h"
#include "store/query.h"
#include "store/streams.h"

struct reader {
    sqlite3       *db;
    char          *path;
    struct packer *packer;
    struct arena  *arena;  /* of one page of rows */
    struct buffer  run;    /* entries of the block that was read last */
    int64_t        loaded; /* its id; 0: none, or a tail, which grows */
    struct buffer  joined; /* a message */
    sqlite3_stmt  *find_block, *find_tail, *body, *words, *tail_body;
};

/* Of a label: Gatehouse itself asked, for a client of the other era, whose exchange is on record beside it: one call,
 * two rows. Only what comes from outside has an address. */
#define LABEL_OF_BRIDGE "(client = 'gatehouse' AND address IS NULL)"

enum { ROWS_A_PAGE = 256, SLICE_FIRST = 1000, SLICE_MAX = 200000 };

/* Calls `step` for ids in (after, before), exclusive, cut into slices of so many rows as can be looked through in a few
 * milliseconds, newest first unless ascending; `step` sets `*stop` when it has enough. */
typedef bool slice_step(struct reader *r, int64_t after, int64_t before, bool *stop, void *arg, struct error *err);
bool         reader_slices(struct reader *r, int64_t after, int64_t before, bool ascending, slice_step *step, void *arg,
                           struct error *err);

/* The bounds of a query as ids, exclusive. */
void query_bounds(const struct query *q, int64_t *after, int64_t *before);

/* The rows among `ids` that the query's columns let pass, in its order; at most `limit`. */
bool query_rows_of(struct reader *r, const struct query *q, const uint64_t *ids, size_t count, size_t limit,
                   bool (*each)(const struct exchange_view *x, void *arg), void *arg, size_t *shown, bool *stopped,
                   struct error *err);

/* search.c: by words and parts of messages. */
bool search_run(struct reader *r, const struct query *q, bool (*each)(const struct exchange_view *x, void *arg),
                void *arg, struct error *err);

/* A run of entries as it lies in the database. */
struct segment {
    int64_t  id; /* stream << 40 | number of the first entry */
    int64_t  last;
    uint64_t first_id, last_id;
    size_t   raw; /* 0: a row of the tail */
    bool     parts;
};

/* Of a row of id, last, first_id, last_id, raw, parts. */
struct segment segment_of(sqlite3_stmt *row);

/* The segment that holds an entry. 0: nobody does any more. */
int reader_find_segment(struct reader *r, int64_t entry, struct segment *out, struct error *err);
/* Its entries into r->run. 0: it is not there any more (rolled into a block, or forgotten). */
int reader_load(struct reader *r, const struct segment *s, struct error *err);

#endif
