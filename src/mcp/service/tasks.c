#include "mcp/service/tasks.h"

#include "base/random.h"
#include "store/task_store.h"

enum task_status { TASK_WORKING, TASK_INPUT_REQUIRED, TASK_COMPLETED, TASK_FAILED, TASK_CANCELLED };

static const char *const status_names[] = {"working", "input_required", "completed", "failed", "cancelled"};

/* The errors of tasks whose handler did not make one. */
#define NO_OUTCOME "{\"code\":-32603,\"message\":\"no memory for the result\"}"
#define RESTARTED  "{\"code\":-32603,\"message\":\"The server was restarted while the task ran\"}"

struct task {
    struct list      node; /* on all->list */
    struct tasks    *all;
    struct request  *request; /* NULL: over, though that may not be shown yet */
    enum task_status status;  /* as it is shown */
    enum task_status due;     /* what it is once that is kept */
    wall_time        made, changed;
    char            *answer; /* waits for it to be kept, as its client does; of malloc; NULL: it was given */
    size_t           answer_len;
    int              error_code; /* of what is due; 0: none */
    char            *outcome;    /* the result, or the error, as JSON; of malloc; NULL: none yet, or no memory for it */
    struct timer     life;
    char             id[TASK_ID_SIZE];
    char             principal[32];
};

struct tasks {
    struct service *service;
    struct map      by_id; /* struct task * */
    struct list     list;  /* of struct task, by node; oldest first */
};

void
random_id(char id[TASK_ID_SIZE])
{
    unsigned char bytes[(TASK_ID_SIZE - 1) / 2];

    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

static struct task_store *
store_of(const struct task *t)
{
    return t->all->service->parts.tasks;
}

static struct request *
part(struct task *t)
{
    struct request *r = t->request;

    t->request = NULL;
    if (r != NULL)
        r->task = NULL;
    return r;
}

/* Its handler goes on, if it does, for nobody; or for who waits, when nobody was told that it is a task. */
static void
let_go(struct task *t)
{
    struct request *r = part(t);

    if (r != NULL && r->x == NULL && !r->is_answered)
        request_end(r);
}

static void
task_free(struct task *t)
{
    let_go(t);
    loop_clear_timer(t->all->service->parts.loop, &t->life);
    map_remove(&t->all->by_id, str_from(t->id));
    list_remove(&t->node);
    free(t->outcome);
    free(t->answer);
    free(t);
}

void
tasks_free(struct tasks *all)
{
    if (all == NULL)
        return;
    if (all->service->parts.tasks != NULL)
        all->service->parts.tasks->ops->leave(all->service->parts.tasks, all);
    for (struct list *node; (node = list_first(&all->list)) != NULL;)
        task_free(LIST_OF(struct task, node, node));
    map_clear(&all->by_id);
    free(all);
}

/* Nor is it kept. */
static void
forget(struct task *t)
{
    if (store_of(t) != NULL)
        store_of(t)->ops->remove(store_of(t), str_from(t->id));
    task_free(t);
}

static void
on_life_over(struct timer *life)
{
    forget(LIST_OF(struct task, life, life));
}

void
task_abandon(struct task *t)
{
    part(t);
    forget(t);
}

/* NULL: no memory, or too many. */
static struct task *
task_add(struct tasks *all, const char *id, struct str principal, wall_time made)
{
    struct loop *loop = all->service->parts.loop;
    struct task *t    = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    *t = (struct task){.all = all, .made = made, .changed = made};
    snprintf(t->id, sizeof t->id, "%s", id);
    struct task **slot = map_get_or_add(&all->by_id, str_from(t->id));
    if (slot == NULL) {
        free(t);
        return NULL;
    }
    *slot = t;
    snprintf(t->principal, sizeof t->principal, "%.*s", STR_ARG(principal));
    list_append(&all->list, &t->node);
    timer_init(&t->life, on_life_over);
    mono_time left = made + TASK_LIFE - clock_wall(); /* of one that was kept: less; a clock set back gives no more */
    loop_set_timer(loop, &t->life, loop_now(loop) + (left < TASK_LIFE ? left : TASK_LIFE) + SECONDS(1));
    return t;
}

static struct task *
task_new(struct tasks *all, struct request *r)
{
    char id[TASK_ID_SIZE];

    random_id(id);
    struct task *t = task_add(all, id, str_from(all->service->parts.principal), clock_wall());
    if (t != NULL)
        t->request = r;
    return t;
}

struct task *
tasks_find(struct tasks *all, struct str id, const char *principal)
{
    struct task **slot = all == NULL || id.data == NULL ? NULL : map_get(&all->by_id, id);

    return slot != NULL && strcmp((*slot)->principal, principal) == 0 ? *slot : NULL;
}

struct str
task_id(const struct task *t)
{
    return str_from(t->id);
}

/* --- keeping --- */

static struct task *
task_at(struct tasks *all, struct str id)
{
    struct task **slot = map_get(&all->by_id, id);

    return slot == NULL ? NULL : *slot;
}

/* ["key",…] of malloc, of what it asks; NULL: nothing, or no memory. */
static char *
keys_asked(const struct task *t)
{
    yyjson_mut_doc *doc  = t->request == NULL ? NULL : yyjson_mut_doc_new(NULL);
    yyjson_mut_val *keys = yyjson_mut_arr(doc), *key, *one;
    size_t          index, max;

    if (doc == NULL)
        return NULL;
    yyjson_mut_val *asked = asking_describe(t->request, doc);
    yyjson_mut_obj_foreach(asked, index, max, key, one)
    {
        yyjson_mut_arr_add_strn(doc, keys, yyjson_mut_get_str(key), yyjson_mut_get_len(key));
    }
    char *text = yyjson_mut_val_write(keys, 0, NULL);
    yyjson_mut_doc_free(doc);
    return text;
}

/* False: there is no store, or it has no room; `told` is not called then. */
static bool
keep(struct task *t, enum task_status status, bool is_new, task_told told)
{
    struct task_store *store = store_of(t);
    char              *keys  = store == NULL || status != TASK_INPUT_REQUIRED ? NULL : keys_asked(t);
    struct task_row    row   = {.id        = str_from(t->id),
                                .principal = str_from(t->principal),
                                .service   = str_from(t->all->service->table->name),
                                .made      = t->made,
                                .changed   = t->changed,
                                .life      = TASK_LIFE,
                                .status    = str_from(status_names[status]),
                                .outcome   = str_from(t->outcome),
                                .questions = str_from(keys)};
    bool               ok    = store != NULL && store->ops->put(store, &row, is_new, told, t->all);

    free(keys);
    return ok;
}

/* Its client is told, and may come for it. */
static void
announce(struct task *t)
{
    struct request *r    = t->request;
    char           *text = t->answer;

    t->answer = NULL;
    if (r->is_answered)
        part(t);
    request_answer_early(r, str_of(text, t->answer_len));
    free(text);
    if (r->is_answered)
        request_settle(r);
}

/* It is none: the call goes on as one that waits, and is answered at once with what its handler said meanwhile. */
static void
take_back(struct task *t)
{
    char           *outcome    = t->outcome;
    int             error_code = t->error_code;
    struct request *r          = part(t);

    t->outcome = NULL;
    task_free(t);
    if (r->is_answered)
        request_answer_late(r, outcome, error_code);
    else if (r->state == REQUEST_ASKING)
        asking_go_again(r);
    free(outcome);
}

static void
on_made(void *owner, struct str id, bool is_kept)
{
    struct task *t = task_at(owner, id);

    if (t == NULL)
        return; /* its client left */
    if (is_kept)
        announce(t);
    else
        take_back(t);
}

/* One of the process before. */
static bool
take_row(void *owner, const struct task_row *row)
{
    struct tasks    *all    = owner;
    enum task_status status = 0;
    char             id[TASK_ID_SIZE];

    while (status < TASK_CANCELLED && !str_eq(row->status, str_from(status_names[status])))
        status++;
    snprintf(id, sizeof id, "%.*s", STR_ARG(row->id));
    struct task *t = task_add(all, id, row->principal, row->made);
    if (t == NULL)
        return false;
    t->status  = status;
    t->changed = row->changed;
    t->outcome = row->outcome.len == 0 ? NULL : strndup(row->outcome.data, row->outcome.len);
    return row->outcome.len == 0 || t->outcome != NULL;
}

/* What ran when the process ended will not go on. Without memory it is failed without these words. */
static void
fail_what_ran(struct tasks *all)
{
    LIST_EACH (struct task, t, &all->list, node) {
        if (t->status != TASK_WORKING && t->status != TASK_INPUT_REQUIRED)
            continue;
        t->status  = TASK_FAILED;
        t->changed = clock_wall();
        t->outcome = strdup(RESTARTED);
        keep(t, TASK_FAILED, false, NULL);
    }
}

struct tasks *
tasks_new(struct service *s, struct error *err)
{
    struct tasks      *all   = calloc(1, sizeof *all);
    struct task_store *store = s->parts.tasks;

    if (all == NULL) {
        error_set(err, ERROR_MEMORY, "no memory");
        return NULL;
    }
    *all = (struct tasks){.service = s, .by_id = MAP_OF(struct task *, TASKS_MOST)};
    list_init(&all->list);
    if (store != NULL && !store->ops->load(store, str_from(s->table->name), TASKS_MOST, take_row, all, err)) {
        tasks_free(all);
        return NULL;
    }
    fail_what_ran(all);
    return all;
}

bool
request_become_task(struct request *r)
{
    if (r->is_answered || r->x == NULL || r->task != NULL || r->tool == NULL || r->service->tasks == NULL ||
        !is_modern(r) || !request_can(r, CLIENT_FOLLOWS_TASKS))
        return r->task != NULL;
    struct task *t = task_new(r->service->tasks, r);
    if (t == NULL)
        return false;
    yyjson_mut_val *result = result_new(r, "task");
    task_describe(t, r->doc, result, false);
    t->answer = request_write_early(r, result, &t->answer_len);
    if (t->answer == NULL || (store_of(t) != NULL && !keep(t, t->status, true, on_made))) {
        part(t);
        task_free(t);
        return false;
    }
    r->task = t;
    if (store_of(t) == NULL)
        announce(t);
    return true;
}

/* --- what becomes of it --- */

static void
show(struct task *t, enum task_status status)
{
    t->status = status;
    listeners_tell_task(t->all->service, t);
}

static void
on_ended(void *owner, struct str id, bool is_kept)
{
    struct task *t = task_at(owner, id);

    (void)is_kept; /* it is the truth all the same, and written when that works */
    if (t != NULL && t->status != t->due)
        show(t, t->due);
}

/* Shown when it is kept: what a client was told to be final stays so. */
static void
end(struct task *t, enum task_status status)
{
    t->due     = status;
    t->status  = TASK_WORKING; /* it asks for nothing any more */
    t->changed = clock_wall();
    if (!keep(t, status, false, on_ended))
        show(t, status);
}

/* With the handler's answer. Who waits to be told of the task still does. */
static void
end_with(struct task *t, enum task_status status, yyjson_mut_val *outcome)
{
    t->outcome = outcome == NULL ? NULL : yyjson_mut_val_write(outcome, 0, NULL);
    if (t->answer == NULL)
        part(t);
    end(t, t->outcome == NULL ? TASK_FAILED : status);
}

void
task_finish(struct task *t, yyjson_mut_val *result)
{
    end_with(t, TASK_COMPLETED, result);
}

void
task_fail(struct task *t, yyjson_mut_val *error)
{
    t->error_code = error == NULL ? RPC_INTERNAL : yyjson_mut_get_int(yyjson_mut_obj_get(error, "code"));
    end_with(t, TASK_FAILED, error);
}

static void
move(struct task *t, enum task_status status)
{
    t->changed = clock_wall();
    keep(t, status, false, NULL); /* nothing waits for it: a new process fails it anyhow */
    show(t, status);
}

void
task_ask(struct task *t)
{
    move(t, TASK_INPUT_REQUIRED);
}

static void
put_time(yyjson_mut_doc *doc, yyjson_mut_val *into, const char *key, wall_time time)
{
    char text[TIME_ISO_SIZE];

    time_format_iso(time, text);
    yyjson_mut_obj_add_strcpy(doc, into, key, text);
}

void
task_describe(const struct task *t, yyjson_mut_doc *doc, yyjson_mut_val *into, bool is_whole)
{
    yyjson_mut_obj_add_strcpy(doc, into, "taskId", t->id);
    yyjson_mut_obj_add_str(doc, into, "status", status_names[t->status]);
    put_time(doc, into, "createdAt", t->made);
    put_time(doc, into, "lastUpdatedAt", t->changed);
    yyjson_mut_obj_add_sint(doc, into, "ttlMs", TASK_LIFE / MILLISECONDS(1));
    yyjson_mut_obj_add_sint(doc, into, "pollIntervalMs", TASK_POLL / MILLISECONDS(1));
    if (!is_whole)
        return;
    if (t->status == TASK_INPUT_REQUIRED)
        yyjson_mut_obj_add_val(doc, into, "inputRequests", asking_describe(t->request, doc));
    else if (t->status == TASK_COMPLETED)
        yyjson_mut_obj_add_val(doc, into, "result", yyjson_mut_rawcpy(doc, t->outcome));
    else if (t->status == TASK_FAILED)
        yyjson_mut_obj_add_val(doc, into, "error",
                               yyjson_mut_rawcpy(doc, t->outcome != NULL ? t->outcome : NO_OUTCOME));
}

/* --- what clients ask of it --- */

/* NULL: answered. */
static struct task *
task_of(struct request *r)
{
    struct str   id = json_str_in(r->params, "taskId");
    struct task *t  = tasks_find(r->service->tasks, id, r->service->parts.principal);

    if (!abilities_demand(r, CLIENT_FOLLOWS_TASKS))
        return NULL;
    if (t == NULL)
        request_refuse_params(r, "Unknown task");
    return t;
}

void
serve_tasks_get(struct request *r)
{
    struct task *t = task_of(r);

    if (t == NULL)
        return;
    yyjson_mut_val *result = result_new(r, "complete");
    task_describe(t, r->doc, result, true);
    request_answer(r, result);
}

void
serve_tasks_update(struct request *r)
{
    struct task *t         = task_of(r);
    yyjson_val  *responses = json_member(r->params, "inputResponses");

    if (t == NULL)
        return;
    if (responses == NULL) {
        request_refuse_params(r, "tasks/update needs \"inputResponses\"");
        return;
    }
    struct request *asking = t->request;
    request_answer(r, result_new(r, "complete"));
    if (asking == NULL || asking->state != REQUEST_ASKING)
        return;
    if (asking_take_responses(asking, responses))
        move(t, TASK_WORKING);
    asking_go_on(asking);
}

void
serve_tasks_cancel(struct request *r)
{
    struct task *t = task_of(r);

    if (t == NULL)
        return;
    if (t->request != NULL) {
        let_go(t);
        end(t, TASK_CANCELLED);
    }
    request_answer(r, result_new(r, "complete"));
}
