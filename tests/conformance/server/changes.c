/* What is told to clients that want to hear of changes. Nothing really changes: lists stay as they are, and in order.
 */
#include "tables.h"

static void
tools_changed(struct request *r)
{
    service_tools_changed(request_service(r));
    request_say(r, "Who wants to know is told that the tools have changed.");
    request_finish(r);
}

static void
prompts_changed(struct request *r)
{
    service_prompts_changed(request_service(r));
    request_say(r, "Who wants to know is told that the prompts have changed.");
    request_finish(r);
}

static void
resources_changed(struct request *r)
{
    service_resources_changed(request_service(r));
    request_say(r, "Who wants to know is told that the resources have changed.");
    request_finish(r);
}

static void
resource_updated(struct request *r)
{
    service_resource_updated(request_service(r), request_string(r, "uri"));
    request_say(r, "Who watches it is told.");
    request_finish(r);
}

static const char uri_input[] =
    JSON({"type":"object","properties":{
    "uri":{"type":"string","default":"test://watched-resource"}}});

/* clang-format off */
const struct tool change_tools[] = {
    {.name = "test_trigger_tool_change", .call = tools_changed, .is_unlisted = true,
     .description = "Says that the tools have changed."},
    {.name = "test_trigger_prompt_change", .call = prompts_changed, .is_unlisted = true,
     .description = "Says that the prompts have changed."},
    {.name = "test_trigger_resource_change", .call = resources_changed, .is_unlisted = true,
     .description = "Says that the resources have changed."},
    {.name = "test_trigger_resource_update", .call = resource_updated, .input = uri_input, .is_unlisted = true,
     .description = "Says that a resource has other contents."},
    {0},
};
/* clang-format on */
