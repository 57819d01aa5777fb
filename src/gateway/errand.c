#include "gateway/errand.h"

enum { OPEN_MAX = 64, WORKING_MAX = 2 };

#define LOOK_EVERY MILLISECONDS(20)
#define LOOK_MAX   SECONDS(1)

void
errands_init(struct errands *all, struct loop *loop, struct gateway *gateway, struct registry_watch *watch)
{
    *all = (struct errands){.loop = loop, .gateway = gateway, .watch = watch};
    list_init(&all->waiting);
}

void
errands_close(struct errands *all)
{
    all->is_closing = true;
    while (all->open > 0)
        loop_turn(all->loop, MILLISECONDS(10));
}

bool
errands_have_room(const struct errands *all)
{
    return all->open < OPEN_MAX;
}

static void
end(struct errand *e)
{
    e->all->open--;
    e->done(e);
}

/* The change is live, or that takes so long that nobody need wait. */
static void
look_whether_live(struct timer *timer)
{
    struct errand  *e   = LIST_OF(struct errand, timer, look);
    struct errands *all = e->all;

    if (!all->is_closing && gateway_registry(all->gateway) == e->before && clock_mono() < e->look_until) {
        loop_set_timer(all->loop, &e->look, clock_mono() + LOOK_EVERY);
        return;
    }
    registry_unref(e->before);
    end(e);
}

static void
finish(struct errand *e)
{
    struct errands *all = e->all;

    if (!e->looks_again || all->is_closing) {
        end(e);
        return;
    }
    e->before     = registry_ref(gateway_registry(all->gateway));
    e->look_until = clock_mono() + LOOK_MAX;
    timer_init(&e->look, look_whether_live);
    registry_watch_look(all->watch, false);
    look_whether_live(&e->look);
}

static void
run(void *arg)
{
    struct errand *e = arg;

    e->work(e);
}

static void start_waiting(struct errands *all);

static void
done(void *arg)
{
    struct errand  *e   = arg;
    struct errands *all = e->all;

    all->working--;
    finish(e);
    start_waiting(all);
}

/* A question whose asker has left is not looked into; what was to be changed is. */
static void
start_waiting(struct errands *all)
{
    for (struct list *node; all->working < WORKING_MAX && (node = list_first(&all->waiting)) != NULL;) {
        struct errand *e = LIST_OF(struct errand, node, node);
        list_remove(node);
        e->has_run = (!e->is_unwanted || e->changes) && loop_work(all->loop, run, done, e);
        if (e->has_run)
            all->working++;
        else
            end(e);
    }
}

void
errand_start(struct errands *all, struct errand *e)
{
    e->all = all;
    all->open++;
    list_append(&all->waiting, &e->node);
    start_waiting(all);
}
