/* src/store/streams.h: where the messages of each principal go: into the tail, and from there into blocks. The store
 * thread's, inside its transactions.
 *
 * A stream is the run of entries that one slot writes of one principal, numbered without holes. At the commit, what
 * came since the last goes raw into one row of `tail`; when the tail would reach BLOCK_MAX, tail and news together
 * become blocks, and what is left over, too little for a block, the tail anew. So the tail is always the newest part of
 * a stream, an entry is written three times at most, and a stream is at any time a run of blocks and then a run of tail
 * rows. */
#ifndef GATEHOUSE_STORE_STREAMS_H
#define GATEHOUSE_STORE_STREAMS_H

#include "base/list.h"
#include "base/map.h"
#include "store/block.h"
#include "store/db.h"

enum { STREAM_PENDING_MAX = 1024 * 1024 };
enum { TAILS_MAX = 16 * 1024 * 1024 };
enum { STREAM_SHIFT = 40 }; /* block.id = stream << 40 | number of the first entry */

struct stream {
    struct list   changed; /* of struct streams, when something is pending */
    struct list   all;
    int64_t       id;
    int64_t       next;       /* number of the next entry */
    size_t        tail_bytes; /* in the table */
    struct buffer pending;    /* entries since the last commit */
    int64_t       pending_first;
    uint64_t      first_id, last_id; /* of what is pending */
    uint64_t      epoch;
    size_t        principal_len;
    char          principal[];
};

struct streams {
    sqlite3        *db;
    unsigned        slot;
    uint64_t        epoch;   /* streams of another epoch must be read again */
    struct map      by_name; /* principal -> struct stream * */
    struct list     all;     /* of struct stream, by all */
    struct list     changed; /* of struct stream, by changed */
    size_t          tails;   /* bytes in the tails of all */
    struct packer  *packer;
    struct word_set words;
    struct buffer   run, packed, filter;
    sqlite3_stmt   *find, *make, *bounds, *tail_bounds, *read_tail, *add_tail, *drop_tail, *add_block, *add_body,
        *add_words;
};

bool streams_init(struct streams *ss, sqlite3 *db, unsigned slot, struct error *err);
void streams_clear(struct streams *ss);

/* The stream of a principal, made when it is the first time. */
struct stream *stream_of(struct streams *ss, struct str principal, struct error *err);
/* Appends an entry: its head and, at once behind it, the parts of its pieces. `*number` is its number in the stream. */
struct entry_parts {
    struct str        head;
    const struct str *parts;
    size_t            count;
    uint64_t          id;
};
bool stream_append(struct streams *ss, struct stream *s, const struct entry_parts *e, int64_t *number,
                   struct error *err);
/* Before COMMIT: what is pending goes to the database. */
bool streams_flush(struct streams *ss, struct error *err);
/* After a ROLLBACK, or when another process changed things: nothing remembered counts any more. */
void streams_forget(struct streams *ss);
/* Makes blocks of all that a dead process left in the tail under `slot`. */
bool streams_adopt(struct streams *ss, unsigned slot, struct error *err);

#endif
