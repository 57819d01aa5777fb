/* src/guard/origin.h: who may speak to us through a browser: nobody on another origin.
 *
 * A page on another site can make a browser send requests to loopback, and with a name of its own that resolves there
 * (DNS rebinding) even read the answers. Host must be a name of ours, Origin absent or ours, and what the browser says
 * of itself (Fetch Metadata) must be our own page or the person. MCP basic/transports "Security Warning"; Fetch
 * Metadata (W3C). */
#ifndef GATEHOUSE_GUARD_ORIGIN_H
#define GATEHOUSE_GUARD_ORIGIN_H

#include "base/error.h"
#include "http/server.h"

struct origin_rules {
    uint16_t   port;          /* ours */
    struct str allowed_hosts; /* names beside localhost, 127.0.0.1 and [::1]; comma separated; with or without a port */
};

/* False: ERROR_DENIED with words for the client. `is_page`: a path that a person may open in the browser's address bar.
 */
bool origin_check(const struct origin_rules *rules, const struct http_request *r, bool is_page, struct error *err);

#endif
