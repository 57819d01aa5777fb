/* src/daemon/served.h: the MCP servers that live in the process, at their paths; so far the admin (services/admin).
 *
 * Under the local token, as the REST API; Host and Origin were checked before. Their exchanges are not on record. */
#ifndef GATEHOUSE_DAEMON_SERVED_H
#define GATEHOUSE_DAEMON_SERVED_H

#include "guard/token.h"
#include "mcp/service/endpoint.h"
#include "services/admin/admin.h"

struct served {
    const struct local_token *token;
    struct exchanges          exchanges;
    struct admin             *admin;
    struct endpoint          *admin_endpoint;
    bool                      is_up, is_draining;
};

/* `token` is borrowed. Half-open it is closed by served_close. */
bool served_open(struct served *s, const struct admin_parts *admin, const struct local_token *token, struct error *err);
/* Zeroed is nothing. */
void served_close(struct served *s);

/* Whether the path is one of theirs: /gateway/mcp, /g/mcp. */
bool served_owns(struct str path);
void served_take_head(struct served *s, struct http_request *r);
void served_take_request(struct served *s, struct http_request *r);

/* No new calls; those in flight go on, streams end. */
void served_drain(struct served *s);
/* Ends what is still in flight. */
void   served_cut(struct served *s);
size_t served_in_flight(const struct served *s);

#endif
