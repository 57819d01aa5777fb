#include "base/loop.h"

#include <assert.h>
#include <poll.h>
#include <unistd.h>

#include "base/live.h"
#include "base/workers.h"

enum { HOOK_ROUNDS = 4 };

static void
ring(uv_timer_t *alarm)
{
    struct loop *l = alarm->data;

    l->alarm_at = TIMER_NEVER;
    timer_wheel_tick(&l->timers, clock_mono());
}

static void
arm(struct loop *l)
{
    if (l->timers.next == l->alarm_at)
        return;
    l->alarm_at = l->timers.next;
    if (l->alarm_at == TIMER_NEVER) {
        uv_timer_stop(&l->alarm);
        return;
    }
    uv_update_time(&l->uv);
    mono_time left = l->alarm_at - clock_mono();
    uv_timer_start(&l->alarm, ring, left <= 0 ? 0 : (uint64_t)(left + 999) / 1000, 0);
}

/* Each once; a hook may add hooks, and remove any. */
static bool
run_hooks(struct loop *l)
{
    struct list due;
    bool        more = false;

    list_init(&due);
    list_splice(&due, &l->hooks);
    for (struct list *node; (node = list_first(&due)) != NULL;) {
        struct loop_hook *hook = LIST_OF(struct loop_hook, node, node);
        list_remove(&hook->node);
        list_append(&l->hooks, &hook->node);
        more |= hook->run(hook);
    }
    return more;
}

static void
end_turn(uv_prepare_t *prepare)
{
    struct loop *l    = prepare->data;
    bool         more = true;

    for (int round = 0; more && round < HOOK_ROUNDS; round++)
        more = run_hooks(l);
    arm(l);
    l->now = 0; /* what comes after the waiting is another turn */
}

bool
loop_init(struct loop *l, struct error *err)
{
    *l         = (struct loop){.alarm_at = TIMER_NEVER};
    int failed = uv_loop_init(&l->uv);
    if (failed != 0)
        return error_set(err, ERROR_INTERNAL, "starting the event loop: %s", uv_strerror(failed));
    uv_prepare_init(&l->uv, &l->turn_end);
    uv_timer_init(&l->uv, &l->alarm);
    l->turn_end.data = l->alarm.data = l;
    uv_prepare_start(&l->turn_end, end_turn);
    timer_wheel_init(&l->timers, clock_mono());
    list_init(&l->hooks);
    return true;
}

void
loop_run(struct loop *l)
{
    while (!l->stopping)
        uv_run(&l->uv, UV_RUN_DEFAULT);
}

void
loop_turn(struct loop *l, mono_time wait)
{
    uv_run(&l->uv, UV_RUN_NOWAIT);
    int next  = uv_backend_timeout(&l->uv); /* -1: nothing is due */
    int limit = (int)(wait / 1000);
    if (limit == 0)
        return;
    struct pollfd ready = {.fd = uv_backend_fd(&l->uv), .events = POLLIN};
    poll(&ready, 1, next >= 0 && next < limit ? next : limit);
    uv_run(&l->uv, UV_RUN_NOWAIT);
}

void
loop_stop(struct loop *l)
{
    l->stopping = true;
    uv_stop(&l->uv);
}

void
loop_clear(struct loop *l)
{
    uv_close((uv_handle_t *)&l->turn_end, NULL);
    uv_close((uv_handle_t *)&l->alarm, NULL);
    do { /* the last callbacks may want something done, too */
        workers_end(l->workers);
        l->workers = NULL;
        uv_run(&l->uv, UV_RUN_DEFAULT);
    } while (l->workers != NULL);
    int open = uv_loop_close(&l->uv);
    assert(open == 0);
}

void
loop_add_hook(struct loop *l, struct loop_hook *hook)
{
    list_append(&l->hooks, &hook->node);
}

void
loop_remove_hook(struct loop_hook *hook)
{
    list_remove(&hook->node);
}

struct poll {
    uv_poll_t uv;
    int       fd;
    int       events; /* what is watched now */
    void (*ready)(void *owner, int events);
    void *owner;
};

static void
on_ready(uv_poll_t *uv, int status, int events)
{
    struct poll *p = uv->data;

    p->ready(p->owner, status < 0 ? UV_READABLE | UV_WRITABLE : events);
}

struct poll *
poll_new(struct loop *l, int fd, void (*ready)(void *owner, int events), void *owner, struct error *err)
{
    struct poll *p = calloc(1, sizeof *p);

    if (p == NULL) {
        error_set(err, ERROR_MEMORY, "no memory to watch a descriptor");
        return NULL;
    }
    *p         = (struct poll){.fd = fd, .ready = ready, .owner = owner};
    int failed = uv_poll_init(&l->uv, &p->uv, fd);
    if (failed != 0) {
        free(p);
        error_set(err, ERROR_INTERNAL, "watching a descriptor: %s", uv_strerror(failed));
        return NULL;
    }
    p->uv.data = p;
    live_begin(LIVE_POLLS);
    return p;
}

void
poll_set(struct poll *p, int events)
{
    if (p->events == events)
        return;
    p->events = events;
    if (events == 0)
        uv_poll_stop(&p->uv);
    else
        uv_poll_start(&p->uv, events, on_ready);
}

static void
forget_poll(uv_handle_t *handle)
{
    live_end(LIVE_POLLS);
    free(handle->data);
}

int
poll_release(struct poll *p)
{
    int fd = p->fd;

    uv_poll_stop(&p->uv);
    uv_close((uv_handle_t *)&p->uv, forget_poll);
    return fd;
}

void
poll_close(struct poll *p)
{
    if (p != NULL)
        close(poll_release(p));
}

bool
loop_work(struct loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    if (l->workers == NULL)
        l->workers = workers_new(&l->uv);
    return l->workers != NULL && workers_start(l->workers, work, done, arg);
}
