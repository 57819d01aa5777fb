/* bench/ask.c: calls tools of an MCP server one after the other, and says how long each call took.
 *
 *   ask --url http://127.0.0.1:PORT/path --calls FILE [--warm N]
 *   ask --calls FILE [--warm N] -- COMMAND [ARGUMENT...]
 *
 * FILE has a call a line: the tool, a tab, its arguments as JSON; the first N are not timed. The server is reached over
 * one HTTP connection, or is a command on whose stdin and stdout it speaks, which ends when its stdin does. A call is
 * timed from before its first byte is sent until its answer is whole; one whose answer is an error, of the tool or of
 * the protocol, counts as failed. Prints the calls, those that failed and the microseconds as JSON. Exit code 0: none
 * failed. */
#include "client.h"
#include "histogram.h"
#include "json.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REASONS_MAX 5   /* failures told to people; all are counted */
#define CALL_MOST   300 /* s: who takes longer is given up */

struct child {
    pid_t  pid;
    FILE  *to, *from;
    char  *line; /* of getline() */
    size_t room;
};

struct server {
    bool          is_child;
    struct child  child;
    struct target target;
    struct client client;
};

static uint64_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What it says on stderr is nothing we measure. */
static bool
child_start(struct child *c, char **command)
{
    posix_spawn_file_actions_t actions;
    int                        in[2], out[2];

    if (pipe(in) < 0 || pipe(out) < 0)
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0); /* O_WRONLY */
    for (int i = 0; i < 2; i++) {
        posix_spawn_file_actions_addclose(&actions, in[i]);
        posix_spawn_file_actions_addclose(&actions, out[i]);
    }
    bool ok = posix_spawnp(&c->pid, command[0], &actions, NULL, command, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    c->to   = fdopen(in[1], "w");
    c->from = fdopen(out[0], "r");
    return ok && c->to != NULL && c->from != NULL;
}

static bool
child_say(struct child *c, struct span message)
{
    return fwrite(message.data, 1, message.len, c->to) == message.len && fputc('\n', c->to) != EOF &&
           fflush(c->to) == 0;
}

/* The next answer; what it says unasked is passed over. */
static bool
child_hear(struct child *c, struct span *message)
{
    struct span id;
    ssize_t     len;

    while ((len = getline(&c->line, &c->room, c->from)) > 0) {
        *message = (struct span){c->line, (size_t)len};
        if (json_at(*message, "id", &id))
            return true;
    }
    return false;
}

static bool
child_open(struct child *c, char **command)
{
    struct span answer, result;

    return child_start(c, command) &&
           child_say(c, SPAN("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
                             "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"gatehouse-bench\","
                             "\"version\":\"1.0.0\"}}}")) &&
           child_hear(c, &answer) && json_at(answer, "result", &result) &&
           child_say(c, SPAN("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
}

static void
child_end(struct child *c)
{
    if (c->to != NULL)
        fclose(c->to);
    if (c->pid > 0)
        waitpid(c->pid, NULL, 0);
    if (c->from != NULL)
        fclose(c->from);
    free(c->line);
}

/* Sends a call and waits for its answer. */
static bool
exchange(struct server *s, const char *tool, struct span body, struct span *answer)
{
    alarm(CALL_MOST);
    if (s->is_child)
        return child_say(&s->child, body) && child_hear(&s->child, answer);
    return client_exchange(&s->client, (struct rpc){"tools/call", tool}, body) && s->client.in.status == 200 &&
           client_message(&s->client.in, answer);
}

static bool
is_right(struct span answer)
{
    struct span result, is_error;

    return json_at(answer, "result", &result) &&
           !(json_at(result, "isError", &is_error) && span_equal(is_error, SPAN("true")));
}

/* One line of the file; `took` NULL: not timed. False: it failed. */
static bool
call(struct server *s, char *line, uint64_t number, struct histogram *took, struct bytes *body)
{
    char       *tab    = strchr(line, '\t');
    struct span answer = {0};

    if (tab == NULL)
        return false;
    *tab      = '\0';
    body->len = 0;
    bytes_addf(body,
               "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\",\"arguments\":",
               (unsigned long long)number, line);
    bytes_add(body, (struct span){tab + 1, strcspn(tab + 1, "\n")});
    bytes_add(body, SPAN("}}"));

    uint64_t began = now();
    bool     ok    = exchange(s, line, (struct span){body->data, body->len}, &answer);
    if (took != NULL)
        histogram_add(took, now() - began);
    ok = ok && is_right(answer);
    if (!ok)
        fprintf(stderr, "ask: %s: %.*s %s\n", line, (int)(answer.len > 300 ? 300 : answer.len),
                answer.len == 0 ? "" : answer.data, s->client.why);
    if (!s->is_child)
        http_next(&s->client.in);
    return ok;
}

static bool
call_all(struct server *s, FILE *calls, uint64_t warm)
{
    struct histogram *took   = calloc(1, sizeof *took);
    struct bytes      body   = {0};
    char             *line   = NULL;
    size_t            room   = 0;
    uint64_t          number = 0, errors = 0;

    for (; took != NULL && errors < REASONS_MAX && getline(&line, &room, calls) > 0; number++)
        errors += call(s, line, number + 1, number < warm ? NULL : took, &body) ? 0 : 1;
    if (took != NULL)
        printf("{\"calls\":%llu,\"errors\":%llu,\"p50_us\":%.2f,\"p95_us\":%.2f,\"p99_us\":%.2f,\"max_us\":%.2f}\n",
               (unsigned long long)took->count, (unsigned long long)errors, (double)histogram_share(took, 0.5) / 1e3,
               (double)histogram_share(took, 0.95) / 1e3, (double)histogram_share(took, 0.99) / 1e3,
               (double)took->max / 1e3);
    bytes_clear(&body);
    free(line);
    free(took);
    return number > 0 && errors == 0;
}

int
main(int argc, char **argv)
{
    struct server s     = {0};
    FILE         *calls = NULL;
    uint64_t      warm  = 0;
    int           i     = 1;

    for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
        if (strcmp(argv[i], "--calls") == 0 && (calls = fopen(argv[i + 1], "re")) != NULL)
            continue;
        if (strcmp(argv[i], "--warm") == 0 && (warm = strtoull(argv[i + 1], NULL, 10)) > 0)
            continue;
        if (strcmp(argv[i], "--url") != 0 || !target_parse(&s.target, argv[i + 1]))
            break;
    }
    s.is_child = i + 1 < argc && strcmp(argv[i], "--") == 0;
    if (calls == NULL || s.is_child == (s.target.port != 0)) {
        fprintf(stderr, "usage: ask --calls FILE [--warm N] --url http://127.0.0.1:PORT/path\n"
                        "       ask --calls FILE [--warm N] -- COMMAND [ARGUMENT...]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    client_init(&s.client, &s.target);

    bool ok = s.is_child ? child_open(&s.child, argv + i + 1) : client_open(&s.client);
    if (!ok)
        fprintf(stderr, "ask: the server did not open: %s\n", s.client.why);
    ok = ok && call_all(&s, calls, warm);
    if (s.is_child)
        child_end(&s.child);
    client_clear(&s.client);
    fclose(calls);
    return ok ? 0 : 1;
}
