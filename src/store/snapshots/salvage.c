#include "store/snapshots/salvage.h"

#include "store/snapshots/clean.h"
#include "store/snapshots/handle.h"
#include "store/snapshots/recover.h"

enum { VERSIONS_MOST = 10000, TURN = 256, ID_MOST = 1 << 30 };
/* So many in a row that are not there: with the last id known, and without. */
enum { MISSES_MOST = 1000000, BLIND_MISSES_MOST = 10000 };

struct salvage {
    struct snapshot_db *from, *to;
    struct arena       *a;
    unsigned            in_turn;
    uint64_t            taken, changed;
};

/* What a damaged page says may be anything. */
static bool
is_sane(const struct snapshot *s)
{
    const struct snapshot_text   *t = &s->text;
    const struct snapshot_origin *o = &s->origin;
    const struct str texts[] = {t->name,   t->project, t->summary,        t->context, t->structured, t->next_steps,
                                t->prompt, o->client,  o->client_version, o->server,  o->source};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!text_is_clean(texts[i]))
            return false;
    for (size_t i = 0; i < t->tag_count; i++)
        if (!text_is_clean(t->tags[i]) || (i > 0 && str_compare(t->tags[i - 1], t->tags[i]) >= 0))
            return false;
    return s->version > 0 && s->created > 0 && s->changed >= s->created && s->deleted >= 0 && t->importance >= 1 &&
           t->importance <= SNAPSHOT_IMPORTANCE_MOST;
}

/* False: there is none, or it cannot be read. */
static bool
load(struct salvage *s, int64_t id, uint32_t version, struct snapshot *out)
{
    struct snapshot_which which = {.id = id, .version = version, .from_bin = true};
    struct error          why   = {0};

    return snapshot_load(s->from, &which, s->a, out, &why) && out->id == id && is_sane(out);
}

static bool
turn(struct salvage *s, struct error *err)
{
    if (s->in_turn > 0 && s->in_turn < TURN) {
        s->in_turn++;
        return true;
    }
    bool ok    = s->in_turn == 0 || snapshot_db_commit(s->to, err);
    s->in_turn = 1;
    return ok && snapshot_db_begin(s->to, err);
}

/* One version, when the other file has not got it. */
static bool
take_version(struct salvage *s, const struct snapshot *seen, struct error *err)
{
    struct snapshot_which which = {.id = seen->id, .from_bin = true};
    struct snapshot       there = {0}, out;
    int64_t               id    = 0;

    bool is_there = snapshot_load(s->to, &which, s->a, &there, err) && there.created == seen->created;
    if (is_there && there.version >= seen->version)
        return true;
    if (!turn(s, err))
        return false;
    if (!is_there) {
        bool ok = snapshot_put(s->to, seen, &id, err);
        s->taken += ok && id != 0;
        return ok;
    }
    s->changed++;
    return (there.deleted == 0 || snapshot_restore(s->to, seen->id, err)) &&
           snapshot_update(s->to, seen->id, &seen->text, &seen->origin, seen->changed, &out, err);
}

/* The bin is a state of its newest version. */
static bool
take_state(struct salvage *s, const struct snapshot *seen, struct error *err)
{
    struct snapshot_which which = {.id = seen->id, .from_bin = true};
    struct snapshot       there = {0};

    if (!snapshot_load(s->to, &which, s->a, &there, err) || there.created != seen->created ||
        (there.deleted != 0) == (seen->deleted != 0))
        return true;
    s->changed++;
    return turn(s, err) && (seen->deleted != 0 ? snapshot_delete(s->to, seen->id, seen->deleted, err)
                                               : snapshot_restore(s->to, seen->id, err));
}

/* All versions of one, the oldest first. */
static bool
take_one(struct salvage *s, int64_t id, struct error *err)
{
    struct snapshot newest, older;

    arena_reset(s->a);
    if (!load(s, id, 0, &newest))
        return false;
    for (uint32_t version = 1; version < newest.version && version < VERSIONS_MOST; version++)
        if (load(s, id, version, &older) && !take_version(s, &older, err))
            return false;
    return take_version(s, &newest, err) && take_state(s, &newest, err);
}

/* What the old server's were: else those that were deleted since would come again. */
static bool
take_imported(struct salvage *s, struct error *err)
{
    sqlite3_stmt *seen = db_prepare(s->from->sql, "SELECT source FROM imported", NULL);
    bool          ok   = true;

    while (ok && seen != NULL && sqlite3_step(seen) == SQLITE_ROW) {
        struct str source = db_str(seen, 0);
        if (source.len == 0 || !text_is_clean(source))
            continue;
        sqlite3_stmt *add = turn(s, err) ? handle_statement(s->to, ADD_IMPORTED, err) : NULL;
        if ((ok = add != NULL)) {
            db_bind_str(add, 1, source);
            ok = handle_run(s->to, add, err);
        }
    }
    sqlite3_finalize(seen);
    return ok;
}

static bool
is_hopeless(const struct error *err)
{
    return err->code == ERROR_FULL || err->code == ERROR_BUSY;
}

/* Each id finds its own way down the tree: what lies behind a damaged page is read all the same. */
static bool
take_all(struct salvage *s, struct error *err)
{
    struct error why      = {0};
    int64_t      last     = 0;
    bool         is_known = snapshot_salvage_last(s->from, &last);
    unsigned     misses = 0, most = is_known ? MISSES_MOST : BLIND_MISSES_MOST;

    for (int64_t id = 1; misses < most && (!is_known || id <= last); id++) {
        why    = (struct error){0};
        misses = take_one(s, id, &why) ? 0 : misses + 1;
        if (is_hopeless(&why)) {
            *err = why;
            return false;
        }
    }
    return take_imported(s, err) && (s->in_turn == 0 || snapshot_db_commit(s->to, err));
}

bool
snapshot_salvage_last(struct snapshot_db *from, int64_t *last)
{
    struct error why = {0};

    return snapshot_db_last_id(from, last, &why) && *last > 0 && *last < ID_MOST;
}

bool
snapshot_salvage(struct snapshot_db *from, struct snapshot_db *to, uint64_t *taken, uint64_t *changed,
                 struct error *err)
{
    struct salvage s = {.from = from, .to = to, .a = arena_new(KIB(256), MIB(512))};

    bool ok  = s.a == NULL ? error_set(err, ERROR_MEMORY, "no memory to read what is left") : take_all(&s, err);
    *taken   = s.taken;
    *changed = s.changed;
    arena_free(s.a);
    return ok;
}
