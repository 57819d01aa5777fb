#include "mcp/service/tasks.h"

#include "base/random.h"

enum task_status { TASK_WORKING, TASK_INPUT_REQUIRED, TASK_COMPLETED, TASK_FAILED, TASK_CANCELLED };

static const char *const status_names[] = {"working", "input_required", "completed", "failed", "cancelled"};

struct task {
    struct list      node; /* on all->list */
    struct tasks    *all;
    struct request  *request; /* NULL: final */
    enum task_status status;
    wall_time        made, changed;
    char            *outcome; /* the result, or the error, as JSON; of malloc; NULL: none yet, or no memory for it */
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

struct tasks *
tasks_new(struct service *s)
{
    struct tasks *all = calloc(1, sizeof *all);

    if (all == NULL)
        return NULL;
    *all = (struct tasks){.service = s, .by_id = MAP_OF(struct task *, TASKS_MOST)};
    list_init(&all->list);
    return all;
}

/* Its handler goes on, if it does, for nobody. */
static void
let_go(struct task *t)
{
    struct request *r = t->request;

    t->request = NULL;
    if (r == NULL)
        return;
    r->task = NULL;
    if (!r->is_answered)
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
    free(t);
}

void
tasks_free(struct tasks *all)
{
    if (all == NULL)
        return;
    for (struct list *node; (node = list_first(&all->list)) != NULL;)
        task_free(LIST_OF(struct task, node, node));
    map_clear(&all->by_id);
    free(all);
}

static void
on_life_over(struct timer *life)
{
    task_free(LIST_OF(struct task, life, life));
}

/* NULL: no memory, or too many. */
static struct task *
task_new(struct tasks *all, struct request *r)
{
    struct loop *loop = all->service->parts.loop;
    struct task *t    = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    *t = (struct task){.all = all, .made = clock_wall()};
    random_id(t->id);
    struct task **slot = map_get_or_add(&all->by_id, str_from(t->id));
    if (slot == NULL) {
        free(t);
        return NULL;
    }
    *slot      = t;
    t->request = r;
    t->changed = t->made;
    snprintf(t->principal, sizeof t->principal, "%s", all->service->parts.principal);
    list_append(&all->list, &t->node);
    timer_init(&t->life, on_life_over);
    loop_set_timer(loop, &t->life, loop_now(loop) + TASK_LIFE + SECONDS(1));
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
    if (!request_answer_early(r, result)) {
        t->request = NULL;
        task_free(t);
        return false;
    }
    r->task = t;
    return true;
}

/* --- what becomes of it --- */

static void
move(struct task *t, enum task_status status)
{
    t->status  = status;
    t->changed = clock_wall();
    listeners_tell_task(t->all->service, t);
}

static void
end(struct task *t, enum task_status status, yyjson_mut_val *outcome)
{
    struct request *r = t->request;

    t->outcome = outcome == NULL ? NULL : yyjson_mut_val_write(outcome, 0, NULL);
    t->request = NULL;
    r->task    = NULL;
    move(t, t->outcome == NULL ? TASK_FAILED : status);
}

void
task_finish(struct task *t, yyjson_mut_val *result)
{
    end(t, TASK_COMPLETED, result);
}

void
task_fail(struct task *t, yyjson_mut_val *error)
{
    end(t, TASK_FAILED, error);
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
task_describe(struct task *t, yyjson_mut_doc *doc, yyjson_mut_val *into, bool is_whole)
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
        yyjson_mut_obj_add_val(
            doc, into, "error",
            yyjson_mut_rawcpy(doc, t->outcome != NULL ? t->outcome
                                                      : "{\"code\":-32603,\"message\":\"no memory for the result\"}"));
}

/* --- what clients ask of it --- */

/* NULL: answered. */
static struct task *
task_of(struct request *r)
{
    struct str   id = json_str(yyjson_obj_get(r->params, "taskId"));
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
        move(t, TASK_CANCELLED);
    }
    request_answer(r, result_new(r, "complete"));
}
