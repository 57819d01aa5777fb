/* The newest rows that fit are scored, CANDIDATES of them: a word that half of all snapshots hold would else have to be
 * counted in each. The best of these are read and shown. At 100,000 snapshots of 1.5 kB a search for words takes 1 to
 * 3 ms of a processor, whether they are rare or in all; one for a phrase, or the beginning, of words that are in all,
 * up to 12: FTS5 reads all of their places. */
#include "store/snapshots/search.h"

#include <stdlib.h>

#include "store/snapshots/row.h"

enum { CANDIDATES = 1000, LIMIT_MOST = 1000 };

enum search_column { SEARCH_ID, SEARCH_IMPORTANCE, SEARCH_CHANGED, SEARCH_FOUND };

struct candidate {
    int64_t      id;
    wall_time    changed;
    double       score;
    struct found found;
};

static int
best_first(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->changed != y->changed)
        return x->changed > y->changed ? -1 : 1;
    return x->id > y->id ? -1 : 1;
}

/* An importance of 5 is worth a fifth more than the usual, one of 1 a fifth less. */
static double
weighted(double score, int importance)
{
    return score * (1 + 0.1 * (importance - SNAPSHOT_IMPORTANCE));
}

static sqlite3_stmt *
statement_for(struct snapshot_db *db, struct str expression, unsigned narrowing, const struct snapshot_filter *f,
              struct error *err)
{
    sqlite3_stmt *s = handle_statement(db, SEARCH, err);

    if (s == NULL)
        return NULL;
    db_bind_str(s, 1, expression);
    sqlite3_bind_int(s, 2, (int)narrowing);
    sqlite3_bind_int(s, 3, f->from_bin);
    sqlite3_bind_int64(s, 4, f->since == 0 ? INT64_MIN : f->since);
    db_bind_str(s, 5, f->name);
    db_bind_str(s, 6, f->project);
    db_bind_str(s, 7, f->tag);
    db_bind_str(s, 8, f->name_begins);
    sqlite3_bind_int64(s, 9, f->before);
    sqlite3_bind_int64(s, 10, f->before_id);
    return s;
}

static bool
read_candidates(struct snapshot_db *db, sqlite3_stmt *s, struct candidate *all, size_t *count, struct error *err)
{
    int got = 1;

    while (*count < CANDIDATES && (got = handle_row(db, s, err)) > 0) {
        struct candidate *next  = &all[*count];
        struct str        found = db_blob(s, SEARCH_FOUND);
        if (found.len != sizeof next->found)
            return error_set(err, ERROR_MEMORY, "no memory for what the search finds");
        memcpy(&next->found, found.data, sizeof next->found);
        next->id      = sqlite3_column_int64(s, SEARCH_ID);
        next->changed = sqlite3_column_int64(s, SEARCH_CHANGED);
        next->score   = weighted(next->found.score, sqlite3_column_int(s, SEARCH_IMPORTANCE));
        ++*count;
    }
    return got >= 0;
}

/* The text that was found in. Good until `db` reads the next row. */
static struct str
text_of(const struct snapshot *s, enum found_column column, struct str tags)
{
    const struct str texts[FOUND_COLUMNS] = {
        [FOUND_NAME] = s->text.name,       [FOUND_PROJECT] = s->text.project, [FOUND_TAGS] = tags,
        [FOUND_SUMMARY] = s->text.summary, [FOUND_CONTEXT] = s->text.context, [FOUND_NEXT_STEPS] = s->text.next_steps,
    };

    return texts[column];
}

static bool
is_at_row(struct snapshot_db *db, sqlite3_stmt *s, struct error *err)
{
    int got = handle_row(db, s, err);

    return got > 0 ||
           (got == 0 && error_set(err, ERROR_INVALID, "the index of words knows a snapshot that is not there"));
}

static bool
read_hit(struct snapshot_db *db, const struct candidate *c, struct arena *a, struct snapshot_hit *out,
         struct error *err)
{
    sqlite3_stmt *row = handle_statement(db, LOAD_ID, err), *context = handle_statement(db, LOAD_LONG, err);
    struct str    text;

    if (row == NULL || context == NULL)
        return false;
    sqlite3_bind_int64(row, 1, c->id);
    sqlite3_bind_int64(context, 1, c->id);
    bool ok = is_at_row(db, row, err) && row_read(row, a, &out->snapshot, err) &&
              (c->found.column != FOUND_CONTEXT || is_at_row(db, context, err));
    if (ok) {
        text = c->found.column == FOUND_CONTEXT ? db_str(context, 0)
                                                : text_of(&out->snapshot, c->found.column, db_str(row, COLUMN_TAGS));
        ok   = excerpt_write(db->tokens, text, &c->found, a, &out->excerpt, err);
    }
    out->score = c->score;
    sqlite3_reset(context);
    sqlite3_reset(row);
    return ok;
}

/* While the statement of the search is not reset, all that is read is of the same moment. */
static bool
run(struct snapshot_db *db, sqlite3_stmt *s, size_t limit, struct arena *a, struct snapshot_hit **hits, size_t *count,
    struct error *err)
{
    struct candidate *all   = malloc(CANDIDATES * sizeof *all);
    size_t            found = 0;
    bool              ok    = all != NULL || error_set(err, ERROR_MEMORY, "no memory for what the search finds");

    ok = ok && read_candidates(db, s, all, &found, err);
    if (ok)
        qsort(all, found, sizeof *all, best_first);
    found = found < limit ? found : limit;
    *hits = ok ? arena_alloc(a, (found == 0 ? 1 : found) * sizeof **hits) : NULL;
    if (ok && *hits == NULL)
        ok = error_set(err, ERROR_MEMORY, "no memory for what the search finds");
    for (; ok && *count < found; *count += ok)
        ok = read_hit(db, &all[*count], a, &(*hits)[*count], err);
    free(all);
    return ok;
}

bool
snapshot_search(struct snapshot_db *db, struct str query, const struct snapshot_filter *filter, struct arena *a,
                struct snapshot_hit **hits, size_t *count, struct error *err)
{
    struct buffer expression = {.max = MIB(1)};
    size_t        limit      = filter->limit < 1 ? 1 : filter->limit > LIMIT_MOST ? LIMIT_MOST : filter->limit;
    unsigned      narrowing;
    sqlite3_stmt *s = NULL;

    *hits  = NULL;
    *count = 0;
    if (handle_look(db, err) && asked_read(db->tokens, query, filter, &expression, &narrowing, err))
        s = statement_for(db, buffer_str(&expression), narrowing, filter, err);
    bool ok = s != NULL && run(db, s, limit, a, hits, count, err);
    if (s != NULL)
        sqlite3_reset(s);
    buffer_clear(&expression);
    return ok;
}
