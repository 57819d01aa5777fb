/* src/daemon/services.h: what is built in (built_ins, gateway/registry/registry.h), for whoever runs it: the daemon for
 * clients at /s/{name}/mcp, the command line on stdin and stdout. */
#ifndef GATEHOUSE_DAEMON_SERVICES_H
#define GATEHOUSE_DAEMON_SERVICES_H

#include "base/settings.h"
#include "mcp/service/running.h"

struct services;

/* Borrowed, and outlive them, but for the struct itself. What a service has to tell the person is logged. */
struct services_parts {
    struct loop              *loop;
    const struct session_key *session_key;
    const struct settings    *settings;
    char *const              *environment;
};

/* Makes none yet. NULL: no memory. */
struct services *services_new(const struct services_parts *parts);
/* What was acknowledged is on the disk by then. NULL is nothing. */
void services_free(struct services *s);

/* Made when it is first asked for: what is switched off touches nothing. NULL: `err`. */
struct service *services_find(struct services *s, struct str name, struct error *err);
/* Where it keeps what it has; it was found before. */
const char *services_path(const struct services *s, struct str name);

#endif
