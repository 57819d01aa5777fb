/* What there is in the log and in the registry: servers, sessions, clients, methods. */
#include "api/parameters.h"
#include "api/routes.h"
#include "gateway/seen.h"

void
servers_see(struct api_job *job)
{
    job->seen = seen_copy(job->api->parts.gateway, 0, job->arena);
    if (job->seen == NULL)
        job_fail(job, 503, "BUSY", "no memory");
}

static void
print_registered(struct print *p, const struct seen_server *s)
{
    const struct server_status *status = &s->status;
    const struct server_entry  *shown  = status->entry->written == NULL ? status->entry : status->entry->written;
    bool                        known, is_healthy = seen_is_healthy(s, &known);
    bool                        is_off  = status->state >= STATE_DOWN;
    wall_time                   checked = status->last_check == 0 ? 0 : clock_wall_of(status->last_check);

    print_open(p, NULL, '{');
    print_text(p, "name", s->name);
    print_text(p, "status", is_off ? STR("offline") : STR("online"));
    if (status->entry->kind == SERVER_HTTP)
        print_text(p, "url", shown->url);
    print_text(p, "health", !known ? STR("unknown") : is_healthy ? STR("up") : STR("down"));
    print_text(p, "state", str_from(server_state_name(status->state)));
    print_time(p, "lastCheckTime", checked);
    print_time(p, "lastHealthyTime", status->state == STATE_RUNNING ? checked : 0);
    print_time(p, "lastErrorTime", status->state == STATE_DOWN ? checked : 0);
    print_text_or_null(p, "errorMessage", is_off ? status->detail : STR_NONE);
    if (status->last_us > 0)
        print_milliseconds(p, "responseTimeMs", status->last_us);
    else
        print_null(p, "responseTimeMs");
}

struct servers_printing {
    struct print      *print;
    const struct seen *seen;
    bool              *is_logged; /* by place in `seen`: printed with its figures */
};

static void
print_figures(struct print *p, uint64_t count, uint64_t errors, wall_time last)
{
    print_number(p, "exchangeCount", (int64_t)count);
    print_number(p, "errorCount", (int64_t)errors);
    print_time(p, "lastActivity", last);
    print_close(p, '}');
}

/* Those that have logs: registered, or not any more. */
static bool
print_logged(const struct server_view *v, void *arg)
{
    struct servers_printing  *s    = arg;
    const struct seen_server *seen = seen_find(s->seen, v->server);

    if (seen != NULL) {
        s->is_logged[seen - s->seen->servers] = true;
        print_registered(s->print, seen);
    } else {
        print_open(s->print, NULL, '{');
        print_text(s->print, "name", v->server);
        print_text(s->print, "status", STR("not-found"));
    }
    print_figures(s->print, v->count, v->errors, v->last);
    return true;
}

void
servers_list(struct api_job *job)
{
    const struct seen      *seen   = job->seen;
    struct print            p      = {.to = &job->body};
    struct servers_printing s      = {&p, seen, arena_zalloc(job->arena, seen->count + 1)};
    struct error            err    = {0};
    struct reader          *reader = NULL;

    if (s.is_logged == NULL || !job_reader(job, &reader)) {
        if (s.is_logged == NULL)
            job_fail(job, 503, "BUSY", "no memory");
        return;
    }
    print_open(&p, NULL, '{');
    print_open(&p, "servers", '[');
    bool ok = reader == NULL || reader_servers(reader, print_logged, &s, &err);
    for (size_t i = 0; i < seen->count; i++) {
        if (s.is_logged[i])
            continue;
        print_registered(&p, &seen->servers[i]);
        print_figures(&p, 0, 0, 0);
    }
    print_close(&p, ']');
    print_close(&p, '}');
    reader_close(reader);
    job_end(job, &p, ok, &err);
}

static bool
print_session(const struct session_view *v, void *arg)
{
    struct print *p = arg;

    print_open(p, NULL, '{');
    print_text(p, "sessionId", v->session);
    print_text(p, "serverName", v->server);
    print_time(p, "startTime", v->start);
    print_time(p, "endTime", v->end);
    print_number(p, "logCount", (int64_t)v->count);
    print_close(p, '}');
    return true;
}

static bool
print_client(const struct client_view *v, void *arg)
{
    struct print *p = arg;

    print_open(p, NULL, '{');
    print_text(p, "clientName", v->name);
    print_text_or_null(p, "clientVersion", v->version);
    print_number(p, "logCount", (int64_t)v->count);
    print_number(p, "sessionCount", (int64_t)v->sessions);
    print_close(p, '}');
    return true;
}

static bool
print_method(const struct method_view *v, void *arg)
{
    struct print *p = arg;

    print_open(p, NULL, '{');
    print_text(p, "method", v->method);
    print_number(p, "logCount", (int64_t)v->count);
    print_close(p, '}');
    return true;
}

static bool
list_sessions(struct reader *r, struct str server, struct print *p, struct error *err)
{
    return reader_sessions(r, server, print_session, p, err);
}

static bool
list_clients(struct reader *r, struct str server, struct print *p, struct error *err)
{
    (void)server;
    return reader_clients(r, print_client, p, err);
}

static bool
list_methods(struct reader *r, struct str server, struct print *p, struct error *err)
{
    return reader_methods(r, server, print_method, p, err);
}

static void
print_list(struct api_job *job, const char *key,
           bool (*list)(struct reader *r, struct str server, struct print *p, struct error *err))
{
    struct print      p   = {.to = &job->body};
    struct error      err = {0};
    struct parameters given;
    struct str        server = STR_NONE;
    struct reader    *reader = NULL;

    if (!parameters_read(&given, job->query, job->arena, &err)) {
        job_fail_with(job, &err);
        return;
    }
    parameters_get(&given, "server", &server);
    if (!job_reader(job, &reader))
        return;
    print_open(&p, NULL, '{');
    print_open(&p, key, '[');
    bool ok = reader == NULL || list(reader, server, &p, &err);
    print_close(&p, ']');
    print_close(&p, '}');
    reader_close(reader);
    job_end(job, &p, ok, &err);
}

void
sessions_list(struct api_job *job)
{
    print_list(job, "sessions", list_sessions);
}

void
clients_list(struct api_job *job)
{
    print_list(job, "clients", list_clients);
}

void
methods_list(struct api_job *job)
{
    print_list(job, "methods", list_methods);
}
