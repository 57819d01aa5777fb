#include <signal.h>

#include "base/map.h"
#include "cli/logs/logs.h"

/* Rows commit out of the order of their ids, and a call's row comes when it is answered (or, open, after a second): the
 * last seconds are read again and again, each call is shown once, when it is answered. One that is open longer than
 * that is asked for by its id. */

enum { LOOK_EVERY_MS = 200, FIRST_ROWS = 10, FOLLOWED_TAIL = 10, FOLLOWED_MAX = 100000 };
#define LOOK_BACK SECONDS(5)

enum seen { SEEN_NOT, SEEN_OPEN, SEEN_SHOWN };

struct following {
    struct logs *l;
    struct map   seen;   /* id -> enum seen */
    struct query narrow; /* for one call: with the filters on its messages */
    bool         matches;
};

static volatile sig_atomic_t interrupted;

static void
on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static bool
note_match(const struct exchange_view *x, void *arg)
{
    (void)x;
    ((struct following *)arg)->matches = true;
    return false;
}

/* An answered call that passes the cheap filters: do its messages pass theirs? */
static bool
matches(struct following *f, const struct exchange_view *x)
{
    struct query q = f->narrow;

    if (q.errors_only && !exchange_failed(x))
        return false;
    if (q.word_count == 0 && q.contains_count == 0 && !q.errors_only)
        return true;
    q.after_id  = x->id - 1;
    q.before_id = x->id + 1;
    f->matches  = false;
    query_run(f->l->inner, &q, note_match, f, NULL);
    return f->matches;
}

static bool
look(const struct exchange_view *x, void *arg)
{
    struct following *f    = arg;
    enum seen        *seen = map_get_or_add(&f->seen, MAP_KEY_U64(x->id));

    if (seen == NULL || *seen == SEEN_SHOWN)
        return seen != NULL;
    *seen = x->outcome == OUTCOME_OPEN ? SEEN_OPEN : SEEN_SHOWN;
    if (*seen == SEEN_SHOWN && matches(f, x))
        f->l->broken = f->l->is_json ? !logs_json_line(f->l, x) : !logs_row(f->l, x);
    return !f->l->broken;
}

enum { OLD_AT_ONCE = 256 };

struct old_ones {
    uint64_t  before;
    enum seen state;
    uint64_t  ids[OLD_AT_ONCE];
    size_t    count;
};

static bool
find_old(struct str key, void *value, void *arg)
{
    struct old_ones *old = arg;
    uint64_t         id;

    memcpy(&id, key.data, sizeof id);
    if (id < old->before && *(enum seen *)value == old->state)
        old->ids[old->count++] = id;
    return old->count < OLD_AT_ONCE;
}

/* Calls that are older than what is read again: shown ones are forgotten, open ones asked for. */
static void
look_at_old(struct following *f, uint64_t before)
{
    struct old_ones shown = {.before = before, .state = SEEN_SHOWN}, open = {.before = before, .state = SEEN_OPEN};

    map_each(&f->seen, find_old, &shown);
    for (size_t i = 0; i < shown.count; i++)
        map_remove(&f->seen, MAP_KEY_U64(shown.ids[i]));
    map_each(&f->seen, find_old, &open);
    for (size_t i = 0; i < open.count && !f->l->broken; i++) {
        struct error err = {0};
        if (!reader_exchange(f->l->reader, open.ids[i], look, f, &err) && err.code == ERROR_NOT_FOUND)
            map_remove(&f->seen, MAP_KEY_U64(open.ids[i])); /* deleted meanwhile */
    }
}

static bool
look_once(struct following *f, wall_time from, struct error *err)
{
    struct logs *l = f->l;
    struct query q = l->query;

    q.errors_only = false;
    q.word_count = q.contains_count = 0;
    q.limit                         = 0;
    q.ascending                     = true;
    q.after                         = from;
    if (!query_run(l->reader, &q, look, f, err) && !l->broken)
        return false;
    look_at_old(f, (uint64_t)from << 10);
    if (!l->broken && l->is_json)
        l->broken = !cli_put(l->cli, &l->out);
    else if (!l->broken && (buffer_len(&l->grid.cells) > 0 || !l->grid.has_head))
        l->broken = !logs_flush_rows(l);
    return true;
}

static void
nap(void)
{
    struct timespec t = {.tv_nsec = LOOK_EVERY_MS * 1000000L};

    nanosleep(&t, NULL);
}

/* Waits until there is a database. */
static bool
open_readers(struct logs *l, const char *path, struct error *err)
{
    bool said = false;

    while (!interrupted) {
        l->reader = reader_open(path, err);
        l->inner  = l->reader == NULL ? NULL : reader_open(path, err);
        if (l->inner != NULL)
            return true;
        reader_close(l->reader);
        l->reader = NULL;
        if (err->code != ERROR_NOT_FOUND)
            return false;
        if (!said && !l->is_json)
            fprintf(l->cli->err, "No call was recorded yet; waiting for the first.\n");
        said = true;
        nap();
    }
    return false;
}

static bool
note_first(const struct exchange_view *x, void *arg)
{
    *(wall_time *)arg = x->at;
    return true;
}

int
logs_follow(struct logs *l, const char *path)
{
    struct following f   = {.l = l, .seen = MAP_OF(enum seen, FOLLOWED_MAX), .narrow = l->query};
    struct error     err = {0};
    struct sigaction old, act = {.sa_handler = on_interrupt};

    interrupted = 0;
    sigaction(SIGINT, &act, &old);
    logs_begin_rows(l);
    if (l->cli->is_terminal)
        l->tail = FOLLOWED_TAIL;
    bool ok = open_readers(l, path, &err);
    if (ok) {
        wall_time    from = clock_wall();
        struct query last = l->query;
        last.limit        = args_value(&l->cli->args, "limit").data != NULL ? l->query.limit : FIRST_ROWS;
        ok = (last.limit == 0 && l->query.after != 0) || query_run(l->reader, &last, note_first, &from, &err);
        from--;
        while (ok && !interrupted && !l->broken) {
            l->now = clock_wall();
            ok     = look_once(&f, from, &err);
            from   = l->now - LOOK_BACK > l->query.after ? l->now - LOOK_BACK : l->query.after;
            if (ok && !l->broken)
                nap();
        }
    }
    sigaction(SIGINT, &old, NULL);
    map_clear(&f.seen);
    if (interrupted)
        return EXIT_INTERRUPTED;
    return ok ? EXIT_DONE : cli_fail(l->cli, &err);
}
