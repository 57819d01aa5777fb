/* What could not be written. A record that is lost takes the rest of its exchange with it, and a row of it that was
 * written before is closed as cut with the next commit: what is in the database is whole, or says that it is not. */
#include "store/capture.h"

static struct open_exchange *
open_of(const struct writer *w, const struct record *r)
{
    return w->open.count == 0 ? NULL : map_get(&w->open, MAP_KEY_U64(r->id));
}

bool
writer_is_lost(const struct writer *w, const struct record *r)
{
    const struct open_exchange *x = open_of(w, r);

    return r->torn || (x != NULL && x->is_lost);
}

void
writer_lose(struct writer *w, const struct record *r)
{
    struct open_exchange *x = open_of(w, r);

    if (x == NULL && !r->facts.final) /* too many are open: then its last record may say less than it should */
        x = map_get_or_add(&w->open, MAP_KEY_U64(r->id));
    if (x == NULL)
        return;
    x->is_lost = true;
    if (r->facts.final && !x->is_over) {
        x->is_over = true;
        w->cut_count++;
    }
}

static bool
collect(struct str key, void *value, void *arg)
{
    const struct open_exchange *x = value;
    struct writer              *w = arg;

    if (x->is_lost && x->is_over)
        memcpy(&w->cutting[w->cutting_count++], key.data, sizeof w->cutting[0]);
    return w->cutting_count < CUT_AT_ONCE;
}

bool
writer_cut_rows(struct writer *w, struct error *err)
{
    char sql[200];

    w->cutting_count = 0;
    if (w->cut_count == 0)
        return true;
    map_each(&w->open, collect, w);
    for (size_t i = 0; i < w->cutting_count; i++) {
        long long id = (long long)w->cutting[i];
        snprintf(sql, sizeof sql,
                 "UPDATE exchange_row SET outcome = %d WHERE id = %lld AND outcome IS NULL;"
                 " DELETE FROM open WHERE id = %lld",
                 (int)OUTCOME_CUT, id, id);
        if (!db_exec(w->db, sql, err))
            return false;
    }
    return true;
}

void
writer_written(struct writer *w, const struct record *group)
{
    for (size_t i = 0; i < w->cutting_count; i++)
        map_remove(&w->open, MAP_KEY_U64(w->cutting[i]));
    w->cut_count -= w->cutting_count;
    w->cutting_count = 0;
    for (const struct record *r = group; r != NULL && w->open.count > 0; r = r->next) {
        if (r->facts.final && !r->lost)
            map_remove(&w->open, MAP_KEY_U64(r->id));
    }
}
