/* What the server of WhenMoon-afk left: one table, `snapshots`, which its versions differ in by a column. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.h"
#include "store/snapshots/backup.h"
#include "store/snapshots/care.h"
#include "store/snapshots/clean.h"
#include "store/snapshots/handle.h"

enum { ROWS_MOST = 1000000, TURN = 64 };

/* Its columns, in the order that we ask for. */
enum old { OLD_ID, OLD_NAME, OLD_SUMMARY, OLD_CONTEXT, OLD_NEXT_STEPS, OLD_CREATED_AT, OLD_PROMPT, OLD_COLUMNS };

static const struct {
    const char *name;
    bool        is_optional;
} columns[OLD_COLUMNS] = {
    [OLD_ID]         = {"id", false},
    [OLD_NAME]       = {"name", true},
    [OLD_SUMMARY]    = {"summary", false},
    [OLD_CONTEXT]    = {"context", false},
    [OLD_NEXT_STEPS] = {"next_steps", true},
    [OLD_CREATED_AT] = {"created_at", true},
    [OLD_PROMPT]     = {"continuation_prompt", true}, /* since 1.1.0 */
};

struct import {
    sqlite3                *from;
    struct snapshot_db     *to;
    const char             *path;
    struct arena           *a;
    struct snapshot_import *out;
    unsigned                in_turn;
};

/* A table and nothing that computes: a view or a generated column of a stranger's file may do so for ever. */
static bool
find_columns(sqlite3 *db, bool found[OLD_COLUMNS], struct error *err)
{
    static const char sql[] =
        "SELECT x.name FROM pragma_table_list('snapshots') AS t, pragma_table_xinfo('snapshots') AS x"
        " WHERE t.schema = 'main' AND t.type = 'table' AND t.wr = 0 AND x.hidden = 0 LIMIT 1000";
    sqlite3_stmt *s    = NULL;
    int           code = sqlite3_prepare_v2(db, sql, -1, &s, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW) {
        struct str name = db_str(s, 0);
        for (int i = 0; i < OLD_COLUMNS; i++)
            found[i] |= str_eq_nocase(name, str_from(columns[i].name));
        code = SQLITE_OK;
    }
    bool ok = code == SQLITE_DONE || db_failed(db, err, "reading it");
    sqlite3_finalize(s);
    for (int i = 0; ok && i < OLD_COLUMNS; i++)
        if (!found[i] && !columns[i].is_optional)
            ok = error_set(err, ERROR_INVALID,
                           "it is not a database of snapshot-mcp-server: no table snapshots with %s", columns[i].name);
    return ok;
}

static sqlite3_stmt *
select_rows(sqlite3 *db, struct error *err)
{
    bool          found[OLD_COLUMNS] = {false};
    struct buffer sql                = {.max = KIB(4)};
    sqlite3_stmt *s                  = NULL;
    bool          ok                 = find_columns(db, found, err);

    for (int i = 0; ok && i < OLD_COLUMNS; i++)
        ok = buffer_printf(&sql, "%s%s", i == 0 ? "SELECT " : ", ", found[i] ? columns[i].name : "NULL");
    ok = ok && buffer_printf(&sql, " FROM snapshots NOT INDEXED WHERE rowid > ?1 ORDER BY rowid") &&
         buffer_append_char(&sql, '\0');
    if (ok && sqlite3_prepare_v2(db, sql.data + sql.from, -1, &s, NULL) != SQLITE_OK)
        db_failed(db, err, "reading it");
    else if (!ok && err->code == ERROR_NONE)
        error_set(err, ERROR_MEMORY, "no memory to read it");
    buffer_clear(&sql);
    return s;
}

/* Its time is datetime('now'): UTC, "2025-11-20 10:00:00". */
static wall_time
read_time(struct str text)
{
    char      iso[40];
    wall_time t;

    if (text.len == 19 && text.data[10] == ' ') {
        snprintf(iso, sizeof iso, "%.10sT%.8sZ", text.data, text.data + 11);
        text = str_from(iso);
    }
    return time_parse_iso(text, &t) && t > 0 ? t : clock_wall();
}

static bool
read_text(struct import *m, sqlite3_stmt *s, enum old column, struct str *out, struct error *err)
{
    if (sqlite3_column_type(s, column) == SQLITE_BLOB)
        return error_set(err, ERROR_INVALID, "its %s is not text", columns[column].name);
    struct str text = db_str(s, column);
    *out            = text.len == 0 ? STR_NONE : text_clean(text, m->a);
    return text.len == 0 || out->data != NULL ||
           error_set(err, ERROR_MEMORY, "no memory for its %s", columns[column].name);
}

static bool
read_row(struct import *m, sqlite3_stmt *s, struct snapshot *out, struct error *err)
{
    struct str created = STR_NONE;

    *out = (struct snapshot){.version = 1, .text.importance = SNAPSHOT_IMPORTANCE};
    if (sqlite3_column_type(s, OLD_ID) != SQLITE_INTEGER || sqlite3_column_int64(s, OLD_ID) <= 0)
        return error_set(err, ERROR_INVALID, "its id is not a number");
    out->id = sqlite3_column_int64(s, OLD_ID);
    if (!read_text(m, s, OLD_NAME, &out->text.name, err) || !read_text(m, s, OLD_SUMMARY, &out->text.summary, err) ||
        !read_text(m, s, OLD_CONTEXT, &out->text.context, err) ||
        !read_text(m, s, OLD_NEXT_STEPS, &out->text.next_steps, err) ||
        !read_text(m, s, OLD_CREATED_AT, &created, err) || !read_text(m, s, OLD_PROMPT, &out->text.prompt, err))
        return false;
    out->created       = read_time(created);
    out->changed       = out->created;
    out->origin.server = STR("snapshot-mcp-server");
    /* The time too: another file may lie there one day, and begin at 1 again. */
    struct str source  = arena_printf(m->a, "%s#%lld %.*s", m->path, (long long)out->id, STR_ARG(created));
    out->origin.source = text_clean(source, m->a);
    return out->origin.source.len > 0 ||
           error_set(err, ERROR_MEMORY, "no memory for snapshot %lld", (long long)out->id);
}

static void
refuse(struct import *m, int64_t id, const struct error *err)
{
    if (m->out->refused++ == 0)
        snprintf(m->out->why, sizeof m->out->why, "snapshot %lld: %.200s", (long long)id, err->text);
}

/* The turns are short, for others write meanwhile. */
static bool
turn(struct import *m, struct error *err)
{
    if (m->in_turn > 0 && m->in_turn < TURN) {
        m->in_turn++;
        return true;
    }
    bool ok    = m->in_turn == 0 || snapshot_db_commit(m->to, err);
    m->in_turn = 0;
    if (!ok || !snapshot_db_begin(m->to, err))
        return false;
    m->in_turn = 1;
    return true;
}

/* A step with the source of a row, inside the turn: 1 when a row came or changed, 0 when none did, -1. */
static int
ask(struct import *m, enum statement which, struct str source, struct error *err)
{
    sqlite3_stmt *s = handle_statement(m->to, which, err);

    if (s == NULL)
        return -1;
    db_bind_str(s, 1, source);
    int got = handle_row(m->to, s, err);
    sqlite3_reset(s);
    return got;
}

/* In the bin, or out of it for good: what was taken once is not taken again. */
static bool
put(struct import *m, const struct snapshot *row, struct error *err)
{
    int64_t id  = 0;
    int     had = ask(m, FIND_IMPORTED, row->origin.source, err);

    if (had < 0 || (had == 0 && !snapshot_put(m->to, row, &id, err)))
        return false;
    m->out->taken += id != 0;
    m->out->had += id == 0;
    return had > 0 || ask(m, ADD_IMPORTED, row->origin.source, err) >= 0;
}

/* False: the import ends here; what is wrong with one row is not why. */
static bool
take_row(struct import *m, sqlite3_stmt *s, struct error *err)
{
    struct snapshot row;
    struct error    why = {0};

    arena_reset(m->a);
    bool ok = read_row(m, s, &row, &why);
    if (ok && !turn(m, err))
        return false;
    if (ok && put(m, &row, &why))
        return true;
    if (why.code != ERROR_INVALID && why.code != ERROR_TOO_LARGE) {
        *err = why;
        return false;
    }
    refuse(m, sqlite3_column_int64(s, OLD_ID), &why);
    return true;
}

/* In a tree that leads in circles a row comes again: what does not go up is the end. */
static bool
take_rows(struct import *m, struct error *err)
{
    sqlite3_stmt *s    = select_rows(m->from, err);
    int64_t       last = 0;
    bool          ok   = s != NULL;
    int           code = SQLITE_DONE;

    if (ok)
        sqlite3_bind_int64(s, 1, 0);
    for (int rows = 0; ok && rows < ROWS_MOST && (code = sqlite3_step(s)) == SQLITE_ROW; rows++) {
        int64_t id = sqlite3_column_int64(s, OLD_ID);
        if (id <= last) {
            code = SQLITE_CORRUPT;
            break;
        }
        last = id;
        ok   = take_row(m, s, err);
    }
    if (ok && code != SQLITE_DONE) {
        struct error why = {0};
        error_set(&why, ERROR_INVALID, "nothing is read behind it: %s",
                  code == SQLITE_ROW ? "these are too many" : sqlite3_errstr(code));
        refuse(m, last, &why);
    }
    sqlite3_finalize(s);
    if (m->in_turn > 0) /* also when it ends early: what was taken is taken */
        ok = snapshot_db_commit(m->to, ok ? err : NULL) && ok;
    return ok;
}

bool
snapshot_import_old(struct snapshot_db *db, const char *from, struct snapshot_import *out, struct error *err)
{
    char          copy[64] = "";
    struct import m        = {.to = db, .path = from, .out = out, .a = arena_new(KIB(64), MIB(512))};

    *out = (struct snapshot_import){0};
    if (is_same_file(db->place.path, from)) { /* to open it in another way would let go of its locks */
        arena_free(m.a);
        return error_set(err, ERROR_INVALID, "%s is the database itself", from);
    }
    m.from  = database_open_foreign(from, true, copy, err);
    bool ok = m.from != NULL && (m.a != NULL || error_set(err, ERROR_MEMORY, "no memory")) && take_rows(&m, err);
    database_close_foreign(m.from, copy);
    arena_free(m.a);
    if (!ok)
        error_wrap(err, "reading the old snapshots in %s", from);
    return ok;
}

/* --- where they may lie --- */

enum { PLACES_MOST = 3 };

struct places {
    const char **items;
    size_t       count;
    struct stat  seen[PLACES_MOST];
};

/* A file that is there, once: by its real path, which does not change with the links to it. */
static bool
add_place(struct places *p, struct arena *a, struct str path)
{
    char *name = arena_cstr(a, path), real[PATH_MAX];

    if (name == NULL)
        return false;
    if (realpath(name, real) == NULL || stat(real, &p->seen[p->count]) != 0 || !S_ISREG(p->seen[p->count].st_mode))
        return true;
    for (size_t i = 0; i < p->count; i++)
        if (p->seen[i].st_ino == p->seen[p->count].st_ino && p->seen[i].st_dev == p->seen[p->count].st_dev)
            return true;
    p->items[p->count] = arena_cstr(a, str_from(real));
    return p->items[p->count++] != NULL;
}

bool
snapshot_old_places(char *const *environment, struct arena *a, const char ***out, size_t *count)
{
    const char   *named = environment_get(environment, STR("SNAPSHOT_DB_PATH"));
    const char   *home  = environment_get(environment, STR("HOME"));
    const char   *data  = environment_get(environment, STR("XDG_DATA_HOME"));
    struct places p     = {.items = arena_alloc(a, PLACES_MOST * sizeof *p.items)};
    bool          ok    = p.items != NULL;

    if (named != NULL && named[0] != '\0')
        ok = ok && add_place(&p, a, str_from(named));
    if (home != NULL && home[0] == '/')
        ok = ok && add_place(&p, a, arena_printf(a, "%s/.claude-snapshots/snapshots.db", home));
    if (data != NULL && data[0] == '/') /* others are to be ignored: XDG Base Directory Specification */
        ok = ok && add_place(&p, a, arena_printf(a, "%s/claude-snapshots/snapshots.db", data));
    else if (home != NULL && home[0] == '/')
        ok = ok && add_place(&p, a, arena_printf(a, "%s/.local/share/claude-snapshots/snapshots.db", home));
    *out   = p.items;
    *count = p.count;
    return ok;
}
