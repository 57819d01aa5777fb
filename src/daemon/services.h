/* src/daemon/services.h: what is built in (built_ins, gateway/registry.h), for whoever runs it: the daemon for clients
 * at /s/{name}/mcp, the command line on stdin and stdout. */
#ifndef GATEHOUSE_DAEMON_SERVICES_H
#define GATEHOUSE_DAEMON_SERVICES_H

#include "base/settings.h"
#include "gateway/gateway.h"

struct services;

/* Borrowed, and outlive them, but for the struct itself. What a service has to tell the person is logged. */
struct services_parts {
    struct loop              *loop;
    const struct session_key *session_key;
    const struct settings    *settings;
    char *const              *environment;
};

/* All of them, or with `only` that one, which is built in. NULL: `err`. */
struct services *services_new(const struct services_parts *parts, const char *only, struct error *err);
/* What was acknowledged is on the disk by then. NULL is nothing. */
void services_free(struct services *s);

/* As gateway_parts has it. */
const struct gateway_service *services_of(const struct services *s);
/* Where it keeps what it has. */
const char *services_path(const struct services *s, const char *name);

#endif
