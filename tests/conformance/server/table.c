/* All that the test server offers, as one table. */
#include "tables.h"

enum { TOOLS_MAX = 64 };

static struct tool tools[TOOLS_MAX]; /* ends with an empty one */
static size_t      tool_count;

static void
add_tools(const struct tool *more)
{
    for (; more->name != NULL && tool_count < TOOLS_MAX - 1; more++)
        tools[tool_count++] = *more;
}

const struct service_table *
conformance_table(void)
{
    static const struct service_table table = {
        .name         = "conformance-server",
        .title        = "Gatehouse's conformance server",
        .version      = GATEHOUSE_VERSION,
        .instructions = "All that the scenarios of @modelcontextprotocol/conformance call.",
        .tools        = tools,
        .resources    = test_resources,
        .templates    = test_templates,
        .prompts      = test_prompts,
        .logs         = true,
        .makes_tasks  = true,
    };

    if (tool_count == 0) {
        add_tools(content_tools);
        add_tools(asking_tools);
        add_tools(rounds_tools);
        add_tools(task_tools);
        add_tools(change_tools);
    }
    return &table;
}
