#include "child/child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/live.h"
#include "child/inside.h"
#include "child/spawn.h"
#include "child/words.h"

#define LOST_GRACE    MILLISECONDS(500) /* a stream closed before the command left: it mostly does at once */
#define EXITED_GRACE  MILLISECONDS(200) /* what is left of the tree may finish what it writes */
#define TELL_WITHIN   MILLISECONDS(800) /* of the command's exit */
#define KILL_PATIENCE MILLISECONDS(500) /* or the grace, if longer; then the helper is killed: somebody stopped it */

static void
child_move(struct child *child, enum child_state to)
{
    assert(to > child->state);
    loop_clear_timer(child->owner->loop, &child->step);
    child->state = to;
}

static void
set_step(struct child *child, mono_time wait)
{
    loop_set_timer(child->owner->loop, &child->step, clock_mono() + wait);
}

static void
send_order(struct child *child, enum order_kind kind)
{
    struct order order = {.kind = kind};

    if (child->socket != NULL) /* else, or when it fails, the helper is dead: its watch tells */
        send(child->fd.socket, &order, sizeof order, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
end_tree(struct child *child)
{
    if (child->state >= CHILD_KILLING)
        return;
    child_move(child, CHILD_KILLING);
    send_order(child, ORDER_END); /* its stdin stays open: it is not to leave in good order now */
    set_step(child, time_max(child->grace, KILL_PATIENCE));
}

static void
close_in_order(struct child *child)
{
    child_move(child, CHILD_CLOSING);
    set_step(child, child->grace);
    if (child_queued(child) == 0)
        stream_close_in(child);
}

static void
take_step(struct timer *timer)
{
    struct child *child = LIST_OF(struct child, timer, step);

    switch (child->state) {
    case CHILD_STARTING:
    case CHILD_RUNNING:
        child->reason = child->lost;
        close_in_order(child);
        break;
    case CHILD_CLOSING:
        child_move(child, CHILD_TERMINATING);
        stream_close_in(child);
        send_order(child, ORDER_TERMINATE);
        set_step(child, child->grace);
        break;
    case CHILD_TERMINATING:
    case CHILD_EXITED:
        end_tree(child);
        break;
    case CHILD_KILLING:
        pidfd_send_signal(child->fd.watch, SIGKILL, NULL, 0); /* its orphans come to us */
        break;
    case CHILD_GONE:
        break;
    }
}

void
child_lost(struct child *child, const char *reason)
{
    if (child->state > CHILD_RUNNING || timer_is_set(&child->step))
        return;
    child->lost = reason;
    set_step(child, LOST_GRACE);
}

void
child_out_ended(struct child *child)
{
    if (child->state == CHILD_EXITED)
        end_tree(child);
    else
        child_lost(child, "closed its stdout and was stopped: ");
}

/* What it wrote last comes before its end. */
static void
tell_ended(struct child *child)
{
    if (child->told)
        return;
    child->told = true;
    stream_read_rest(child);
    if (child->end.words[0] == '\0')
        words_of_end(child->end.words, sizeof child->end.words, &child->end, child->reason);
    struct child_events events = child->events;
    child->events              = (struct child_events){0};
    if (events.on_ended != NULL)
        events.on_ended(child->user, &child->end);
}

static void
tell_late(struct timer *timer)
{
    tell_ended(LIST_OF(struct child, timer, late));
}

static void
on_started(struct child *child, pid_t pid)
{
    child->pid = pid;
    stream_start_reading(child);
    if (child->state != CHILD_STARTING)
        return;
    bool was_lost = timer_is_set(&child->step);
    child_move(child, CHILD_RUNNING);
    if (was_lost)
        set_step(child, LOST_GRACE);
    if (child->events.on_started != NULL)
        child->events.on_started(child->user, pid);
}

static void
on_exited(struct child *child, int status)
{
    child->end.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    child->end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    loop_set_timer(child->owner->loop, &child->late, clock_mono() + TELL_WITHIN);
    if (child->state >= CHILD_EXITED)
        return;
    child_move(child, CHILD_EXITED);
    stream_close_in(child);
    if (child->out == NULL)
        end_tree(child);
    else
        set_step(child, EXITED_GRACE);
}

static void
on_report(struct child *child, const struct report *report)
{
    switch (report->kind) {
    case REPORT_STARTED:
        on_started(child, report->value);
        break;
    case REPORT_FAILED:
        child->end.exec_errno = report->value;
        words_of_failure(child->end.words, sizeof child->end.words, report, child->command, child->cwd);
        break;
    case REPORT_EXITED:
        on_exited(child, report->value);
        break;
    case REPORT_ENDED:
        child->left_nothing = true;
        break;
    default:
        break;
    }
}

static void
on_socket(void *owner, int events)
{
    struct child *child = owner;
    struct report report;
    ssize_t       got = -1;

    (void)events;
    while (child->socket != NULL && (got = recv(child->fd.socket, &report, sizeof report, MSG_DONTWAIT)) > 0)
        if (got == sizeof report)
            on_report(child, &report);
    if (got == 0)
        stream_close_one(&child->socket, &child->fd.socket);
}

/* The helper is gone, and all with it unless it was killed. */
static void
on_watch(void *owner, int events)
{
    struct child *child = owner;

    if (child->state == CHILD_GONE)
        return;
    on_socket(child, events);
    waitpid(child->helper, NULL, WNOHANG);
    child_move(child, CHILD_GONE);
    loop_clear_timer(child->owner->loop, &child->late);
    stream_close_one(&child->watch, &child->fd.watch);
    children_forget(child);
    if (!child->left_nothing) {
        if (child->end.exec_errno == 0 && child->end.status < 0 && child->end.signal == 0) {
            child->end.signal = SIGKILL; /* the death signal of the command */
            snprintf(child->end.words, sizeof child->end.words, "%swas killed with its helper", child->reason);
        }
        children_end_orphans(child->owner);
    }
    tell_ended(child);
}

static bool
watch_helper(struct child *child, struct error *err)
{
    struct loop *loop = child->owner->loop;

    child->watch  = poll_new(loop, child->fd.watch, on_watch, child, err);
    child->socket = poll_new(loop, child->fd.socket, on_socket, child, err);
    if (child->watch == NULL || child->socket == NULL || !stream_open(child, err))
        return false;
    poll_set(child->watch, UV_READABLE);
    poll_set(child->socket, UV_READABLE);
    return true;
}

static struct child *
new_child(struct children *c, const struct child_spec *spec, const struct child_events *events, void *owner)
{
    struct child *child = malloc(sizeof *child);

    if (child == NULL)
        return NULL;
    *child = (struct child){
        .owner      = c,
        .events     = *events,
        .user       = owner,
        .command    = strdup(spec->argv[0]),
        .cwd        = strdup(spec->cwd == NULL ? "" : spec->cwd),
        .started_at = clock_mono(),
        .grace      = spec->grace > 0 ? spec->grace : CHILD_GRACE,
        .fd         = {-1, -1, -1, -1, -1},
        .out_lines  = {.max = spec->line_max > 0 ? spec->line_max : CHILD_LINE_MAX, .budget = c->budget},
        .err_lines  = {.max = CHILD_STDERR_CUT, .cut = true},
        .queue      = {.max = SIZE_MAX / 4}, /* child_write has the bound */
        .queue_max  = spec->queue_max > 0 ? spec->queue_max : CHILD_QUEUE_MAX,
        .end        = {.status = -1},
        .reason     = "",
    };
    list_init(&child->node);
    list_init(&child->unsent);
    timer_init(&child->step, take_step);
    timer_init(&child->late, tell_late);
    live_begin(LIVE_CHILDREN);
    return child;
}

void
child_free(struct child *child)
{
    if (child == NULL)
        return;
    loop_clear_timer(child->owner->loop, &child->step);
    loop_clear_timer(child->owner->loop, &child->late);
    stream_close(child);
    stream_close_one(&child->socket, &child->fd.socket);
    stream_close_one(&child->watch, &child->fd.watch);
    lines_clear(&child->out_lines);
    lines_clear(&child->err_lines);
    ring_clear(&child->ring);
    list_remove(&child->node);
    free(child->command);
    free(child->cwd);
    live_end(LIVE_CHILDREN);
    free(child);
}

struct child *
child_start(struct children *c, const struct child_spec *spec, const struct child_events *events, void *owner,
            struct error *err)
{
    struct spawned s;

    if (spec->argv[0] == NULL || c->stopping) {
        error_set(err, ERROR_INVALID, c->stopping ? "shutting down: no command is started" : "no command is given");
        return NULL;
    }
    struct child *child = new_child(c, spec, events, owner);
    if (child == NULL || child->command == NULL || child->cwd == NULL) {
        error_set(err, ERROR_MEMORY, "no memory to start %s", spec->argv[0]);
        child_free(child);
        return NULL;
    }
    if (!spawn_helper(c->helper, spec, &s, err)) {
        child_free(child);
        return NULL;
    }
    child->helper    = s.helper;
    child->fd.watch  = s.pidfd;
    child->fd.socket = s.socket;
    child->fd.in     = s.in;
    child->fd.out    = s.out;
    child->fd.err    = s.err;
    if (!watch_helper(child, err)) {
        kill(child->helper, SIGKILL);
        waitpid(child->helper, NULL, 0);
        child_free(child);
        children_end_orphans(c);
        return NULL;
    }
    list_append(&c->live, &child->node);
    c->count++;
    return child;
}

void
child_stop(struct child *child)
{
    if (child->state >= CHILD_CLOSING)
        return;
    child->end.asked = true;
    child->reason    = "was stopped: ";
    close_in_order(child);
}

void
child_kill(struct child *child)
{
    if (child->state < CHILD_CLOSING)
        child->reason = "was stopped: ";
    if (child->state < CHILD_EXITED)
        child->end.asked = true;
    end_tree(child);
}

void
child_abandon(struct child *child)
{
    if (child == NULL)
        return;
    child->abandoned = true;
    child->events    = (struct child_events){0};
    child_kill(child);
    stream_close(child);
}

pid_t
child_pid(const struct child *child)
{
    return child->pid;
}

mono_time
child_started_at(const struct child *child)
{
    return child->started_at;
}

void
child_stderr_each(const struct child *child, void (*each)(void *arg, struct str line), void *arg)
{
    ring_each(&child->ring, each, arg);
}
