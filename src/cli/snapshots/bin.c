#include "base/format.h"
#include "cli/snapshots/snapshots.h"

/* Into the bin, and out of it. */

enum { IDS_MOST = 1000 };

struct moving {
    struct memory *m;
    bool (*move)(struct memory *m, int64_t id, struct error *err);
    const char *done; /* "Deleted" */
    const char *key;  /* of --json */
    int64_t     ids[IDS_MOST];
    bool        moved[IDS_MOST];
    size_t      count, moved_count;
};

static bool
move_in(struct memory *m, int64_t id, struct error *err)
{
    return snapshot_delete(m->db, id, m->now, err);
}

static bool
move_out(struct memory *m, int64_t id, struct error *err)
{
    return snapshot_restore(m->db, id, err);
}

/* A name may be given to many: which one is meant, is said by its id. */
static int
explain_word(struct memory *m, const char *word)
{
    struct snapshot_which which = {.name = str_from(word)};
    struct snapshot       s;

    cli_refuse(m->cli, 0, "\"%s\" is no id: they are numbers, as list shows them", word);
    if (m->db != NULL && snapshot_load(m->db, &which, m->arena, &s, NULL))
        cli_hint(m->cli, "The newest of that name:  gatehouse snapshots delete %lld", (long long)s.id);
    return EXIT_TYPED_WRONG;
}

static int
read_ids(struct moving *v)
{
    const struct args *a = &v->m->cli->args;

    if (a->word_count > IDS_MOST)
        return cli_refuse(v->m->cli, EXIT_TYPED_WRONG, "at most %d at a time", IDS_MOST);
    for (v->count = 0; v->count < a->word_count; v->count++)
        if (!memory_is_id(str_from(a->words[v->count]), &v->ids[v->count]))
            return explain_word(v->m, a->words[v->count]);
    return EXIT_DONE;
}

/* All in one turn; those that are not there leave the others whole. */
static bool
move_all(struct moving *v, struct error *err)
{
    struct memory *m = v->m;

    if (!snapshot_db_begin(m->db, err))
        return false;
    for (size_t i = 0; i < v->count; i++) {
        v->moved[i] = v->move(m, v->ids[i], err);
        if (!v->moved[i] && err->code != ERROR_NOT_FOUND) {
            snapshot_db_rollback(m->db);
            return false;
        }
        v->moved_count += v->moved[i];
    }
    return snapshot_db_commit(m->db, err);
}

static bool
put_ids(struct moving *v, const char *before, const char *between)
{
    struct buffer *out   = &v->m->out;
    size_t         count = 0;
    bool           ok    = true;

    for (size_t i = 0; ok && i < v->count; i++)
        if (v->moved[i])
            ok = buffer_printf(out, "%s%s%lld", count++ == 0 ? "" : between, before, (long long)v->ids[i]);
    return ok;
}

static int
say_moved(struct moving *v)
{
    struct memory *m  = v->m;
    bool           ok = true;

    if (m->is_json)
        return memory_put(m, buffer_printf(&m->out, "{\"%s\":[", v->key) && put_ids(v, "", ",") &&
                                 buffer_append(&m->out, STR("]}\n")));
    if (v->moved_count == 0)
        return EXIT_DONE;
    ok = buffer_printf(&m->out, "%s %s", v->done, v->moved_count == 1 ? "snapshot " : "snapshots ") &&
         put_ids(v, "#", ", ") && buffer_append_char(&m->out, '\n');
    int code = memory_put(m, ok);
    if (code == EXIT_DONE && v->move == move_in && put_ids(v, "", " ")) {
        fprintf(m->cli->err, "In the bin for %d days.   Back: gatehouse snapshots restore %.*s\n", SNAPSHOT_BIN_DAYS,
                STR_ARG(buffer_str(&m->out)));
        buffer_reset(&m->out);
    }
    return code;
}

static int
move(struct moving *v)
{
    struct memory *m    = v->m;
    struct error   err  = {0};
    int            code = read_ids(v);

    if (code != EXIT_DONE)
        return code;
    if (m->db != NULL && !move_all(v, &err))
        return cli_fail(m->cli, &err);
    code = say_moved(v);
    for (size_t i = 0; i < v->count; i++)
        if (!v->moved[i])
            code = memory_no_id(m, v->ids[i]);
    return code;
}

static int
delete_some(struct memory *m)
{
    struct moving v = {.m = m, .move = move_in, .done = "Deleted", .key = "deleted"};

    return move(&v);
}

int
snapshots_delete(struct cli *cli)
{
    return memory_run(cli, MEMORY_LOOK, delete_some);
}

static int
restore_some(struct memory *m)
{
    struct moving v = {.m = m, .move = move_out, .done = "Restored", .key = "restored"};

    return move(&v);
}

/* An id is of the bin, anything else is a backup. */
int
snapshots_restore(struct cli *cli)
{
    int64_t id;

    if (memory_is_id(str_from(cli->args.words[0]), &id))
        return memory_run(cli, MEMORY_LOOK, restore_some);
    if (cli->args.word_count > 1)
        return cli_refuse(cli, EXIT_TYPED_WRONG, "one backup can be restored, or snapshots by their ids");
    return memory_run(cli, MEMORY_PATH, memory_restore_copy);
}
