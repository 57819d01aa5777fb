/* News of the tasks of a legacy server, for modern clients that listen for them (taskIds): what tasks/get would tell
 * them, told when it is other than before. The server is asked as often as it wants to be (pollInterval), and at once
 * when it says that something has changed, which it may do or not. */
#include "gateway/bridge/bridge.h"

#include "base/live.h"
#include "mcp/json.h"

enum { FOLLOWERS_MOST = 32 }; /* of one task: the server is asked for each */

#define ASK_AGAIN SECONDS(1) /* of a server that does not say how often */
#define ASK_LEAST MILLISECONDS(100)
#define ASK_MOST  SECONDS(60)

/* Who follows a task, from its subscriptions/listen until that ends. */
struct follower {
    struct list       node; /* on task->followers */
    struct held_task *task; /* NULL: its end was told */
    struct request   *listener;
    struct look       look;
    struct timer      again;
    bool              is_looking, is_stale; /* asked, and what comes may be old */
    bool              is_broken;            /* no memory for all that it is */
    unsigned          failures;             /* in a row */
    char             *told;                 /* of what was told last, as JSON; of malloc, NULL: nothing was */
};

static struct loop *
loop_of(const struct follower *f)
{
    return ((const struct bridge *)request_owner(f->listener))->gateway->parts.loop;
}

static void
look_in(struct follower *f, mono_time wait)
{
    loop_set_timer(loop_of(f), &f->again, loop_now(loop_of(f)) + wait);
}

/* Of that task there is nothing more to tell. */
static void
leave_task(struct follower *f)
{
    list_remove(&f->node);
    loop_clear_timer(loop_of(f), &f->again);
    f->task = NULL;
}

static void
end_look(struct follower *f)
{
    yyjson_mut_doc_free(f->look.doc);
    f->look.doc   = NULL;
    f->is_looking = false;
}

/* Without what changes by itself. Of malloc; NULL: no memory. */
static char *
text_of(yyjson_val *task)
{
    yyjson_mut_doc *doc  = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *copy = yyjson_val_mut_copy(doc, task);

    yyjson_mut_obj_remove_key(copy, "ttlMs");
    yyjson_mut_obj_remove_key(copy, "lastUpdatedAt");
    char *text = copy == NULL ? NULL : yyjson_mut_val_write(copy, 0, NULL);
    yyjson_mut_doc_free(doc);
    return text;
}

/* It may end who listens, and with it the follower. */
static void
tell(struct follower *f, yyjson_val *task)
{
    char *text  = text_of(task);
    bool  is_so = text != NULL && f->told != NULL && strcmp(text, f->told) == 0;

    free(f->told);
    f->told = text;
    if (!is_so)
        request_relay_task(f->listener, task);
}

/* The first time it may be a matter of a moment. */
static void
try_again(struct follower *f)
{
    look_in(f, f->failures++ == 0 ? ASK_LEAST : ASK_AGAIN);
}

static mono_time
pause_of(yyjson_val *task)
{
    yyjson_val *poll = yyjson_obj_get(task, "pollIntervalMs");
    mono_time   wait = yyjson_is_int(poll) && yyjson_get_sint(poll) <= ASK_MOST / MILLISECONDS(1)
                           ? yyjson_get_sint(poll) * MILLISECONDS(1)
                       : poll == NULL ? ASK_AGAIN
                                      : ASK_MOST;

    return wait < ASK_LEAST ? ASK_LEAST : wait;
}

static void
on_task(struct look *l, yyjson_mut_val *fields)
{
    struct follower *f    = LIST_OF(struct follower, l, look);
    yyjson_doc      *made = fields == NULL || f->is_broken ? NULL : yyjson_mut_val_imut_copy(fields, NULL);
    yyjson_val      *task = yyjson_doc_get_root(made);

    end_look(f);
    if (task == NULL) {
        try_again(f);
        return;
    }
    if (task_is_over(task))
        leave_task(f);
    else
        look_in(f, f->is_stale ? 0 : pause_of(task));
    f->is_stale = false;
    f->failures = 0;
    tell(f, task);
    yyjson_doc_free(made);
}

/* A task that is gone is told by news_end; else it is tried again. */
static void
on_refusal(struct look *l, int code, struct str words, yyjson_val *data)
{
    struct follower *f = LIST_OF(struct follower, l, look);

    (void)code, (void)words, (void)data;
    end_look(f);
    f->is_stale = false;
    if (!f->task->is_gone)
        try_again(f);
}

static void
on_again(struct timer *again)
{
    struct follower *f      = LIST_OF(struct follower, again, again);
    yyjson_alc       memory = json_heap(&f->is_broken);

    f->is_broken = false;
    f->look      = (struct look){.request    = f->listener,
                                 .doc        = yyjson_mut_doc_new(&memory),
                                 .is_news    = true,
                                 .on_task    = on_task,
                                 .on_refusal = on_refusal};
    list_init(&f->look.node);
    if (f->look.doc == NULL) {
        try_again(f);
        return;
    }
    f->is_looking = true;
    look_begin(&f->look, f->task);
    look_at_task(&f->look);
}

static bool
has_room(const struct held_task *t)
{
    size_t count = 0;

    LIST_EACH (const struct follower, f, &t->followers, node)
        count++;
    return count < FOLLOWERS_MOST;
}

struct follower *
news_follow(struct request *r, struct str id)
{
    struct held_task *t = held_find(request_owner(r), id, caller_of_request(r));
    struct follower  *f = t == NULL || !has_room(t) ? NULL : calloc(1, sizeof *f);

    if (f == NULL)
        return NULL;
    *f = (struct follower){.task = t, .listener = r};
    timer_init(&f->again, on_again);
    list_append(&t->followers, &f->node);
    live_begin(LIVE_FOLLOWERS);
    look_in(f, 0);
    return f;
}

void
news_unfollow(struct follower *f)
{
    if (f->is_looking) {
        look_end(&f->look);
        end_look(f);
    }
    if (f->task != NULL)
        leave_task(f);
    free(f->told);
    live_end(LIVE_FOLLOWERS);
    free(f);
}

void
news_wake(struct held_task *t)
{
    LIST_EACH (struct follower, f, &t->followers, node) {
        f->is_stale = f->is_looking;
        if (!f->is_looking)
            look_in(f, 0);
    }
}

void
news_take_status(struct peer *from, struct str theirs)
{
    LIST_EACH (struct held_task, t, &from->tasks, of_peer)
        if (str_eq(str_from(t->theirs), theirs))
            news_wake(t);
}

/* What it came to nobody will know. */
void
news_end(struct held_task *t, int code, const char *words)
{
    yyjson_mut_doc *doc  = list_is_empty(&t->followers) ? NULL : yyjson_mut_doc_new(NULL);
    yyjson_mut_val *task = yyjson_mut_obj(doc);

    if (task != NULL) {
        task_put_fields(t, doc, task, NULL, "failed");
        task_put_error(doc, task, code, str_from(words), NULL);
    }
    yyjson_doc *made = task == NULL ? NULL : yyjson_mut_val_imut_copy(task, NULL);
    yyjson_mut_doc_free(doc);
    for (struct list *node; (node = list_first(&t->followers)) != NULL;) {
        struct follower *f = LIST_OF(struct follower, node, node);
        leave_task(f);
        if (made != NULL)
            tell(f, yyjson_doc_get_root(made));
    }
    yyjson_doc_free(made);
}
