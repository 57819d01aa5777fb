/* What takes long (io.modelcontextprotocol/tasks): a task for clients that follow tasks, a call that waits for others.
 */
#include <stdio.h>

#include "tables.h"

#define SOON MILLISECONDS(50)

static void
greet(struct request *r)
{
    request_say(r, "Hello, %.*s!", STR_ARG(request_string(r, "name")));
    request_finish(r);
}

static void
computed(struct request *r)
{
    request_say(r, "Computed %.*s", STR_ARG(request_string(r, "label")));
    request_finish(r);
}

static void
slow_compute(struct request *r)
{
    double seconds = request_number(r, "seconds");

    if (seconds == 0) {
        computed(r);
        return;
    }
    request_become_task(r);
    request_progress(r, 1, 2, "Computing");
    request_after(r, (mono_time)(seconds * SECONDS(1)), computed);
}

static void
job_failed(struct request *r)
{
    request_fail(r, "This job always fails");
}

static void
failing_job(struct request *r)
{
    request_become_task(r);
    request_after(r, SOON, job_failed);
}

static void
job_refused(struct request *r)
{
    request_refuse(r, 4001, "This job always ends in an error of the protocol");
}

static void
protocol_error_job(struct request *r)
{
    request_become_task(r);
    request_after(r, SOON, job_refused);
}

static void
confirm_delete(struct request *r)
{
    static const char form[] =
        JSON({"type":"object","properties":{"confirm":{"type":"boolean"}},"required":["confirm"]});
    struct str  file = request_string(r, "filename");
    char        question[200];
    yyjson_val *answer;

    request_become_task(r);
    snprintf(question, sizeof question, "Delete %.*s?", STR_ARG(str_take(file, 100)));
    answer = request_elicit(r, "confirm", question, form);
    if (answer == NULL)
        return;
    bool is_sure = yyjson_get_bool(yyjson_obj_get(elicitation_content(answer), "confirm"));
    request_say(r, "%s %.*s", is_sure ? "Deleted" : "Kept", STR_ARG(file));
    request_finish(r);
}

static const char name_form[] =
    JSON({"type":"object","properties":{"name":{"type":"string","description":"Your name"}},"required":["name"]});

static void
multi_input(struct request *r)
{
    yyjson_val *first, *second;

    request_become_task(r);
    first  = request_elicit(r, "first", "The first name?", name_form);
    second = request_elicit(r, "second", "The second name?", name_form);
    if (first == NULL || second == NULL)
        return;
    request_say(r, "%.*s and %.*s", STR_ARG(elicitation_string(first, "name")),
                STR_ARG(elicitation_string(second, "name")));
    request_finish(r);
}

static void
name_known(struct request *r)
{
    yyjson_val *answer = request_elicit(r, "user_name", "What is your name?", name_form);

    request_say(r, "Hello, %.*s!", STR_ARG(elicitation_string(answer, "name")));
    request_finish(r);
}

static void
asks_then_works(struct request *r)
{
    if (request_elicit(r, "user_name", "What is your name?", name_form) == NULL)
        return;
    request_become_task(r);
    request_after(r, SOON, name_known);
}

static const char greet_input[] = JSON({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]});
static const char compute_input[] =
    JSON({"type":"object","required":["seconds"],"properties":{
        "seconds":{"type":"number","minimum":0,"maximum":3600},"label":{"type":"string","default":"something"}}});
static const char delete_input[] =
    JSON({"type":"object","properties":{"filename":{"type":"string"}},"required":["filename"]});

/* clang-format off */
const struct tool task_tools[] = {
    {.name = "greet", .call = greet, .input = greet_input, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Greets someone by name, at once."},
    {.name = "slow_compute", .call = slow_compute, .input = compute_input, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Takes as long as it is told."},
    {.name = "failing_job", .call = failing_job, .needs = CLIENT_FOLLOWS_TASKS, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "A task that fails."},
    {.name = "protocol_error_job", .call = protocol_error_job, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "A task that ends in an error of the protocol."},
    {.name = "confirm_delete", .call = confirm_delete, .input = delete_input, .needs = CLIENT_ELICITS,
     .description = "Asks before it deletes; it has nothing to delete."},
    {.name = "multi_input", .call = multi_input, .needs = CLIENT_ELICITS,
     .description = "Asks two things at once, and goes on when both are known."},
    {.name = "test_tool_with_task", .call = asks_then_works, .needs = CLIENT_ELICITS,
     .description = "Asks first, then takes its time."},
    {0},
};
/* clang-format on */
