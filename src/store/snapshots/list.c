/* The index of the narrowest condition gives rows in the order of the list; the rest of the filter looks at each. */
#include "store/snapshots/row.h"

enum { LIMIT_MOST = 1000 };

struct pages {
    struct snapshot_page *page;
    struct arena         *arena;
    size_t                room, limit;
};

static sqlite3_stmt *
statement_for(struct snapshot_db *db, const struct snapshot_filter *f, struct error *err)
{
    enum statement which = LIST_ALL;
    struct str     key   = STR_NONE;

    if (f->from_bin) {
        which = LIST_BIN;
    } else if (f->name.len > 0) {
        which = LIST_NAME;
        key   = f->name;
    } else if (f->tag.len > 0) {
        which = LIST_TAG;
        key   = f->tag;
    } else if (f->project.len > 0) {
        which = LIST_PROJECT;
        key   = f->project;
    }
    sqlite3_stmt *s = handle_statement(db, which, err);
    if (s == NULL)
        return NULL;
    sqlite3_bind_int64(s, 1, f->before == 0 ? INT64_MAX : f->before);
    sqlite3_bind_int64(s, 2, f->before_id);
    sqlite3_bind_int64(s, 3, f->since == 0 ? INT64_MIN : f->since);
    if (key.len > 0)
        db_bind_str(s, 4, key);
    return s;
}

static bool
has_tag(struct str tags, struct str wanted)
{
    struct str tag;

    while (str_cut(&tags, '\n', &tag))
        if (str_eq(tag, wanted))
            return true;
    return false;
}

static bool
is_wanted(sqlite3_stmt *s, const struct snapshot_filter *f)
{
    return (f->name.len == 0 || str_eq(db_str(s, COLUMN_NAME), f->name)) &&
           (f->name_begins.len == 0 || str_starts(db_str(s, COLUMN_NAME), f->name_begins)) &&
           (f->project.len == 0 || str_eq(db_str(s, COLUMN_PROJECT), f->project)) &&
           (f->tag.len == 0 || has_tag(db_str(s, COLUMN_TAGS), f->tag));
}

/* The next place; what grows is copied, the arena keeps both. */
static struct snapshot *
next_item(struct pages *p, struct error *err)
{
    struct snapshot_page *page = p->page;

    if (page->count == p->room) {
        size_t           room  = p->room == 0 ? 16 : p->room * 4;
        struct snapshot *grown = arena_alloc(p->arena, room * sizeof *grown);
        if (grown == NULL) {
            error_set(err, ERROR_MEMORY, "no memory for so many snapshots");
            return NULL;
        }
        if (page->count > 0)
            memcpy(grown, page->items, page->count * sizeof *grown);
        page->items = grown;
        p->room     = room;
    }
    return &page->items[page->count];
}

/* Reads rows until the page is full; `filter` may be NULL. */
static bool
read_page(struct snapshot_db *db, sqlite3_stmt *s, const struct snapshot_filter *filter, struct pages *p,
          struct error *err)
{
    int got;

    while ((got = handle_row(db, s, err)) > 0) {
        if (filter != NULL && !is_wanted(s, filter))
            continue;
        p->page->more = p->page->count == p->limit;
        if (p->page->more)
            break;
        struct snapshot *item = next_item(p, err);
        if (item == NULL || !row_read(s, p->arena, item, err) ||
            (filter != NULL && filter->whole && !row_read_long(db, p->arena, item, false, err))) {
            got = -1;
            break;
        }
        p->page->count++;
    }
    sqlite3_reset(s);
    return got >= 0;
}

bool
snapshot_list(struct snapshot_db *db, const struct snapshot_filter *filter, struct arena *a, struct snapshot_page *out,
              struct error *err)
{
    struct pages  p = {out, a, 0, filter->limit < 1 ? 1 : filter->limit > LIMIT_MOST ? LIMIT_MOST : filter->limit};
    sqlite3_stmt *s;

    *out = (struct snapshot_page){0};
    return handle_look(db, err) && (s = statement_for(db, filter, err)) != NULL && read_page(db, s, filter, &p, err);
}

bool
snapshot_versions(struct snapshot_db *db, int64_t id, struct arena *a, struct snapshot_page *out, struct error *err)
{
    struct pages  p = {out, a, 0, LIMIT_MOST};
    sqlite3_stmt *s;

    *out = (struct snapshot_page){0};
    if (!handle_look(db, err) || (s = handle_statement(db, LIST_VERSIONS, err)) == NULL)
        return false;
    sqlite3_bind_int64(s, 1, id);
    if (!read_page(db, s, NULL, &p, err))
        return false;
    for (size_t i = 1; i < out->count; i++)
        out->items[i].deleted = out->items[0].deleted;
    return out->count > 0 || error_set(err, ERROR_NOT_FOUND, "there is no snapshot %lld", (long long)id);
}
