/* Tasks that outlive their process: what is told of them, and when. The store is the test's: it answers when told to.
 */
#include "mcp/service_house.h"

#include "store/task_store.h"

enum { GIVEN_MOST = 16 };

/* What was put and not told of yet. */
static struct put {
    char      id[64], status[32], outcome[200], questions[100];
    bool      is_new;
    task_told told;
    void     *owner;
} given[GIVEN_MOST];
static size_t          given_count, removed;
static bool            is_full;
static struct task_row left; /* of the process before; no id: nothing */
static struct request *held;

static bool
load(struct task_store *s, struct str service, size_t most, task_taken take, void *owner, struct error *err)
{
    (void)s, (void)most, (void)err;
    assert_str(service, "kept");
    return left.id.len == 0 || take(owner, &left);
}

static bool
put(struct task_store *s, const struct task_row *row, bool is_new, task_told told, void *owner)
{
    struct put *p = &given[given_count];

    (void)s;
    if (is_full)
        return false;
    assert_true(given_count++ < GIVEN_MOST);
    *p = (struct put){.is_new = is_new, .told = told, .owner = owner};
    snprintf(p->id, sizeof p->id, "%.*s", STR_ARG(row->id));
    snprintf(p->status, sizeof p->status, "%.*s", STR_ARG(row->status));
    snprintf(p->outcome, sizeof p->outcome, "%.*s", STR_ARG(row->outcome));
    snprintf(p->questions, sizeof p->questions, "%.*s", STR_ARG(row->questions));
    return true;
}

static void
count_removed(struct task_store *s, struct str id)
{
    (void)s, (void)id;
    removed++;
}

static void
leave(struct task_store *s, const void *owner)
{
    (void)s;
    for (size_t i = 0; i < given_count; i++)
        if (given[i].owner == owner)
            given[i].told = NULL;
}

static const struct task_store_ops ops   = {load, put, count_removed, leave};
static struct task_store           store = {&ops};

/* All that waits. */
static void
tell(bool is_kept)
{
    size_t count = given_count;

    for (size_t i = 0; i < count; i++)
        if (given[i].told != NULL)
            given[i].told(given[i].owner, str_from(given[i].id), is_kept);
    given_count = 0;
}

#define FORM    "{\"type\":\"object\"}"
#define FOLLOWS "{\"elicitation\":{},\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}"

static void
work(struct request *r)
{
    request_become_task(r);
    request_progress(r, 1, 2, "not before it is one");
    held = r;
}

static void
work_at_once(struct request *r)
{
    request_become_task(r);
    request_say(r, "done");
    request_finish(r);
}

static void
refuse(struct request *r)
{
    request_become_task(r);
    request_refuse(r, 7, "broken");
}

static void
confirm(struct request *r)
{
    request_become_task(r);
    if (request_elicit(r, "sure", "?", FORM) == NULL)
        return;
    request_finish(r);
}

static const struct tool          tools[] = {{.name = "work", .call = work},
                                             {.name = "now", .call = work_at_once},
                                             {.name = "refuse", .call = refuse},
                                             {.name = "confirm", .call = confirm},
                                             {0}};
static const struct service_table table   = {.name = "kept", .version = "1", .tools = tools, .makes_tasks = true};

static void
begin(void)
{
    given_count = removed = 0;
    is_full               = false;
    house_open_for(&table, (struct service_parts){.tasks = &store});
}

static struct exchange *
call(const char *name)
{
    char params[100];

    forget(&house.ada);
    snprintf(params, sizeof params, "\"name\":\"%s\",", name);
    return ask_modern(&house.ada, "1", "tools/call", params, FOLLOWS);
}

static void
task(const char *method, const char *id)
{
    char params[500];

    forget(&house.ada);
    snprintf(params, sizeof params, "\"taskId\":\"%s\",", id);
    ask_modern(&house.ada, "\"t\"", method, params, FOLLOWS);
}

TEST(the_answer_waits_until_the_task_is_kept_and_so_does_its_end)
{
    char id[64];

    begin();
    call("work");
    assert_int_equal(buffer_len(&house.ada.got), 0);
    assert_true(given_count == 1 && given[0].is_new);
    tell(true);
    assert_got(&house.ada, "\"resultType\":\"task\"");
    snprintf(id, sizeof id, "%s", text_of(&house.ada, "taskId"));
    assert_string_equal(given[0].id, id);
    request_say(held, "done");
    request_finish(held);
    assert_string_equal(given[0].status, "completed");
    assert_non_null(strstr(given[0].outcome, "\"text\":\"done\""));
    task("tasks/get", id);
    assert_got(&house.ada, "\"status\":\"working\"");
    tell(true);
    task("tasks/get", id);
    assert_got(&house.ada, "\"status\":\"completed\"");
    house_close();
}

TEST(a_handler_that_is_done_before_its_task_is_kept_has_made_a_task_all_the_same)
{
    begin();
    call("now");
    house_turn();
    assert_int_equal(buffer_len(&house.ada.got), 0);
    tell(true);
    assert_got(&house.ada, "\"resultType\":\"task\"");
    house_turn();
    task("tasks/get", text_of(&house.ada, "taskId"));
    assert_got(&house.ada, "\"status\":\"completed\"");
    assert_got(&house.ada, "done");
    house_close();
}

TEST(a_task_that_is_not_kept_is_a_call_that_waits)
{
    begin();
    call("work");
    tell(false);
    assert_int_equal(buffer_len(&house.ada.got), 0);
    request_say(held, "done");
    request_finish(held);
    assert_got(&house.ada, "\"resultType\":\"complete\"");
    assert_got(&house.ada, "done");
    call("now");
    tell(false);
    assert_got(&house.ada, "\"resultType\":\"complete\"");
    assert_got(&house.ada, "done");
    call("refuse");
    tell(false);
    assert_got(&house.ada, "\"error\":{\"code\":7,\"message\":\"broken\"}");
    call("confirm");
    tell(false);
    assert_got(&house.ada, "\"resultType\":\"input_required\"");
    is_full = true;
    call("now");
    assert_got(&house.ada, "\"resultType\":\"complete\"");
    house_turn();
    house_close();
}

TEST(who_leaves_before_the_task_is_kept_leaves_no_task)
{
    begin();
    exchange_close(call("work"), CLOSE_CLIENT_LEFT);
    assert_int_equal(removed, 1);
    tell(true);
    request_finish(held);
    exchange_close(call("now"), CLOSE_CLIENT_LEFT);
    assert_int_equal(removed, 2);
    tell(true);
    call("work"); /* these wait when all ends */
    call("now");
    call("confirm");
    house_close();
    assert_int_equal(removed, 2);
}

TEST(an_end_that_is_not_kept_is_told_all_the_same)
{
    char id[64];

    begin();
    call("confirm");
    assert_string_equal(given[1].status, "input_required");
    assert_string_equal(given[1].questions, "[\"sure\"]");
    tell(true);
    snprintf(id, sizeof id, "%s", text_of(&house.ada, "taskId"));
    task("tasks/get", id);
    assert_got(&house.ada, "\"inputRequests\":{\"sure\"");
    task("tasks/cancel", id);
    task("tasks/get", id);
    assert_got(&house.ada, "\"status\":\"working\"");
    tell(false);
    task("tasks/get", id);
    assert_got(&house.ada, "\"status\":\"cancelled\"");
    house_close();
}

TEST(of_the_process_before_what_ended_is_there_and_what_ran_has_failed)
{
    left = (struct task_row){.id        = STR("0123456789abcdef0123456789abcdef"),
                             .principal = STR("local"),
                             .made      = clock_wall(),
                             .changed   = clock_wall(),
                             .status    = STR("completed"),
                             .outcome   = STR("{\"content\":[]}")};
    begin();
    task("tasks/get", left.id.data);
    assert_got(&house.ada, "\"status\":\"completed\"");
    assert_got(&house.ada, "\"result\":{\"content\":[]}");
    house_close();
    left.status  = STR("input_required");
    left.outcome = STR_NONE;
    begin();
    assert_string_equal(given[0].status, "failed");
    task("tasks/get", left.id.data);
    assert_got(&house.ada, "\"status\":\"failed\"");
    assert_got(&house.ada, "\"error\":{\"code\":-32603,\"message\":\"The server was restarted while the task ran\"}");
    house_close();
    left.principal = STR("eve");
    begin();
    task("tasks/get", left.id.data);
    assert_got(&house.ada, "\"code\":-32602");
    house_close();
    left = (struct task_row){0};
}
