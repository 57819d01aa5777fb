#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child/inside.h"
#include "child/paths.h" /* made by the build: GATEHOUSE_LIBEXECDIR */

#define ORPHANS_AGAIN_FIRST MILLISECONDS(10)
#define ORPHANS_AGAIN_LAST  SECONDS(1)
#define STOP_GRACE          SECONDS(2)
#define STOP_WITHIN         SECONDS(5)

/* Landlock's version that knows the signal scope (Linux 6.12). */
enum { LANDLOCK_CREATE = 444, LANDLOCK_ABI_SIGNALS = 6 };

bool
children_are_scoped(void)
{
    return syscall(LANDLOCK_CREATE, NULL, 0, 1) >= LANDLOCK_ABI_SIGNALS;
}

bool
children_find_helper(char *out, size_t size, struct error *err)
{
    static const char name[] = "gatehouse-helper";
    char              self[PATH_MAX];
    ssize_t           len = readlink("/proc/self/exe", self, sizeof self - 1);

    if (len > 0) {
        self[len]   = '\0';
        char *slash = strrchr(self, '/');
        if (slash != NULL)
            *slash = '\0';
        if ((size_t)snprintf(out, size, "%s/%s", self, name) < size && access(out, X_OK) == 0)
            return true;
    }
    if ((size_t)snprintf(out, size, "%s/%s", GATEHOUSE_LIBEXECDIR, name) < size && access(out, X_OK) == 0)
        return true;
    return error_set(err, ERROR_NOT_FOUND,
                     "%s is neither beside gatehouse nor in %s: without it no command can be started; install it again",
                     name, GATEHOUSE_LIBEXECDIR);
}

static bool
turn_end(struct loop_hook *hook)
{
    struct children *c    = LIST_OF(struct children, hook, turn_end);
    bool             more = false;
    struct list      unsent;

    list_init(&unsent);
    list_splice(&unsent, &c->unsent);
    for (struct list *node; (node = list_first(&unsent)) != NULL;)
        more |= stream_flush(LIST_OF(struct child, node, unsent));
    for (struct list *node; (node = list_first(&c->gone)) != NULL;)
        child_free(LIST_OF(struct child, node, node));
    bool all_gone = c->count == 0 && !timer_is_set(&c->orphans_again);
    if (c->stopped == NULL || (!all_gone && !c->is_overdue))
        return more;
    void (*stopped)(void *arg) = c->stopped;
    c->stopped                 = NULL;
    stopped(c->stopped_arg); /* may free `c` */
    return true;
}

/* The children that this process has already: a shell may have started some and then become us. */
static bool
note_foreign(struct children *c)
{
    tree_walk_children(&c->tree);
    c->foreign = malloc((c->tree.count + 1) * sizeof *c->foreign);
    if (c->foreign == NULL)
        return false;
    memcpy(c->foreign, c->tree.pids, c->tree.count * sizeof *c->foreign);
    c->foreign_count = c->tree.count;
    return true;
}

static void
end_orphans_again(struct timer *timer)
{
    children_end_orphans(LIST_OF(struct children, timer, orphans_again));
}

static void
stop_is_overdue(struct timer *timer)
{
    LIST_OF(struct children, timer, stop_deadline)->is_overdue = true;
}

static void
keep_signals_usable(void)
{
    struct sigaction set;

    signal(SIGPIPE, SIG_IGN); /* of writing to a child that closed its stdin */
    if (sigaction(SIGCHLD, NULL, &set) == 0 && set.sa_handler == SIG_IGN)
        signal(SIGCHLD, SIG_DFL); /* ignored, the kernel would reap in our place */
}

struct children *
children_new(struct loop *loop, const char *helper, struct error *err)
{
    struct children *c = calloc(1, sizeof *c);

    if (c == NULL || (c->helper = strdup(helper)) == NULL || !note_foreign(c)) {
        error_set(err, ERROR_MEMORY, "no memory for child processes");
        goto failed;
    }
    if (access(helper, X_OK) != 0) {
        error_set_errno(err, errno, "the helper program %s", helper);
        goto failed;
    }
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        error_set_errno(err, errno, "becoming the parent of orphans");
        goto failed;
    }
    keep_signals_usable();
    c->loop          = loop;
    c->orphans_pause = ORPHANS_AGAIN_FIRST;
    c->turn_end.run  = turn_end;
    list_init(&c->live);
    list_init(&c->gone);
    list_init(&c->unsent);
    timer_init(&c->orphans_again, end_orphans_again);
    timer_init(&c->stop_deadline, stop_is_overdue);
    loop_add_hook(loop, &c->turn_end);
    return c;
failed:
    if (c != NULL) {
        free(c->foreign);
        free(c->helper);
    }
    free(c);
    return NULL;
}

void
children_free(struct children *c)
{
    if (c == NULL)
        return;
    loop_remove_hook(&c->turn_end);
    loop_clear_timer(c->loop, &c->orphans_again);
    loop_clear_timer(c->loop, &c->stop_deadline);
    LIST_EACH (struct child, child, &c->live, node)
        child_free(child); /* its socket closes: the helper ends the tree */
    LIST_EACH (struct child, child, &c->gone, node)
        child_free(child);
    free(c->foreign);
    free(c->helper);
    free(c);
}

size_t
children_count(const struct children *c)
{
    return c->count;
}

void
children_set_budget(struct children *c, struct budget *budget)
{
    c->budget = budget;
}

void
children_forget(struct child *child)
{
    list_remove(&child->node);
    list_append(&child->owner->gone, &child->node);
    child->owner->count--;
}

/* One round; the timer brings the next while any is left. What is not an orphan: the helpers, and what was here first.
 */
void
children_end_orphans(struct children *c)
{
    size_t count  = 0;
    pid_t *except = malloc((c->foreign_count + c->count + 1) * sizeof *except);

    if (except != NULL) {
        memcpy(except, c->foreign, c->foreign_count * sizeof *except);
        count = c->foreign_count;
        LIST_EACH (struct child, child, &c->live, node)
            except[count++] = child->helper;
        tree_kill(&c->tree, except, count);
        tree_reap(&c->tree, except, count);
        tree_walk(&c->tree, except, count);
    }
    if (except != NULL && c->tree.count == 0) {
        loop_clear_timer(c->loop, &c->orphans_again);
        c->orphans_pause = ORPHANS_AGAIN_FIRST;
    } else {
        loop_set_timer(c->loop, &c->orphans_again, clock_mono() + c->orphans_pause);
        if (c->orphans_pause < ORPHANS_AGAIN_LAST)
            c->orphans_pause *= 2;
    }
    free(except);
}

void
children_stop_all(struct children *c, void (*done)(void *arg), void *arg)
{
    mono_time now = clock_mono();

    c->stopping    = true;
    c->stopped     = done;
    c->stopped_arg = arg;
    LIST_EACH (struct child, child, &c->live, node) {
        if (child->grace > STOP_GRACE)
            child->grace = STOP_GRACE;
        if (timer_is_set(&child->step) && child->step.deadline > now + STOP_GRACE)
            loop_set_timer(c->loop, &child->step, now + STOP_GRACE);
        child_stop(child);
    }
    loop_set_timer(c->loop, &c->stop_deadline, c->count == 0 ? now : now + STOP_WITHIN);
}
