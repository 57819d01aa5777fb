/* Old ones into the bin: the rows go by in the order of their ids, a window of them at a time.
 *
 * A rule that keeps N of a name counts what was saved since a row was last changed, for that is a range of an index: it
 * ends after N of them. The last N never go by it; one that was updated may stay beyond them until more are saved. What
 * displaced one displaces what is older still: so what goes first changes nothing for what is looked at next. */
#include "store/snapshots/row.h"

enum { WINDOW_IDS = 20000, COUNTED_AS_ONE = 100 };

struct slice {
    struct snapshot_db    *db;
    struct snapshot_sweep *sweep;
    wall_time              now;
    struct arena          *arena;
    struct snapshot_page  *page;
    int64_t                at; /* the last id that was looked at */
};

/* The next that is old enough, up to `last`. 1: in `id`, 0: none, -1: `err`. */
static int
next_old(struct slice *s, int64_t last, int64_t *id, struct error *err)
{
    wall_time     before = s->sweep->before;
    sqlite3_stmt *next   = handle_statement(s->db, NEXT_OLD, err);

    if (next == NULL)
        return -1;
    sqlite3_bind_int64(next, 1, s->at);
    sqlite3_bind_int64(next, 2, last);
    sqlite3_bind_int64(next, 3, before == 0 ? INT64_MAX : before);
    int got = handle_row(s->db, next, err);
    if (got <= 0)
        return got;
    *id = sqlite3_column_int64(next, 0);
    sqlite3_reset(next);
    return 1;
}

/* Whether any row is behind `id`: 1, 0 or -1; its id is one more than `id` is then. */
static int
skip_gap(struct slice *s, int64_t *id, struct error *err)
{
    sqlite3_stmt *next = handle_statement(s->db, NEXT_ID, err);

    if (next == NULL)
        return -1;
    sqlite3_bind_int64(next, 1, *id);
    int got = handle_row(s->db, next, err);
    if (got <= 0)
        return got;
    *id = sqlite3_column_int64(next, 0) - 1;
    sqlite3_reset(next);
    return 1;
}

static bool
read_row(struct slice *s, int64_t id, struct snapshot *out, struct error *err)
{
    sqlite3_stmt *row = handle_statement(s->db, LOAD_ID, err);

    if (row == NULL)
        return false;
    sqlite3_bind_int64(row, 1, id);
    int got = handle_row(s->db, row, err);
    if (got <= 0)
        return got < 0 ? false : error_set(err, ERROR_INVALID, "snapshot %lld is in an index only", (long long)id);
    bool ok = row_read(row, s->arena, out, err);
    sqlite3_reset(row);
    return ok;
}

/* Whether as many of its name and project as are kept were saved since. 1, 0 or -1. */
static int
is_beyond(struct slice *s, const struct snapshot *one, struct error *err)
{
    sqlite3_stmt *newer = handle_statement(s->db, COUNT_NEWER, err);

    if (newer == NULL)
        return -1;
    db_bind_str(newer, 1, one->text.name);
    db_bind_str(newer, 2, one->text.project);
    sqlite3_bind_int64(newer, 3, one->changed);
    sqlite3_bind_int64(newer, 4, one->id);
    sqlite3_bind_int64(newer, 5, s->sweep->keep);
    int got = handle_row(s->db, newer, err);
    if (got <= 0)
        return -1;
    bool is_full = sqlite3_column_int64(newer, 0) >= s->sweep->keep;
    sqlite3_reset(newer);
    return is_full;
}

/* It is old enough. 1: it goes, 0: it stays. */
static int
is_due(struct slice *s, const struct snapshot *one, struct error *err)
{
    const struct snapshot_sweep *sweep = s->sweep;

    if (sweep->project.len > 0 && !str_eq(one->text.project, sweep->project))
        return 0;
    if (one->text.name.len == 0)
        return sweep->before != 0;
    return sweep->keep == 0 ? 1 : is_beyond(s, one, err);
}

/* Looks at one. */
static bool
take(struct slice *s, int64_t id, struct error *err)
{
    struct snapshot *one = &s->page->items[s->page->count];

    if (!read_row(s, id, one, err))
        return false;
    int due = is_due(s, one, err);
    if (due < 0 || (due > 0 && !s->sweep->is_dry && !snapshot_delete(s->db, id, s->now, err)))
        return false;
    s->page->count += due > 0;
    return true;
}

/* Until `most` were old enough, fewer when much is counted for each, or a window is behind it. */
static bool
run(struct slice *s, size_t most, struct error *err)
{
    int64_t last = 0, id = 0;
    int     got;

    s->at = s->sweep->after;
    if ((got = skip_gap(s, &s->at, err)) <= 0)
        return got == 0;
    last = s->at > INT64_MAX - WINDOW_IDS ? INT64_MAX : s->at + WINDOW_IDS;
    for (size_t i = 0; i < most; i += 1 + s->sweep->keep / COUNTED_AS_ONE) {
        if ((got = next_old(s, last, &id, err)) < 0 || (got > 0 && !take(s, id, err)))
            return false;
        s->at = got > 0 ? id : last;
        if (got == 0)
            break;
    }
    int64_t next  = s->at;
    got           = skip_gap(s, &next, err);
    s->page->more = got > 0;
    return got >= 0;
}

bool
snapshot_prune(struct snapshot_db *db, struct snapshot_sweep *sweep, wall_time now, size_t most, struct arena *a,
               struct snapshot_page *out, struct error *err)
{
    struct slice  s = {.db = db, .sweep = sweep, .now = now, .arena = a, .page = out};
    struct change change;

    *out = (struct snapshot_page){0};
    if (sweep->before == 0 && sweep->keep == 0)
        return true;
    if ((out->items = arena_alloc(a, most * sizeof *out->items)) == NULL)
        return error_set(err, ERROR_MEMORY, "no memory for so many snapshots");
    if (sweep->is_dry ? !handle_look(db, err) || !run(&s, most, err)
                      : !change_begin(&change, db, err) || !change_end(&change, run(&s, most, err), err)) {
        *out = (struct snapshot_page){0};
        return false;
    }
    sweep->after = s.at;
    return true;
}
