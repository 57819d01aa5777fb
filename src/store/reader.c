#include "store/reader.h"

#include <sys/stat.h>

static const struct {
    size_t      at; /* of struct reader */
    const char *sql;
} statements[] = {
    {offsetof(struct reader, find_block),
     "SELECT id, last, first_id, last_id, raw, parts FROM block WHERE id <= ?1 AND id >= ?1 >> 40 << 40"
     " ORDER BY id DESC LIMIT 1"},
    {offsetof(struct reader, find_tail),
     "SELECT id, last, first_id, last_id, 0, 1 FROM tail WHERE id <= ?1 AND id >= ?1 >> 40 << 40"
     " ORDER BY id DESC LIMIT 1"},
    {offsetof(struct reader, body), "SELECT body FROM block_body WHERE id = ?1"},
    {offsetof(struct reader, words), "SELECT words FROM block_words WHERE id = ?1"},
    {offsetof(struct reader, tail_body), "SELECT body FROM tail WHERE id = ?1"},
};

static bool
prepare_all(struct reader *r, struct error *err)
{
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        sqlite3_stmt *s = db_prepare(r->db, statements[i].sql, err);
        if (s == NULL)
            return false;
        memcpy((char *)r + statements[i].at, &s, sizeof s);
    }
    return true;
}

struct reader *
reader_open(const char *path, struct error *err)
{
    struct reader *r = calloc(1, sizeof *r);

    if (r == NULL || (r->path = strdup(path)) == NULL || (r->packer = packer_new()) == NULL ||
        (r->arena = arena_new(KIB(64), MIB(64))) == NULL) {
        error_set(err, ERROR_MEMORY, "no memory");
        reader_close(r);
        return NULL;
    }
    r->run.max    = MIB(4);
    r->joined.max = MIB(128);
    r->db         = db_open(path, DB_READ, err);
    if (r->db == NULL || !db_is_current(r->db, path, err) || !prepare_all(r, err)) {
        reader_close(r);
        return NULL;
    }
    return r;
}

void
reader_close(struct reader *r)
{
    if (r == NULL)
        return;
    db_close(r->db);
    packer_free(r->packer);
    if (r->arena != NULL)
        arena_free(r->arena);
    buffer_clear(&r->run);
    buffer_clear(&r->joined);
    free(r->path);
    free(r);
}

/* Where a slice of `rows` rows ends, seen from `from`: the id beyond its last row; `end` when fewer are left. */
static bool
slice_end(struct reader *r, int64_t after, int64_t before, bool ascending, int rows, int64_t *end, struct error *err)
{
    char sql[200];

    snprintf(sql, sizeof sql,
             "SELECT id FROM exchange_row WHERE id > %lld AND id < %lld ORDER BY id %s LIMIT 1 OFFSET %d",
             (long long)after, (long long)before, ascending ? "" : "DESC", rows);
    return db_number(r->db, sql, ascending ? before : after, end, err);
}

bool
reader_slices(struct reader *r, int64_t after, int64_t before, bool ascending, slice_step *step, void *arg,
              struct error *err)
{
    int  rows = SLICE_FIRST;
    bool stop = false;

    while (!stop && before > after && before - after > 1) {
        int64_t end;
        if (!slice_end(r, after, before, ascending, rows, &end, err))
            return false;
        bool whole = end == (ascending ? before : after);
        if (ascending ? !step(r, after, end, &stop, arg, err) : !step(r, end, before, &stop, arg, err))
            return false;
        if (whole)
            return true;
        if (ascending)
            after = end - 1;
        else
            before = end + 1;
        rows = rows * 4 < SLICE_MAX ? rows * 4 : SLICE_MAX;
    }
    return true;
}

struct segment
segment_of(sqlite3_stmt *row)
{
    return (struct segment){
        .id       = sqlite3_column_int64(row, 0),
        .last     = sqlite3_column_int64(row, 1),
        .first_id = (uint64_t)sqlite3_column_int64(row, 2),
        .last_id  = (uint64_t)sqlite3_column_int64(row, 3),
        .raw      = (size_t)sqlite3_column_int64(row, 4),
        .parts    = sqlite3_column_int(row, 5) != 0,
    };
}

static int
read_segment(sqlite3_stmt *s, int64_t entry, struct segment *out, struct error *err)
{
    sqlite3_bind_int64(s, 1, entry);
    int got = db_row(s, err);
    if (got <= 0)
        return got;
    *out = segment_of(s);
    sqlite3_reset(s);
    return out->last >= (entry & ((1LL << STREAM_SHIFT) - 1));
}

int
reader_find_segment(struct reader *r, int64_t entry, struct segment *out, struct error *err)
{
    int got = read_segment(r->find_block, entry, out, err);

    if (got == 0)
        got = read_segment(r->find_tail, entry, out, err);
    if (got == 0)
        got = read_segment(r->find_block, entry, out, err); /* rolled between the two */
    return got;
}

int
reader_load(struct reader *r, const struct segment *s, struct error *err)
{
    sqlite3_stmt *body = s->raw > 0 ? r->body : r->tail_body;
    bool          ok;

    if (s->raw > 0 && r->loaded == s->id)
        return 1; /* neighbours in time lie in one block, and a block never changes */
    r->loaded = 0;
    sqlite3_bind_int64(body, 1, s->id);
    int got = db_row(body, err);
    if (got <= 0)
        return got;
    if (s->raw > 0) {
        ok = block_unpack(r->packer, db_blob(body, 0), s->raw, &r->run, err);
    } else {
        buffer_reset(&r->run);
        ok = buffer_append(&r->run, db_blob(body, 0)) || error_set(err, ERROR_MEMORY, "no memory for messages");
    }
    sqlite3_reset(body);
    if (ok && s->raw > 0)
        r->loaded = s->id;
    return ok ? 1 : -1;
}
