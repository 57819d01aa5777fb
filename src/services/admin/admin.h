/* src/services/admin/admin.h: Gatehouse's own MCP server: a model adds, removes and lists servers, and searches the
 * log.
 *
 * The tools are the Fiberplane gateway's, and take what theirs take. Whoever may call them has brought the local token;
 * still it is a model that calls, and it may have been talked into what it asks for. So what a person would not hand to
 * it is refused unless admin.mcp_commands allows it: to run a command, and to read our environment (`${NAME}`). Calls
 * are not on record: what is added may hold credentials. What was changed is said on stderr. */
#ifndef GATEHOUSE_SERVICES_ADMIN_ADMIN_H
#define GATEHOUSE_SERVICES_ADMIN_ADMIN_H

#include "gateway/errand.h"
#include "mcp/service/running.h"

struct admin;

/* All borrowed, and outlive it. */
struct admin_parts {
    struct loop              *loop;
    const struct settings    *settings;
    struct gateway           *gateway;
    struct errands           *errands;
    const struct session_key *session_key;
    const char               *traffic_path;  /* traffic.db */
    const char               *registry_path; /* mcp.json */
    uint16_t                  port;
};

struct admin *admin_new(const struct admin_parts *parts, struct error *err);
/* Its errands are closed before. NULL is nothing. */
void            admin_free(struct admin *a);
struct service *admin_service(struct admin *a);

#endif
