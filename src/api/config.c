/* The configuration: what mcp.json says of each server and how that server is; changing it.
 *
 * Values of secret headers and variables are shown as SECRET_MASK unless asked for with secrets=show. */
#include "api/parameters.h"
#include "api/routes.h"
#include "gateway/registry/input.h"
#include "gateway/seen.h"

void
config_see(struct api_job *job)
{
    size_t lines = job->name.len > 0 ? SIZE_MAX : STDERR_IN_LIST;

    job->seen = seen_copy(job->api->parts.gateway, lines, job->arena);
    if (job->seen == NULL)
        job_fail(job, 503, "BUSY", "no memory");
}

static void
print_pairs(struct print *p, const char *key, const struct server_pair *pairs, size_t count, bool shows_secrets)
{
    print_open(p, key, '{');
    for (size_t i = 0; i < count; i++) {
        char *name = strndup(pairs[i].name.data, pairs[i].name.len); /* a key of print is NUL-terminated */
        p->failed |= name == NULL;
        if (name != NULL)
            print_text(p, name, pairs[i].secret && !shows_secrets ? SECRET_MASK : pairs[i].value);
        free(name);
    }
    print_close(p, '}');
}

static void
print_http(struct print *p, const struct server_entry *e, bool shows_secrets)
{
    print_text(p, "type", e->is_sse ? STR("sse") : STR("http"));
    print_text(p, "url", e->url);
    print_pairs(p, "headers", e->headers, e->header_count, shows_secrets);
}

static void
print_stdio(struct print *p, const struct server_entry *e, bool shows_secrets)
{
    print_text(p, "type", STR("stdio"));
    print_text(p, "command", str_from(e->argv[0]));
    print_open(p, "args", '[');
    for (size_t i = 1; i < e->arg_count; i++)
        print_text(p, NULL, str_from(e->argv[i]));
    print_close(p, ']');
    print_pairs(p, "env", e->env, e->env_count, shows_secrets);
    print_text_or_null(p, "cwd", str_from(e->cwd));
    if (e->env_file != NULL)
        print_text(p, "envFile", str_from(e->env_file));
    print_text(p, "sessionMode", e->isolated ? STR("isolated") : STR("shared"));
}

static void
print_built_in(struct print *p, const struct server_entry *e)
{
    print_text(p, "type", STR("built-in"));
    print_text(p, "about", str_from(e->about));
}

static void
print_process(struct print *p, const struct seen_server *s)
{
    static const char *const words[] = {
        [STATE_IDLE] = "stopped", [STATE_RUNNING] = "running", [STATE_STARTING] = "starting",
        [STATE_DOWN] = "crashed", [STATE_WRONG] = "stopped",   [STATE_DISABLED] = "stopped"};

    print_open(p, "processState", '{');
    print_text(p, "status", str_from(words[s->status.state]));
    if (s->status.pid > 0)
        print_number(p, "pid", s->status.pid);
    else
        print_null(p, "pid");
    print_text_or_null(p, "lastError", s->status.state == STATE_DOWN ? s->status.detail : STR_NONE);
    print_open(p, "stderrLogs", '[');
    for (size_t i = 0; i < s->stderr_count; i++)
        print_text(p, NULL, s->stderr_lines[i]);
    print_close(p, ']');
    print_number(p, "sessionCount", (int64_t)s->status.sessions);
    print_number(p, "processCount", (int64_t)s->status.children);
    print_close(p, '}');
}

static void
print_health(struct print *p, const struct seen_server *s)
{
    bool known, is_healthy = seen_is_healthy(s, &known);

    print_time(p, "lastCheckTime", s->status.last_check == 0 ? 0 : clock_wall_of(s->status.last_check));
    if (known)
        print_bool(p, "isHealthy", is_healthy);
    else
        print_null(p, "isHealthy");
    if (s->status.last_us > 0)
        print_milliseconds(p, "responseTimeMs", s->status.last_us);
    else
        print_null(p, "responseTimeMs");
}

static void
print_config(struct print *p, const char *key, const struct seen_server *s, bool shows_secrets)
{
    const struct server_entry *entry = s->status.entry;
    const struct server_entry *shown = entry->written == NULL ? entry : entry->written;

    print_open(p, key, '{');
    print_text(p, "name", s->name);
    if (entry->kind == SERVER_HTTP)
        print_http(p, shown, shows_secrets);
    else if (entry->kind == SERVER_STDIO)
        print_stdio(p, shown, shows_secrets);
    else if (entry->kind == SERVER_SERVICE)
        print_built_in(p, entry);
    else
        print_null(p, "type");
    if (entry->kind != SERVER_WRONG) {
        print_number(p, "timeout", entry->timeout / MILLISECONDS(1));
        print_bool(p, "enabled", entry->enabled);
    }
    print_text(p, "state", str_from(server_state_name(s->status.state)));
    print_text_or_null(p, "detail", s->status.detail);
    print_text_or_null(p, "error", str_from(entry->error));
    print_text_or_null(p, "note", str_from(entry->note));
    if (entry->line > 0)
        print_number(p, "line", entry->line);
    else
        print_null(p, "line");
    print_health(p, s);
    print_eras(p, &s->status.eras);
    if (entry->kind == SERVER_STDIO)
        print_process(p, s);
    print_close(p, '}');
}

static bool
read_secrets_wanted(struct api_job *job, bool *wanted)
{
    struct parameters given;
    struct error      err = {0};
    struct str        value;

    *wanted = false;
    if (!parameters_read(&given, job->query, job->arena, &err)) {
        job_fail_with(job, &err);
        return false;
    }
    if (!parameters_get(&given, "secrets", &value))
        return true;
    *wanted = str_eq(value, STR("show"));
    if (!*wanted)
        job_fail(job, 400, "INVALID_PARAM", "secrets must be show, or be left out");
    return *wanted;
}

void
config_list(struct api_job *job)
{
    const struct seen *seen = job->seen;
    struct print       p    = {.to = &job->body};
    bool               shows_secrets;

    if (!read_secrets_wanted(job, &shows_secrets))
        return;
    print_open(&p, NULL, '{');
    print_open(&p, "servers", '[');
    for (size_t i = 0; i < seen->count; i++)
        print_config(&p, NULL, &seen->servers[i], shows_secrets);
    print_close(&p, ']');
    print_text_or_null(&p, "error", str_from(seen->registry->file_error.text));
    print_close(&p, '}');
    job_finish(job, &p);
}

static void
fail_not_found(struct api_job *job)
{
    job_fail(job, 404, "NOT_FOUND", "no server is named \"%.*s\"", STR_ARG(str_take(job->name, 80)));
}

void
config_show(struct api_job *job)
{
    const struct seen        *seen = job->seen;
    const struct seen_server *s    = seen_find(seen, job->name);
    struct print              p    = {.to = &job->body};
    bool                      shows_secrets;

    if (s == NULL) {
        fail_not_found(job);
        return;
    }
    if (!read_secrets_wanted(job, &shows_secrets))
        return;
    print_open(&p, NULL, '{');
    print_config(&p, "server", s, shows_secrets);
    print_close(&p, '}');
    job_finish(job, &p);
}

void
config_add(struct api_job *job)
{
    struct print p   = {.to = &job->body};
    struct error err = {0};
    struct str   name, entry;

    if (!registry_input_read(job->input, job->arena, &name, &entry, &err) ||
        !registry_add(job->api->parts.registry_path, name, entry, &err)) {
        job_fail_with(job, &err);
        return;
    }
    print_open(&p, NULL, '{');
    print_bool(&p, "success", true);
    print_json(&p, "server", job->input); /* as it was given */
    print_close(&p, '}');
    job_finish(job, &p);
    job->status             = 201;
    job->errand.looks_again = true;
}

void
config_change(struct api_job *job)
{
    struct print p   = {.to = &job->body};
    struct error err = {0};
    struct str   name, members;

    if (!registry_input_read(job->input, job->arena, &name, &members, &err)) {
        job_fail_with(job, &err);
        return;
    }
    if (name.len > 0 && !str_eq(name, job->name)) {
        job_fail(job, 400, "INVALID_PARAM", "a name can't change: remove the server and add it under the new one");
        return;
    }
    if (!registry_change(job->api->parts.registry_path, job->name, members, &err)) {
        job_fail_with(job, &err);
        return;
    }
    print_open(&p, NULL, '{');
    print_bool(&p, "success", true);
    print_text(&p, "message", STR("changed"));
    print_close(&p, '}');
    job_finish(job, &p);
    job->errand.looks_again = true;
}

void
config_remove(struct api_job *job)
{
    struct error err = {0};

    if (!registry_remove(job->api->parts.registry_path, job->name, &err)) {
        job_fail_with(job, &err);
        return;
    }
    job->status             = 204;
    job->errand.looks_again = true;
}

/* What is known from the calls that passed, and of its child: nothing is asked, and nothing started. */
void
server_check(struct api_job *job)
{
    struct print              p    = {.to = &job->body};
    struct seen              *seen = seen_copy(job->api->parts.gateway, 0, job->arena);
    const struct seen_server *s    = seen == NULL ? NULL : seen_find(seen, job->name);
    bool                      known, is_healthy;

    if (seen == NULL) {
        job_fail(job, 503, "BUSY", "no memory");
        return;
    }
    if (s == NULL) {
        fail_not_found(job);
        return;
    }
    is_healthy = seen_is_healthy(s, &known);
    print_open(&p, NULL, '{');
    if (known)
        print_bool(&p, "isHealthy", is_healthy);
    else
        print_null(&p, "isHealthy");
    if (s->status.last_us > 0)
        print_milliseconds(&p, "responseTimeMs", s->status.last_us);
    else
        print_null(&p, "responseTimeMs");
    print_time(&p, "checkedAt", s->status.last_check == 0 ? 0 : clock_wall_of(s->status.last_check));
    print_text(&p, "state", str_from(server_state_name(s->status.state)));
    print_text_or_null(&p, "detail", s->status.detail);
    print_close(&p, '}');
    job_finish(job, &p);
}

static void
note_isolated(void *arg, const struct server_status *status)
{
    *(bool *)arg = status->entry->kind == SERVER_STDIO && status->entry->isolated;
}

void
server_restart(struct api_job *job)
{
    struct gateway *g           = job->api->parts.gateway;
    struct print    p           = {.to = &job->body};
    struct error    err         = {0};
    bool            is_isolated = false;

    gateway_server(g, job->name, note_isolated, &is_isolated);
    if (is_isolated) {
        job_fail(job, 400, "INVALID_PARAM", "each session has a child of its own: only a shared one can be restarted");
        return;
    }
    if (!gateway_restart_server(g, job->name, &err)) {
        job_fail_with(job, &err);
        return;
    }
    print_open(&p, NULL, '{');
    print_bool(&p, "success", true);
    print_text(&p, "message", STR("its child is being stopped; it starts again when it is next needed"));
    print_close(&p, '}');
    job_finish(job, &p);
}
