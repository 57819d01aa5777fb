#include "store/reader.h"

enum { RANGES_MAX = 100000 };

struct range { /* entries that follow each other */
    int64_t first;
    int64_t count;
};

struct reading {
    struct reader *reader;
    uint64_t       id;
    bool (*each)(const struct message_view *m, void *arg);
    void               *arg;
    struct message_view message; /* its pieces are in reader->joined */
    bool                begun, stopped;
};

static void
show(struct reading *x)
{
    x->message.text = buffer_str(&x->reader->joined);
    if (x->begun && !x->stopped)
        x->stopped = !x->each(&x->message, x->arg);
    x->begun = false;
    buffer_reset(&x->reader->joined);
}

static bool
add_piece(struct reading *x, const struct piece *p, struct error *err)
{
    enum message_from from = (p->flags & PIECE_FROM_SERVER) != 0 ? FROM_SERVER : FROM_CLIENT;

    if (x->begun && ((p->flags & PIECE_CONTINUED) == 0 || from != x->message.from))
        show(x); /* its end was never captured */
    if (!x->begun)
        x->message = (struct message_view){.at = traffic_id_time(x->id) + p->after_us, .from = from};
    x->begun = true;
    if (!x->message.is_cut && !buffer_append(&x->reader->joined, p->text))
        return error_set(err, ERROR_TOO_LARGE, "a message is too large to be shown whole");
    x->message.is_cut |= (p->flags & PIECE_HOLE) != 0;
    if ((p->flags & PIECE_CONTINUES) == 0)
        show(x);
    return true;
}

/* The entries of the segment in r->run that are numbered from `from` to before `end`. */
static bool
show_segment(struct reading *x, const struct segment *s, int64_t from, int64_t end, struct error *err)
{
    struct str   run    = buffer_str(&x->reader->run);
    int64_t      number = s->id;
    struct entry e;
    struct piece p;

    for (; number < end && !x->stopped && entry_next(&run, &e); number++) {
        if (number < from || e.id != x->id)
            continue;
        while (!x->stopped && piece_next(&e.pieces, &p)) {
            if (!add_piece(x, &p, err))
                return false;
        }
    }
    return true;
}

static bool
show_range(struct reading *x, int64_t stream, struct range range, struct error *err)
{
    int64_t at  = stream << STREAM_SHIFT | range.first;
    int64_t end = at + range.count;

    while (at < end && !x->stopped) {
        struct segment s;
        int            got = reader_find_segment(x->reader, at, &s, err);
        if (got > 0)
            got = reader_load(x->reader, &s, err);
        if (got == 0 && reader_find_segment(x->reader, at, &s, err) > 0)
            got = reader_load(x->reader, &s, err); /* rolled meanwhile */
        if (got <= 0)
            return got == 0; /* forgotten */
        if (!show_segment(x, &s, at, end, err))
            return false;
        at = (stream << STREAM_SHIFT | s.last) + 1;
    }
    return true;
}

/* Where the messages of `id` lie; the array is the caller's to free. */
static bool
find_ranges(struct reader *r, uint64_t id, int64_t *stream, struct range **out, size_t *count, struct error *err)
{
    static const char sql[] =
        "SELECT s.id, e.sequence, e.entries FROM exchange_row e JOIN label l ON l.id = e.label JOIN stream s ON"
        " s.principal = l.principal AND s.slot = e.id & 1023 WHERE e.id = ?1 UNION ALL"
        " SELECT 0, sequence, entries FROM (SELECT sequence, entries FROM more WHERE exchange = ?1 ORDER BY sequence)";
    sqlite3_stmt *s   = db_prepare(r->db, sql, err);
    int           got = -1;

    *out   = NULL;
    *count = 0;
    if (s == NULL)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)id);
    while ((got = db_row(s, err)) > 0) {
        if (sqlite3_column_int64(s, 0) != 0)
            *stream = sqlite3_column_int64(s, 0);
        if (sqlite3_column_type(s, 1) == SQLITE_NULL)
            continue;
        if ((*count & (*count - 1)) == 0) { /* full at each power of two */
            struct range *more = realloc(*out, (*count == 0 ? 1 : *count * 2) * sizeof *more);
            if (more == NULL || *count >= RANGES_MAX) {
                free(more == NULL ? *out : more);
                *out = NULL;
                got  = error_set(err, ERROR_TOO_LARGE, "an exchange in too many parts") ? 0 : -1;
                break;
            }
            *out = more;
        }
        (*out)[(*count)++] = (struct range){sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2)};
    }
    sqlite3_finalize(s);
    return got == 0;
}

bool
reader_messages(struct reader *r, uint64_t id, bool (*each)(const struct message_view *m, void *arg), void *arg,
                struct error *err)
{
    struct reading x      = {.reader = r, .id = id, .each = each, .arg = arg};
    struct range  *ranges = NULL;
    int64_t        stream = 0;
    size_t         count;
    bool           ok = find_ranges(r, id, &stream, &ranges, &count, err);

    buffer_reset(&r->joined);
    for (size_t i = 0; ok && i < count && stream != 0 && !x.stopped; i++)
        ok = show_range(&x, stream, ranges[i], err);
    if (ok)
        show(&x);
    free(ranges);
    return ok;
}
