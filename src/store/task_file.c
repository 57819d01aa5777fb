#include "store/task_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "store/task_db.h"

#define AGAIN_AFTER SECONDS(1)

enum entry_kind { ENTRY_ADD, ENTRY_CHANGE, ENTRY_REMOVE };

/* One thing to write. Its row points into `text`. */
struct entry {
    struct list     node; /* on waiting or writing */
    enum entry_kind kind;
    struct task_row row;
    task_told       told; /* NULL: nobody waits */
    void           *owner;
    char            text[];
};

struct task_file {
    struct task_store store;
    struct loop      *loop;
    struct task_db   *db;      /* a worker's while is_writing */
    struct list       waiting; /* of struct entry, by node; oldest first */
    struct list       writing; /* what a worker has in hand */
    size_t            count;   /* on both */
    struct timer      again;
    bool              is_writing, is_closing;
    bool              is_kept; /* the worker's answer */
};

static void write_on(struct task_file *f);

static struct task_file *
file_of(struct task_store *store)
{
    return LIST_OF(struct task_file, store, store);
}

static struct entry *
entry_at(struct list *node)
{
    return LIST_OF(struct entry, node, node);
}

static void
copy(char **to, struct str *text)
{
    if (text->len == 0)
        return;
    memcpy(*to, text->data, text->len);
    text->data = *to;
    *to += text->len;
}

static struct entry *
entry_new(enum entry_kind kind, const struct task_row *row)
{
    size_t size =
        row->id.len + row->principal.len + row->service.len + row->status.len + row->outcome.len + row->questions.len;
    struct entry *e = malloc(sizeof *e + size);

    if (e == NULL)
        return NULL;
    *e       = (struct entry){.kind = kind, .row = *row};
    char *at = e->text;
    copy(&at, &e->row.id);
    copy(&at, &e->row.principal);
    copy(&at, &e->row.service);
    copy(&at, &e->row.status);
    copy(&at, &e->row.outcome);
    copy(&at, &e->row.questions);
    return e;
}

static void
entry_free(struct task_file *f, struct entry *e)
{
    list_remove(&e->node);
    f->count--;
    free(e);
}

/* --- on a worker --- */

static bool
write_entry(struct task_db *db, const struct entry *e, struct error *err)
{
    switch (e->kind) {
    case ENTRY_ADD:
        return task_db_add(db, &e->row, err);
    case ENTRY_CHANGE:
        return task_db_change(db, &e->row, err);
    default:
        return task_db_remove(db, e->row.id, err);
    }
}

static void
write_all(void *arg)
{
    struct task_file *f   = arg;
    struct error      err = {0}; /* what it says is for nobody: the tasks that are not kept say it */
    bool              ok  = task_db_begin(f->db, &err);

    LIST_EACH (struct entry, e, &f->writing, node)
        ok = ok && write_entry(f->db, e, &err);
    f->is_kept = ok && task_db_commit(f->db, &err);
    if (!f->is_kept)
        task_db_rollback(f->db);
}

/* --- on the network thread --- */

static void
destroy(struct task_file *f)
{
    list_splice(&f->writing, &f->waiting);
    for (struct list *node; (node = list_first(&f->writing)) != NULL;)
        entry_free(f, entry_at(node));
    loop_clear_timer(f->loop, &f->again);
    task_db_close(f->db);
    free(f);
}

/* What could not be written and must be goes before what came meanwhile. */
static void
take_back(struct task_file *f, struct entry *e)
{
    if (e->kind == ENTRY_ADD) {
        entry_free(f, e);
        return;
    }
    e->told = NULL;
    list_remove(&e->node);
    list_prepend(&f->waiting, &e->node);
}

static void
was_written(void *arg)
{
    struct task_file *f       = arg;
    bool              is_kept = f->is_kept;

    LIST_EACH (struct entry, e, &f->writing, node)
        if (e->told != NULL)
            e->told(e->owner, e->row.id, is_kept); /* may put more, which waits: is_writing */
    while (!list_is_empty(&f->writing)) {
        struct entry *last = entry_at(f->writing.prev);
        if (is_kept)
            entry_free(f, last);
        else
            take_back(f, last);
    }
    f->is_writing = false;
    if (f->is_closing && (!is_kept || list_is_empty(&f->waiting)))
        destroy(f);
    else if (is_kept)
        write_on(f);
    else if (!list_is_empty(&f->waiting))
        loop_set_timer(f->loop, &f->again, loop_now(f->loop) + AGAIN_AFTER);
}

static void
write_on(struct task_file *f)
{
    if (f->is_writing || list_is_empty(&f->waiting))
        return;
    loop_clear_timer(f->loop, &f->again);
    list_splice(&f->writing, &f->waiting);
    f->is_writing = loop_work(f->loop, write_all, was_written, f);
    if (f->is_writing)
        return;
    list_splice(&f->waiting, &f->writing);
    if (f->is_closing)
        destroy(f);
    else
        loop_set_timer(f->loop, &f->again, loop_now(f->loop) + AGAIN_AFTER);
}

static void
on_again(struct timer *again)
{
    write_on(LIST_OF(struct task_file, again, again));
}

static bool
file_load(struct task_store *store, struct str service, size_t most, task_taken take, void *owner, struct error *err)
{
    return task_db_load(file_of(store)->db, service, clock_wall(), most, take, owner, err);
}

static bool
give(struct task_file *f, struct entry *e)
{
    if (e == NULL)
        return false;
    list_append(&f->waiting, &e->node);
    f->count++;
    write_on(f);
    return true;
}

static bool
file_put(struct task_store *store, const struct task_row *row, bool is_new, task_told told, void *owner)
{
    struct task_file *f = file_of(store);

    if (is_new && f->count >= TASK_FILE_WAITING_MOST)
        return false;
    struct entry *e = entry_new(is_new ? ENTRY_ADD : ENTRY_CHANGE, row);
    if (e != NULL) {
        e->told  = told;
        e->owner = owner;
    }
    return give(f, e);
}

/* Without memory it stays until the file is opened next: it is over by then. */
static void
file_remove(struct task_store *store, struct str id)
{
    give(file_of(store), entry_new(ENTRY_REMOVE, &(struct task_row){.id = id}));
}

static void
file_leave(struct task_store *store, const void *owner)
{
    struct task_file *f       = file_of(store);
    struct list      *lists[] = {&f->waiting, &f->writing};

    for (size_t i = 0; i < 2; i++)
        LIST_EACH (struct entry, e, lists[i], node)
            if (e->owner == owner)
                e->told = NULL; /* a worker does not look at it */
}

static const struct task_store_ops file_ops = {file_load, file_put, file_remove, file_leave};

struct task_store *
task_file_open(struct loop *loop, const char *path, struct error *err)
{
    struct task_file *f = calloc(1, sizeof *f);

    if (f == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for %s", path);
        return NULL;
    }
    *f = (struct task_file){.store = {&file_ops}, .loop = loop, .db = task_db_open(path, clock_wall(), err)};
    if (f->db == NULL) {
        free(f);
        return NULL;
    }
    list_init(&f->waiting);
    list_init(&f->writing);
    timer_init(&f->again, on_again);
    return &f->store;
}

void
task_file_close(struct task_store *store)
{
    struct task_file *f = store == NULL ? NULL : file_of(store);

    if (f == NULL)
        return;
    f->is_closing = true;
    if (f->is_writing)
        return;
    if (list_is_empty(&f->waiting))
        destroy(f);
    else
        write_on(f); /* a loop that is cleared waits for its workers */
}
