/* src/api/api.h: REST for people's programs: the log, the servers, their configuration; health for operators.
 *
 * Same paths and shapes as the Fiberplane gateway's (docs/api.md), and more. Guarded by the local token, but for
 * /healthz and /readyz. What blocks (the database, mcp.json) runs on a worker. Owned by the network thread. */
#ifndef GATEHOUSE_API_API_H
#define GATEHOUSE_API_API_H

#include "gateway/errand.h"
#include "guard/token.h"

struct api;

/* All borrowed, and outlive the API. */
struct api_parts {
    const struct settings    *settings;
    struct gateway           *gateway;
    struct errands           *errands;       /* closed before the API is freed */
    struct traffic           *traffic;       /* NULL: nothing is captured */
    const char               *traffic_path;  /* traffic.db */
    const char               *registry_path; /* mcp.json */
    const struct local_token *token;
    uint16_t                  port;
};

struct api *api_new(const struct api_parts *parts, struct error *err);
/* NULL is nothing. */
void api_free(struct api *a);

/* Whether the path is ours: /, /healthz, /readyz, /api/... */
bool api_owns(struct str path);
/* The head is there, the body not: 401, 404, 405, 415 are answered here. */
void api_take_head(struct api *a, struct http_request *r);
void api_take_request(struct api *a, struct http_request *r);

#endif
