/* A search asks the filters of the blocks, newest first, opens those that may hold what is looked for, and reads the
 * tail plainly. What it finds are pairs of an exchange and the bits it has there. Segments are visited in the order of
 * their newest exchange, so once the next one's is older than an exchange, all parts of that exchange have been seen:
 * it is settled, and shown when it has all bits and its row passes the other filters. (Ascending: the same, mirrored.)
 */
#include "store/finder.h"
#include "store/reader.h"

struct hit {
    uint64_t id;
    uint32_t bits;
};

enum { HITS_MAX = 4 * 1024 * 1024, IDS_AT_ONCE = 256 };

struct search {
    struct reader      *reader;
    const struct query *query;
    bool (*each)(const struct exchange_view *x, void *arg);
    void           *arg;
    struct finder   finder;
    struct segment *segments;
    size_t          segment_count;
    struct hit     *hits;
    size_t          hit_count, hit_room;
    uint64_t        ids[IDS_AT_ONCE]; /* settled, to be looked up */
    size_t          id_count;
    size_t          shown;
    int64_t         after, before;
    int64_t         rolled; /* the block that was read last in place of pieces of the tail */
    bool            stopped;
};

static int
newest_first(const void *a, const void *b)
{
    uint64_t x = ((const struct segment *)a)->last_id, y = ((const struct segment *)b)->last_id;

    return x < y ? 1 : x > y ? -1 : 0;
}

static int
oldest_first(const void *a, const void *b)
{
    uint64_t x = ((const struct segment *)a)->first_id, y = ((const struct segment *)b)->first_id;

    return x < y ? -1 : x > y ? 1 : 0;
}

/* Grows an array to hold one more. */
static void *
with_room(void *items, size_t count, size_t *room, size_t size, struct error *err)
{
    if (count < *room)
        return items;
    size_t fresh = *room == 0 ? 256 : *room * 2;
    void  *grown = fresh > HITS_MAX ? NULL : realloc(items, fresh * size);
    if (grown == NULL && fresh <= HITS_MAX)
        error_set(err, ERROR_MEMORY, "no memory for what the search finds");
    else if (grown == NULL)
        error_set(err, ERROR_TOO_LARGE, "the search finds too much at once: bound it in time");
    else
        *room = fresh;
    return grown;
}

static bool
list_segments(struct search *x, struct error *err)
{
    static const char sql[] =
        "SELECT id, last, first_id, last_id, raw, parts FROM block WHERE last_id > ?1 AND first_id < ?2 UNION ALL"
        " SELECT id, last, first_id, last_id, 0, 1 FROM tail WHERE last_id > ?1 AND first_id < ?2";
    sqlite3_stmt *s    = db_prepare(x->reader->db, sql, err);
    size_t        room = 0;
    int           got  = -1;

    if (s == NULL)
        return false;
    sqlite3_bind_int64(s, 1, x->after);
    sqlite3_bind_int64(s, 2, x->before);
    while ((got = db_row(s, err)) > 0) {
        struct segment *grown = with_room(x->segments, x->segment_count, &room, sizeof *grown, err);
        if (grown == NULL) {
            got = -1;
            break;
        }
        x->segments                     = grown;
        x->segments[x->segment_count++] = segment_of(s);
    }
    sqlite3_finalize(s);
    if (x->segment_count > 0)
        qsort(x->segments, x->segment_count, sizeof *x->segments, x->query->ascending ? oldest_first : newest_first);
    return got == 0;
}

/* The filter of a block lies apart from its messages. A block without one is opened. */
static int
may_match(struct search *x, const struct segment *s, struct error *err)
{
    sqlite3_stmt *words = x->reader->words;

    if (s->raw == 0 || x->finder.word_count == 0)
        return 1;
    sqlite3_bind_int64(words, 1, s->id);
    int got = db_row(words, err);
    if (got <= 0)
        return got < 0 ? -1 : 1;
    bool may = finder_may_match(&x->finder, db_blob(words, 0), s->parts);
    sqlite3_reset(words);
    return may;
}

static bool
look_through(struct search *x, const struct segment *s, struct error *err)
{
    struct str   run = buffer_str(&x->reader->run);
    struct entry e;

    if (!finder_run_may_match(&x->finder, run, s->parts))
        return true;
    while (entry_next(&run, &e)) {
        if ((int64_t)e.id <= x->after || (int64_t)e.id >= x->before)
            continue;
        uint32_t bits = finder_look(&x->finder, &e);
        if (x->finder.failed)
            return error_set(err, ERROR_MEMORY, "no memory to look through what was recorded");
        if (bits == 0 || (bits != x->finder.all && (e.flags & ENTRY_PART) == 0))
            continue;
        struct hit *grown = with_room(x->hits, x->hit_count, &x->hit_room, sizeof *grown, err);
        if (grown == NULL)
            return false;
        x->hits                 = grown;
        x->hits[x->hit_count++] = (struct hit){e.id, bits};
    }
    return true;
}

static bool
visit(struct search *x, const struct segment *listed, struct error *err)
{
    struct segment s   = *listed;
    int            may = may_match(x, &s, err);

    if (may <= 0)
        return may == 0;
    int got = reader_load(x->reader, &s, err);
    if (got == 0 && reader_find_segment(x->reader, listed->id, &s, err) > 0) { /* the tail was rolled meanwhile */
        if (s.id == x->rolled)
            return true;
        x->rolled = s.id;
        got       = reader_load(x->reader, &s, err);
    }
    return got < 0 ? false : got == 0 || look_through(x, &s, err);
}

static int
hits_newest_first(const void *a, const void *b)
{
    uint64_t x = ((const struct hit *)a)->id, y = ((const struct hit *)b)->id;

    return x < y ? 1 : x > y ? -1 : 0;
}

static int
hits_oldest_first(const void *a, const void *b)
{
    return hits_newest_first(b, a);
}

/* Looks up the rows of what is settled. */
static bool
show_ids(struct search *x, struct error *err)
{
    size_t limit = x->query->limit == 0 ? IDS_AT_ONCE : x->query->limit - x->shown;
    bool   ok    = true;

    if (x->id_count > 0)
        ok = query_rows_of(x->reader, x->query, x->ids, x->id_count, limit < IDS_AT_ONCE ? limit : IDS_AT_ONCE, x->each,
                           x->arg, &x->shown, &x->stopped, err);
    x->id_count = 0;
    x->stopped |= x->query->limit != 0 && x->shown >= x->query->limit;
    return ok;
}

/* Settles the hits beyond `border`, an id that the segments still to come may hold at most (ascending: at least). */
static bool
settle(struct search *x, uint64_t border, struct error *err)
{
    bool   ascending = x->query->ascending;
    size_t at        = 0, kept;
    bool   ok        = true;

    if (x->hit_count == 0)
        return true;
    qsort(x->hits, x->hit_count, sizeof *x->hits, ascending ? hits_oldest_first : hits_newest_first);
    while (ok && !x->stopped && at < x->hit_count && (ascending ? x->hits[at].id < border : x->hits[at].id > border)) {
        struct hit all = x->hits[at++];
        for (; at < x->hit_count && x->hits[at].id == all.id; at++)
            all.bits |= x->hits[at].bits;
        if (all.bits != x->finder.all)
            continue;
        x->ids[x->id_count++] = all.id;
        size_t wanted         = x->query->limit == 0 ? IDS_AT_ONCE : x->query->limit - x->shown;
        if (x->id_count == IDS_AT_ONCE || x->id_count >= wanted)
            ok = show_ids(x, err);
    }
    kept = x->hit_count - at;
    memmove(x->hits, x->hits + at, kept * sizeof *x->hits);
    x->hit_count = kept;
    return ok;
}

bool
search_run(struct reader *r, const struct query *q, bool (*each)(const struct exchange_view *x, void *arg), void *arg,
           struct error *err)
{
    struct search x  = {.reader = r, .query = q, .each = each, .arg = arg, .rolled = -1};
    bool          ok = finder_init(&x.finder, q, err);

    query_bounds(q, &x.after, &x.before);
    ok = ok && list_segments(&x, err);
    for (size_t i = 0; ok && !x.stopped && i < x.segment_count; i++) {
        const struct segment *s = &x.segments[i];
        ok = settle(&x, q->ascending ? s->first_id : s->last_id, err) && (x.stopped || visit(&x, s, err));
    }
    if (ok && !x.stopped)
        ok = settle(&x, q->ascending ? UINT64_MAX : 0, err);
    if (ok && !x.stopped)
        ok = show_ids(&x, err);
    finder_clear(&x.finder);
    free(x.segments);
    free(x.hits);
    return ok;
}
