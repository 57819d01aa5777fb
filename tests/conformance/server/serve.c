#include "serve.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/live.h"
#include "base/random.h"
#include "guard/origin.h"
#include "mcp/service/endpoint.h"
#include "mcp/service/stdio.h"
#include "store/task_file.h"

enum { SESSIONS_MAX = 20000, PORT_TRIES = 20 };

static const char usage[] =
    "[--port N] [--stdio] [--era legacy|modern|both] [--asks-anyway] [--page N] [--home DIR] [--live]";

struct options {
    uint64_t port, page;
    char    *home; /* where tasks are kept; NULL: nowhere */
    bool     is_stdio;
    bool     is_legacy, is_modern, asks_anyway;
    bool     tells_live; /* at its end, on stderr */
};

struct program {
    struct options       options;
    struct service_table table; /* as given, in pages of another size */
    struct loop          loop;
    struct exchanges     exchanges;
    struct session_key   key;   /* for the length of this process: sessions end with it */
    struct task_store   *tasks; /* NULL: in memory only */
    struct service      *service;
    struct stdio        *stdio;
    struct net           net;
    struct http_server  *server;
    struct endpoint     *endpoint;
    struct origin_rules  origin;
    uv_signal_t          signals[2];
    bool                 is_loop_up, is_exchanges_up, is_net_up;
};

static bool
read_era(struct options *o, const char *word)
{
    o->is_legacy = strcmp(word, "modern") != 0;
    o->is_modern = strcmp(word, "legacy") != 0;
    return !o->is_legacy || !o->is_modern || strcmp(word, "both") == 0;
}

static bool
read_options(struct options *o, char **words)
{
    *o = (struct options){.is_legacy = true, .is_modern = true};
    for (; *words != NULL; words++) {
        if (strcmp(*words, "--stdio") == 0) {
            o->is_stdio = true;
        } else if (strcmp(*words, "--live") == 0) {
            o->tells_live = true;
        } else if (strcmp(*words, "--asks-anyway") == 0) {
            o->asks_anyway = true;
        } else if (strcmp(*words, "--port") == 0 && words[1] != NULL) {
            if (!str_to_u64(str_from(*++words), &o->port) || o->port > UINT16_MAX)
                return false;
        } else if (strcmp(*words, "--page") == 0 && words[1] != NULL) {
            if (!str_to_u64(str_from(*++words), &o->page) || o->page > UINT32_MAX)
                return false;
        } else if (strcmp(*words, "--home") == 0 && words[1] != NULL) {
            o->home = *++words;
        } else if (strcmp(*words, "--era") == 0 && words[1] != NULL) {
            if (!read_era(o, *++words))
                return false;
        } else {
            return false;
        }
    }
    return true;
}

static void
on_head(void *owner, struct http_request *r)
{
    struct program *p   = owner;
    struct error    err = {0};

    if (!origin_check(&p->origin, r, false, &err))
        http_answer(r, 403, NULL, 0, str_from(err.text));
    else if (!str_eq(r->path, STR("/mcp")))
        http_answer(r, 404, NULL, 0, STR("the server is at /mcp"));
    else
        endpoint_take_head(p->endpoint, r);
}

static void
on_request(void *owner, struct http_request *r)
{
    endpoint_take_request(((struct program *)owner)->endpoint, r);
}

/* Both loopbacks on one port; a machine without IPv6 has one. */
static bool
listen_on(struct program *p, uint16_t *port, struct error *err)
{
    static const struct http_server_events events = {.on_head = on_head, .on_request = on_request};

    for (int tries = 0;; tries++) {
        struct error six = {0};

        p->server = http_server_new(&p->net, &http_limits_default, STR_NONE, &events, p, err);
        if (p->server == NULL || !http_server_listen(p->server, "127.0.0.1", (uint16_t)p->options.port, port, err))
            return false;
        if (http_server_listen(p->server, "::1", *port, NULL, &six) || six.code != ERROR_BUSY)
            return true;
        *err = six;
        if (p->options.port != 0 || tries == PORT_TRIES)
            return false;
        http_server_free(p->server);
        p->server = NULL;
    }
}

static bool
open_http(struct program *p, struct error *err)
{
    struct endpoint_parts parts = {.patience = MINUTES(60)};
    uint16_t              port  = 0;

    p->is_net_up = net_init(&p->net, &p->loop, NULL, err);
    if (!p->is_net_up || !listen_on(p, &port, err))
        return false;
    p->origin.port = port;
    p->endpoint    = endpoint_new(p->service, &p->exchanges, &parts, err);
    if (p->endpoint == NULL)
        return false;
    printf("http://localhost:%u/mcp\n", port);
    fflush(stdout);
    return true;
}

/* Nothing of it is on record. */
static void
forget_message(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    (void)x, (void)from, (void)bytes, (void)continues;
}

static void
forget_end(struct exchange *x, enum close_reason why)
{
    (void)x, (void)why;
}

static const struct exchange_hooks hooks = {.on_message = forget_message, .on_close = forget_end};

static void
on_input_ended(void *owner)
{
    loop_stop(&((struct program *)owner)->loop);
}

static bool
open_stdio(struct program *p, struct error *err)
{
    struct stdio_parts parts = {
        .in = STDIN_FILENO, .out = STDOUT_FILENO, .patience = MINUTES(60), .on_ended = on_input_ended, .owner = p};

    p->stdio = stdio_new(p->service, &p->exchanges, &parts, err);
    return p->stdio != NULL;
}

static void
on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    loop_stop(signal->data);
}

static bool
open_tasks(struct program *p, struct error *err)
{
    char path[4096];

    if (p->options.home == NULL)
        return true;
    snprintf(path, sizeof path, "%s/tasks.db", p->options.home);
    p->tasks = task_file_open(&p->loop, path, err);
    return p->tasks != NULL;
}

static bool
open_program(struct program *p, const struct service_table *table, struct error *err)
{
    struct service_parts parts     = {.loop         = &p->loop,
                                      .key          = &p->key,
                                      .principal    = "local",
                                      .sessions_max = SESSIONS_MAX,
                                      .session_idle = MINUTES(30),
                                      .is_legacy    = p->options.is_legacy,
                                      .is_modern    = p->options.is_modern,
                                      .asks_anyway  = p->options.asks_anyway};
    static const int     numbers[] = {SIGTERM, SIGINT};

    signal(SIGPIPE, SIG_IGN);
    random_bytes(p->key.bytes, sizeof p->key.bytes);
    p->is_loop_up = loop_init(&p->loop, err);
    if (!p->is_loop_up)
        return false;
    for (size_t i = 0; i < 2; i++) {
        uv_signal_init(&p->loop.uv, &p->signals[i]);
        p->signals[i].data = &p->loop;
        uv_signal_start(&p->signals[i], on_signal, numbers[i]);
    }
    p->is_exchanges_up = exchanges_init(&p->exchanges, &p->loop, &hooks);
    if (!p->is_exchanges_up)
        return error_set(err, ERROR_MEMORY, "no memory");
    if (!open_tasks(p, err))
        return false;
    parts.tasks   = p->tasks;
    p->table      = *table;
    p->table.page = p->options.page == 0 ? table->page : (uint32_t)p->options.page;
    p->service    = service_new(&p->table, &parts, err);
    return p->service != NULL && (p->options.is_stdio ? open_stdio(p, err) : open_http(p, err));
}

/* Each part is there or not; what uses another goes first. */
static void
take_apart(struct program *p)
{
    stdio_free(p->stdio);
    http_server_free(p->server);
    endpoint_free(p->endpoint);
    if (p->is_exchanges_up)
        exchanges_clear(&p->exchanges);
    service_free(p->service);
    task_file_close(p->tasks);
    if (p->is_net_up)
        net_clear(&p->net);
    if (p->is_loop_up) {
        for (size_t i = 0; i < 2; i++)
            uv_close((uv_handle_t *)&p->signals[i], NULL);
        loop_clear(&p->loop);
    }
}

/* One line: what there is now, of what base/live.h counts. */
static void
tell_live(const char *when)
{
    fprintf(stderr, "%s:", when);
    for (size_t i = 0; i < LIVE_KINDS; i++)
        if (live_counts[i] != 0)
            fprintf(stderr, " %s %zu", live_names[i], live_counts[i]);
    fputs(".\n", stderr);
}

int
serve(int argc, char **argv, const struct service_table *table)
{
    static struct program program;
    struct error          err = {0};

    (void)argc;
    if (!read_options(&program.options, argv + 1)) {
        fprintf(stderr, "usage: %s %s\n", argv[0], usage);
        return 2;
    }
    bool ok = open_program(&program, table, &err);
    if (ok)
        loop_run(&program.loop);
    else
        fprintf(stderr, "%s: %s\n", argv[0], err.text);
    if (ok && program.options.tells_live) {
        loop_turn(&program.loop, 0); /* what closed last is freed when a turn ends */
        tell_live("held at the end");
    }
    take_apart(&program);
    if (program.options.tells_live)
        tell_live("left after it");
    return ok ? 0 : 1;
}
