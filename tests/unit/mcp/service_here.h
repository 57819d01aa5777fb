/* tests/unit/mcp/service_here.h: the little of a running service that its rules ask for. */
#ifndef GATEHOUSE_TESTS_UNIT_MCP_SERVICE_HERE_H
#define GATEHOUSE_TESTS_UNIT_MCP_SERVICE_HERE_H

#include <stdlib.h>

#include "mcp/service/running.h"

struct service {
    const struct service_table *table;
    struct service_parts        parts;
};

static inline struct service *
service_here(const struct service_table *table, const struct service_parts *parts)
{
    struct service *s = malloc(sizeof *s);

    *s = (struct service){table, *parts};
    return s;
}

static inline void
service_gone(struct service *s)
{
    free(s);
}

const struct service_table *
service_table_of(const struct service *s)
{
    return s->table;
}

const struct service_parts *
service_parts_of(const struct service *s)
{
    return &s->parts;
}

const struct tool *
service_tool(const struct service *s, struct str name)
{
    for (const struct tool *tool = s->table->tools; tool->name != NULL; tool++)
        if (str_eq(str_from(tool->name), name))
            return tool;
    return NULL;
}

bool
service_has_method(const struct service *s, struct str method)
{
    (void)s;
    return str_eq(method, STR("tools/list")) || str_eq(method, STR("tools/call")) ||
           str_eq(method, STR("resources/read")) || str_eq(method, STR("tasks/get")) || str_eq(method, STR("x/y"));
}

#endif
