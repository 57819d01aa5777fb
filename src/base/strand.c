#include "base/strand.h"

static void take_turn(struct strand *s);

static struct strand_work *
work_at(struct list *node)
{
    return LIST_OF(struct strand_work, node, node);
}

/* --- on a worker --- */

/* What fails says why; and who says why has failed. */
static bool
ends_well(bool ok, struct error *err)
{
    if (ok)
        err->code = ERROR_NONE;
    else if (err->code == ERROR_NONE)
        error_set(err, ERROR_INTERNAL, "it failed without a word");
    return ok;
}

static void
run_turn(void *arg)
{
    struct strand *s = arg;

    if (s->begin != NULL && !ends_well(s->begin(s->owner, &s->err), &s->err))
        return;
    LIST_EACH (struct strand_work, w, &s->working, node)
        if (w->is_run)
            ends_well(w->work(w, &w->err), &w->err);
    if (s->end != NULL)
        ends_well(s->end(s->owner, &s->err), &s->err);
}

/* --- on the network thread --- */

static void
end_turn(void *arg)
{
    struct strand *s   = arg;
    struct error   err = s->err;
    struct list    ended;

    list_init(&ended);
    list_splice(&ended, &s->working);
    if (s->turned != NULL)
        s->turned(s->owner);
    s->is_busy = false;
    take_turn(s); /* first: what `done` starts comes behind what waits, and a worker has no pause */
    for (struct list *node; (node = list_first(&ended)) != NULL;) {
        struct strand_work *w = work_at(node);
        list_remove(node);
        s->count--;
        w->done(w, w->err.code == ERROR_NONE ? &err : &w->err);
    }
}

static void
take_turn(struct strand *s)
{
    if (s->is_busy || list_is_empty(&s->waiting))
        return;
    for (size_t i = 0; i < STRAND_TURN_MOST && !list_is_empty(&s->waiting); i++) {
        struct list *node = list_first(&s->waiting);
        list_remove(node);
        list_append(&s->working, node);
        work_at(node)->is_run = !work_at(node)->is_unwanted;
    }
    s->err     = (struct error){0};
    s->is_busy = true;
    if (loop_work(s->loop, run_turn, end_turn, s))
        return;
    error_set(&s->err, ERROR_MEMORY, "no memory");
    s->is_late = true; /* told when the turn of the loop ends: never from within strand_start */
}

/* There was no memory for a worker: who waits is told so. */
static bool
on_turn_end(struct loop_hook *hook)
{
    struct strand *s = LIST_OF(struct strand, hook, hook);

    if (!s->is_late)
        return false;
    s->is_late = false;
    end_turn(s);
    return true;
}

void
strand_init(struct strand *s, struct loop *loop, size_t most)
{
    s->loop     = loop;
    s->most     = most;
    s->hook.run = on_turn_end;
    list_init(&s->waiting);
    list_init(&s->working);
    loop_add_hook(loop, &s->hook);
}

void
strand_clear(struct strand *s)
{
    if (s->loop == NULL)
        return;
    while (s->count > 0)
        loop_turn(s->loop, SECONDS(1));
    loop_remove_hook(&s->hook);
    *s = (struct strand){0};
}

bool
strand_start(struct strand *s, struct strand_work *w)
{
    if (s->count >= s->most)
        return false;
    w->err         = (struct error){0};
    w->is_unwanted = false;
    s->count++;
    list_append(&s->waiting, &w->node);
    take_turn(s);
    return true;
}
