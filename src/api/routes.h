/* src/api/routes.h: the table of REST routes, and what a handler works with. For this room only. */
#ifndef GATEHOUSE_API_ROUTES_H
#define GATEHOUSE_API_ROUTES_H

#include "api/api.h"
#include "api/print.h"
#include "base/arena.h"
#include "store/query.h"

struct seen;
struct eras;

struct api {
    struct api_parts parts;
};

/* One request while it is answered. What a worker needs of the request is copied into `arena` first: the client may
 * leave while it runs. Handlers fill `body` with JSON and set `status`. */
struct api_job {
    struct api          *api;
    struct http_request *request; /* NULL: the client left */
    const struct route  *route;
    struct arena        *arena;
    struct str           query; /* in the arena */
    struct str           name;  /* what stands for {name} or {id} in the path, decoded; in the arena */
    struct str           input; /* the request's body; in the arena when a worker runs */
    struct buffer        body;
    int                  status;
    void                *seen; /* what `now` copied for `work`; in the arena: struct seen, struct status_seen */
    struct errand        errand;
};

typedef void handler(struct api_job *job);

struct route {
    enum http_method method;
    const char      *path;    /* one segment may be {name} or {id} */
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
/* Ends the body with a line end; 500 when it did not fit. */
void job_finish(struct api_job *job, const struct print *p);
/* With what was printed, or with what failed. */
void job_end(struct api_job *job, const struct print *p, bool ok, const struct error *err);
/* Opens the log for a worker's reading; the caller closes it. *out is NULL when there is none yet. False: the job has
 * failed. */
bool job_reader(struct api_job *job, struct reader **out);

/* "eras": those that it has shown to speak: to clients of the other it is bridged. */
void print_eras(struct print *p, const struct eras *eras);

handler health_live, health_ready, landing_page;
handler logs_list, log_show, logs_clear;
handler servers_see, servers_list, sessions_list, clients_list, methods_list;
handler config_see, config_list, config_show, config_add, config_change, config_remove;
handler server_check, server_restart;
handler status_see, status_print;

#endif
