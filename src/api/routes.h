/* src/api/routes.h: the table of REST routes, and what a handler works with. For this room only. */
#ifndef GATEHOUSE_API_ROUTES_H
#define GATEHOUSE_API_ROUTES_H

#include "api/api.h"
#include "base/arena.h"

struct api {
    struct api_parts parts;
    size_t           running; /* jobs whose worker is not done */
};

/* One request while it is answered. What a worker needs of the request is copied into `arena` first: the client may
 * leave while it runs. Handlers fill `body` with JSON and set `status`. */
struct api_job {
    struct api          *api;
    struct http_request *request; /* NULL: the client left */
    const struct route  *route;
    struct arena        *arena;
    struct str           query; /* in the arena */
    struct str           name;  /* of the server in the path, decoded; in the arena */
    struct str           input; /* the request's body; in the arena when a worker runs */
    struct buffer        body;
    int                  status;
    bool                 looks_again; /* mcp.json was changed: the watch should look */
};

typedef void handler(struct api_job *job);

struct route {
    enum http_method method;
    const char      *path;    /* one segment may be {name} */
    bool             is_open; /* without the token */
    handler         *now;     /* on the network thread; NULL: nothing */
    handler         *work;    /* then on a worker; NULL: answered at once */
    const char      *text;
};

extern const struct route api_routes[]; /* ends with a route without path */

/* {"error": {"code", "message"}} as the Fiberplane gateway has it. */
void job_fail(struct api_job *job, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* By the error's code: 400, 404, 409, 503, 500. */
void job_fail_with(struct api_job *job, const struct error *err);
/* The next value of the parameter `name` in the query, decoded into the arena; *at is where to go on, 0 at first.
 * False: no more. */
bool job_parameter(struct api_job *job, const char *name, size_t *at, struct str *value);

handler health_live, health_ready, landing_page;
handler logs_list, logs_clear;
handler servers_list, sessions_list, clients_list, methods_list;
handler config_list, config_add, config_change, config_remove, server_check, server_restart;
handler status_now, status_stored;

#endif
