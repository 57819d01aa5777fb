/* The state of everything, for `gatehouse status` and for those who look after it. */
#include <stdio.h>
#include <time.h>

#include "api/routes.h"
#include "base/heap.h"
#include "base/live.h"
#include "child/tree.h"
#include "gateway/seen.h"

enum { CLIENTS_MAX = 1000 };

struct status_seen {
    struct seen          *servers;
    struct gateway_totals totals;
    size_t                objects[LIVE_KINDS];
    struct str            clients[CLIENTS_MAX]; /* different names; in the arena */
    size_t                client_count;
    struct arena         *arena;
};

static void
note_client(void *arg, struct str server, struct str client)
{
    struct status_seen *seen = arg;

    (void)server;
    for (size_t i = 0; i < seen->client_count; i++)
        if (str_eq(seen->clients[i], client))
            return;
    if (client.len == 0 || seen->client_count == CLIENTS_MAX)
        return;
    struct str copy = arena_str(seen->arena, client);
    if (copy.data != NULL)
        seen->clients[seen->client_count++] = copy;
}

void
status_see(struct api_job *job)
{
    const struct gateway *g    = job->api->parts.gateway;
    struct status_seen   *seen = ARENA_NEW(job->arena, struct status_seen);

    if (seen == NULL || (seen->servers = seen_copy(g, 0, job->arena)) == NULL) {
        job_fail(job, 503, "BUSY", "no memory");
        return;
    }
    seen->arena = job->arena;
    gateway_totals(g, &seen->totals);
    memcpy(seen->objects, live_counts, sizeof seen->objects);
    gateway_each_session(g, note_client, seen);
    job->seen = seen;
}

/* Midnight where we are. */
static wall_time
start_of_day(wall_time now)
{
    time_t    seconds = (time_t)(now / SECONDS(1));
    struct tm date;

    localtime_r(&seconds, &date);
    date.tm_hour = date.tm_min = date.tm_sec = 0;
    date.tm_isdst                            = -1;
    return (wall_time)mktime(&date) * SECONDS(1);
}

static void
print_microseconds(struct print *p, const char *key, int64_t us)
{
    if (us < 0)
        print_null(p, key);
    else
        print_number(p, key, us);
}

static void
print_calls(struct print *p, const struct call_figures *calls)
{
    print_open(p, "calls", '{');
    print_number(p, "today", (int64_t)calls->count);
    print_number(p, "failed", (int64_t)calls->failed);
    print_microseconds(p, "p50Us", calls->p50_us);
    print_microseconds(p, "p95Us", calls->p95_us);
    print_close(p, '}');
}

void
print_eras(struct print *p, const struct eras *eras)
{
    print_open(p, "eras", '[');
    if (eras->legacy == SPOKEN_YES)
        print_text(p, NULL, STR("legacy"));
    if (eras->modern == SPOKEN_YES)
        print_text(p, NULL, STR("modern"));
    print_close(p, ']');
}

static void
print_server(struct print *p, const struct seen_server *s, const struct status_seen *seen)
{
    const struct server_status *status = &s->status;
    const struct {
        const char *key;
        uint64_t    value;
    } numbers[] = {
        {"sessions", status->sessions},  {"callsInFlight", status->calls_in_flight},
        {"children", status->children},  {"pid", (uint64_t)status->pid},
        {"calls", status->calls},        {"errors", status->errors},
        {"oddLines", status->odd_lines}, {"refusedQuestions", status->refused_questions},
        {"dropped", status->dropped},    {"restarts", status->restarts},
    };
    wall_time since = status->since == 0 ? seen->totals.started : clock_wall_of(status->since);

    print_open(p, NULL, '{');
    print_text(p, "name", s->name);
    print_text(p, "kind", str_from(server_kind_name(status->entry->kind)));
    print_text(p, "state", str_from(server_state_name(status->state)));
    print_text(p, "detail", status->detail);
    print_number(p, "sinceSeconds", (clock_wall_of(seen->servers->now) - since) / SECONDS(1));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        print_number(p, numbers[i].key, (int64_t)numbers[i].value);
    print_text_or_null(p, "serverName", status->server_name);
    print_text_or_null(p, "serverVersion", status->server_version);
    print_text_or_null(p, "revision", status->revision);
    print_eras(p, &status->eras);
    print_close(p, '}');
}

static void
print_recorded(struct print *p, struct traffic *traffic, uint64_t rows, uint64_t file_bytes)
{
    struct traffic_stats stats = {.file_bytes = file_bytes};
    struct error         why   = {0};

    if (traffic != NULL)
        traffic_stats(traffic, &stats);
    print_open(p, "recorded", '{');
    print_bool(p, "captured", traffic != NULL);
    print_number(p, "lost", (int64_t)stats.lost);
    print_number(p, "missingBytes", (int64_t)stats.missing_bytes);
    print_time(p, "lostSince", stats.lost_since);
    print_bool(p, "full", stats.full);
    print_bool(p, "failing", stats.failing);
    if (traffic != NULL && traffic_failure(traffic, &why))
        print_text(p, "failure", str_from(why.text));
    else
        print_null(p, "failure");
    print_number(p, "fileBytes", (int64_t)(stats.file_bytes > 0 ? stats.file_bytes : file_bytes));
    print_number(p, "rows", (int64_t)rows);
    print_close(p, '}');
}

/* Of children: all processes below us, with the helpers that look after them. */
static void
print_memory(struct print *p, struct arena *arena, size_t children)
{
    struct tree *tree  = children == 0 ? NULL : ARENA_NEW(arena, struct tree);
    int64_t      bytes = 0;
    char         process[16];

    if (tree != NULL)
        tree_walk(tree, NULL, 0);
    for (size_t i = 0; tree != NULL && i < tree->count; i++) {
        snprintf(process, sizeof process, "%d", tree->pids[i]);
        bytes += (int64_t)heap_resident(process);
    }
    print_open(p, "memory", '{');
    print_number(p, "residentBytes", (int64_t)heap_resident("self"));
    print_number(p, "children", (int64_t)children);
    print_number(p, "childrenBytes", bytes);
    print_close(p, '}');
}

static void
print_live(struct print *p, const struct status_seen *seen)
{
    print_open(p, "sessions", '{');
    print_number(p, "open", (int64_t)seen->totals.sessions);
    print_open(p, "clients", '[');
    for (size_t i = 0; i < seen->client_count; i++)
        print_text(p, NULL, seen->clients[i]);
    print_close(p, ']');
    print_close(p, '}');
    print_open(p, "liveObjects", '{');
    print_number(p, "exchanges", (int64_t)seen->totals.exchanges);
    print_number(p, "streams", (int64_t)seen->totals.streams);
    print_number(p, "sessions", (int64_t)seen->totals.sessions);
    print_number(p, "retired", (int64_t)seen->totals.retired);
    print_close(p, '}');
    print_open(p, "objects", '{');
    for (size_t i = 0; i < LIVE_KINDS; i++)
        print_number(p, live_names[i], (int64_t)seen->objects[i]);
    print_close(p, '}');
}

static bool
read_figures(struct api_job *job, wall_time now, struct call_figures *calls, struct totals *totals)
{
    struct error   err    = {0};
    struct reader *reader = NULL;

    *calls  = (struct call_figures){.p50_us = -1, .p95_us = -1};
    *totals = (struct totals){0};
    if (!job_reader(job, &reader))
        return false;
    bool ok = reader == NULL ||
              (reader_call_figures(reader, start_of_day(now) - 1, calls, &err) && reader_totals(reader, totals, &err));
    reader_close(reader);
    if (!ok)
        job_fail_with(job, &err);
    return ok;
}

void
status_print(struct api_job *job)
{
    const struct status_seen *seen = job->seen;
    wall_time                 now  = clock_wall();
    struct print              p    = {.to = &job->body};
    struct call_figures       calls;
    struct totals             totals;
    char                      url[64];

    if (!read_figures(job, now, &calls, &totals))
        return;
    snprintf(url, sizeof url, "http://localhost:%u", job->api->parts.port);
    print_open(&p, NULL, '{');
    print_number(&p, "pid", getpid());
    print_text(&p, "version", STR(GATEHOUSE_VERSION));
    print_text(&p, "url", str_from(url));
    print_time(&p, "started", seen->totals.started);
    print_number(&p, "uptimeSeconds", (now - seen->totals.started) / SECONDS(1));
    print_calls(&p, &calls);
    print_open(&p, "servers", '[');
    for (size_t i = 0; i < seen->servers->count; i++)
        print_server(&p, &seen->servers->servers[i], seen);
    print_close(&p, ']');
    print_live(&p, seen);
    print_recorded(&p, job->api->parts.traffic, totals.count, totals.file_bytes);
    print_memory(&p, job->arena, seen->totals.children);
    print_close(&p, '}');
    job_finish(job, &p);
}
