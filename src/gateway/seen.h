/* src/gateway/seen.h: what the gateway knows of its servers now, copied on the network thread for a worker to print. */
#ifndef GATEHOUSE_GATEWAY_SEEN_H
#define GATEHOUSE_GATEWAY_SEEN_H

#include "base/arena.h"
#include "gateway/gateway.h"

struct seen_server {
    struct server_status status; /* its texts are in the arena; `entry` in `registry` */
    struct str           name;   /* of the entry */
    struct str          *stderr_lines;
    size_t               stderr_count;
};

/* In an arena of whoever asked; the registry is held until that goes. */
struct seen {
    struct registry    *registry;
    struct seen_server *servers;
    size_t              count;
    mono_time           now;
};

enum { STDERR_IN_LIST = 50 };

/* NULL: no memory. `stderr_lines`: so many of each server's last ones. */
struct seen *seen_copy(const struct gateway *g, size_t stderr_lines, struct arena *arena);
/* NULL: no such server. Wrong ones and twins have the status of the first of the name. */
const struct seen_server *seen_find(const struct seen *seen, struct str name);

/* True, false, or not known (no `*known`): running and down are known; idle is not. */
bool seen_is_healthy(const struct seen_server *s, bool *known);

#endif
