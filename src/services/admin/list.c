/* The servers listed: what the gateway knows of them, and what the log says of their calls. */
#include "base/format.h"
#include "gateway/registry/input.h"
#include "gateway/seen.h"
#include "services/admin/parts.h"
#include "store/query.h"

#define ACTIVE_WITHIN (60 * MINUTES(1))

enum wanted { WANT_ALL, WANT_ACTIVE, WANT_INACTIVE };

struct figures {
    uint64_t  calls, failed;
    int64_t   p50_us; /* -1: not known */
    wall_time last;   /* 0: never */
};

/* In the job's arena. */
struct listing {
    struct seen    *seen;
    struct figures *figures; /* of each that was seen */
    enum wanted     wanted;
    bool            is_detailed;
    wall_time       now;
};

static bool
is_active(const struct listing *l, const struct figures *f)
{
    return f->last > 0 && l->now - f->last < ACTIVE_WITHIN;
}

static bool
is_wanted(const struct listing *l, const struct figures *f)
{
    return l->wanted == WANT_ALL || is_active(l, f) == (l->wanted == WANT_ACTIVE);
}

static size_t
count_active(const struct listing *l)
{
    size_t active = 0;

    for (size_t i = 0; i < l->seen->count; i++)
        active += is_active(l, &l->figures[i]);
    return active;
}

static bool
note_figures(const struct server_view *v, void *arg)
{
    struct listing           *l = arg;
    const struct seen_server *s = seen_find(l->seen, v->server);

    if (s != NULL)
        l->figures[s - l->seen->servers] = (struct figures){v->count, v->errors, v->p50_us, v->last};
    return true;
}

/* ---- in words ---- */

static void
say_head(struct job *job, const struct listing *l)
{
    size_t total = l->seen->count, active = count_active(l);

    if (registry_own(l->seen->registry) == 0)
        job_say(job, "No servers yet. Add one with add_server, for instance {\"name\": \"weather\", \"url\": "
                     "\"http://localhost:9000/mcp\"}");
    else if (l->wanted == WANT_ALL)
        job_say(job, "%zu server%s, %zu used in the last hour.", total, total == 1 ? "" : "s", active);
    else if (l->wanted == WANT_ACTIVE)
        job_say(job, "Used in the last hour: %zu of %zu.", active, total);
    else
        job_say(job, "Not used in the last hour: %zu of %zu.", total - active, total);
}

static void
say_headers(struct job *job, const struct server_entry *shown)
{
    for (size_t i = 0; i < shown->header_count; i++) {
        const struct server_pair *pair = &shown->headers[i];
        job_say(job, i == 0 ? "\n  headers  " : ", ");
        job_say_text(job, pair->name);
        job_say(job, ": ");
        job_say_text(job, pair->secret ? SECRET_MASK : pair->value);
    }
}

static void
say_details(struct job *job, const struct seen_server *s)
{
    const struct server_status *status = &s->status;
    const struct server_entry  *entry  = status->entry;
    struct buffer               target = {.max = KIB(128)};

    job->is_too_long |= !server_entry_print_target(entry, &target);
    job_say(job, "\n  at       ");
    job_say_text(job, buffer_str(&target));
    job_say(job, "\n  endpoint http://localhost:%u/s/%.*s/mcp", (unsigned)job->admin->parts.port, STR_ARG(s->name));
    say_headers(job, entry->written == NULL ? entry : entry->written);
    if (status->server_name.len > 0) {
        job_say(job, "\n  is       ");
        job_say_text(job, status->server_name);
        job_say(job, " ");
        job_say_text(job, status->server_version);
        job_say(job, ", speaks ");
        job_say_text(job, status->revision);
    }
    if (status->sessions > 0)
        job_say(job, "\n  sessions %zu open", status->sessions);
    buffer_clear(&target);
}

static void
say_server(struct job *job, const struct listing *l, size_t i)
{
    const struct seen_server   *s        = &l->seen->servers[i];
    const struct server_status *status   = &s->status;
    const struct figures       *f        = &l->figures[i];
    bool                        is_wrong = status->entry->kind == SERVER_WRONG;

    job_say(job, "\n");
    job_say_text(job, s->name);
    job_say(job, ": %s", server_state_name(status->state));
    if (status->detail.len > 0) {
        job_say(job, " (");
        job_say_text(job, status->detail);
        job_say(job, ")");
    }
    if (!is_wrong)
        job_say(job, ", %s", server_kind_name(status->entry->kind));
    if (f->last == 0) {
        job_say(job, ", never used");
    } else {
        job_say(job, ", %llu calls, %llu failed, used ", (unsigned long long)f->calls, (unsigned long long)f->failed);
        job_say_age(job, l->now - f->last);
        job_say(job, " ago");
    }
    if (l->is_detailed && f->p50_us >= 0) {
        job_say(job, ", p50 ");
        job->is_too_long |= !format_took(&job->text, f->p50_us);
    }
    if (l->is_detailed && !is_wrong)
        say_details(job, s);
}

static void
work(struct job *job)
{
    struct listing *l      = job->data;
    struct reader  *reader = reader_open(job->admin->parts.traffic_path, &job->err);

    if (reader == NULL && job->err.code == ERROR_NOT_FOUND)
        job->err = (struct error){0}; /* nothing passed yet */
    else if (reader == NULL || !reader_servers(reader, note_figures, l, &job->err))
        error_wrap(&job->err, "reading the log");
    reader_close(reader);
    if (job->err.code != ERROR_NONE)
        return;
    say_head(job, l);
    for (size_t i = 0; i < l->seen->count; i++)
        if (is_wanted(l, &l->figures[i]))
            say_server(job, l, i);
}

/* ---- as data ---- */

static void
put_headers(struct job *job, yyjson_mut_val *into, const struct server_entry *shown)
{
    yyjson_mut_doc *doc     = request_doc(job->request);
    yyjson_mut_val *headers = yyjson_mut_obj_add_obj(doc, into, "headers");

    for (size_t i = 0; i < shown->header_count; i++) {
        const struct server_pair *pair  = &shown->headers[i];
        struct str                value = pair->secret ? SECRET_MASK : pair->value;
        yyjson_mut_obj_add(headers, yyjson_mut_strncpy(doc, pair->name.data, pair->name.len),
                           yyjson_mut_strncpy(doc, value.data, value.len));
    }
}

static void
put_details(struct job *job, yyjson_mut_val *into, const struct seen_server *s, const struct figures *f)
{
    const struct server_status *status = &s->status;
    const struct server_entry  *entry  = status->entry;
    struct buffer               target = {.max = KIB(128)};

    job->is_too_long |= !server_entry_print_target(entry, &target);
    put_text(job, into, "target", buffer_str(&target));
    put_text(
        job, into, "endpoint",
        arena_printf(job->arena, "http://localhost:%u/s/%.*s/mcp", (unsigned)job->admin->parts.port, STR_ARG(s->name)));
    if (entry->kind == SERVER_HTTP)
        put_headers(job, into, entry->written == NULL ? entry : entry->written);
    put_text(job, into, "serverName", status->server_name);
    put_text(job, into, "serverVersion", status->server_version);
    put_text(job, into, "protocolVersion", status->revision);
    put_number(job, into, "sessions", (int64_t)status->sessions);
    put_milliseconds(job, into, "p50Ms", f->p50_us);
    buffer_clear(&target);
}

static void
put_server(struct job *job, yyjson_mut_val *into, const struct listing *l, size_t i)
{
    const struct seen_server   *s      = &l->seen->servers[i];
    const struct server_status *status = &s->status;
    const struct figures       *f      = &l->figures[i];

    put_text(job, into, "name", s->name);
    put_text(job, into, "type", str_from(server_kind_name(status->entry->kind)));
    put_text(job, into, "state", str_from(server_state_name(status->state)));
    put_text(job, into, "detail", status->detail);
    put_flag(job, into, "isActive", is_active(l, f));
    put_number(job, into, "calls", (int64_t)f->calls);
    put_number(job, into, "failed", (int64_t)f->failed);
    if (f->last > 0)
        put_time(job, into, "lastUsed", f->last);
    if (l->is_detailed && status->entry->kind != SERVER_WRONG)
        put_details(job, into, s, f);
}

static void
answer(struct job *job)
{
    const struct listing *l          = job->data;
    yyjson_mut_doc       *doc        = request_doc(job->request);
    yyjson_mut_val       *structured = yyjson_mut_obj(doc);
    yyjson_mut_val       *servers    = yyjson_mut_obj_add_arr(doc, structured, "servers");

    for (size_t i = 0; i < l->seen->count; i++)
        if (is_wanted(l, &l->figures[i]))
            put_server(job, yyjson_mut_arr_add_obj(doc, servers), l, i);
    put_number(job, structured, "total", (int64_t)l->seen->count);
    put_number(job, structured, "active", (int64_t)count_active(l));
    job_answer(job, structured);
}

void
list_servers(struct request *r)
{
    struct admin   *a      = request_owner(r);
    struct job     *job    = job_new(r, sizeof(struct listing));
    struct listing *l      = job == NULL ? NULL : job->data;
    struct str      filter = request_string(r, "filter");

    if (job == NULL)
        return;
    l->seen    = seen_copy(a->parts.gateway, 0, job->arena);
    l->figures = l->seen == NULL ? NULL : arena_alloc(job->arena, (l->seen->count + 1) * sizeof *l->figures);
    if (l->figures == NULL) {
        request_fail(r, "no memory");
        job_free(job);
        return;
    }
    for (size_t i = 0; i < l->seen->count; i++)
        l->figures[i] = (struct figures){.p50_us = -1};
    l->now         = clock_wall();
    l->wanted      = str_eq(filter, STR("active"))     ? WANT_ACTIVE
                     : str_eq(filter, STR("inactive")) ? WANT_INACTIVE
                                                       : WANT_ALL;
    l->is_detailed = str_eq(request_string(r, "format"), STR("detailed"));
    job_start(job, work, answer);
}
