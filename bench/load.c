/* bench/load.c: an MCP client in a closed loop over many kept connections, which checks each answer.
 *
 *   load --url http://127.0.0.1:PORT/path [--connections N] [--calls N | --seconds S] [--size BYTES]
 *        [--session per-connection|none|modern] [--method tools/call|tools/list|ping] [--first-id N] [--word WORD]
 *        [--open-sessions N] [--timeout S] [--ids FILE] [--json]
 *   load --print-words
 *
 * Each connection has one call in flight, as a client of revision 2025-11-25, or with --session modern of 2026-07-28.
 * --open-sessions are opened before, one after the other, and left alone while the load runs. A call of tools/call is
 * JSON of exactly --size bytes (a modern one has its envelope besides), with an id that no other call of the run has;
 * its answer must have that id and give the text back. --ids writes the ids of the calls that were answered so, one a
 * line. Exit code 0: every call was. */
#include "client.h"
#include "histogram.h"
#include "json.h"
#include "payload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define ID_DIGITS   12 /* the same for all, so that requests have the same length */
#define NS_PER_S    UINT64_C(1000000000)
#define REASONS_MAX 5 /* failures told to people; all are counted */

struct options {
    const char   *url, *method, *word, *ids;
    unsigned long connections, calls, size, timeout;
    uint64_t      first_id;
    double        seconds;
    unsigned long open_sessions;
    bool          has_sessions, is_modern, as_json, print_words;
};

struct caller {
    struct client client;
    struct bytes  request; /* the whole request, made once; id and text are written over */
    size_t        id_at, text_at, sent;
    const char   *text;  /* what the answer must give back */
    uint64_t      began; /* ns */
    bool          is_calling, waits_to_write;
};

struct load {
    struct options   options;
    struct target    target;
    struct payload   payload;
    struct histogram took;
    struct caller   *callers;
    FILE            *ids;
    uint64_t         issued, answered, errors, calling, began, ended, deadline; /* times in ns */
    int              epoll;
};

static uint64_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void
complain(struct load *l, const char *why)
{
    if (++l->errors <= REASONS_MAX)
        fprintf(stderr, "load: %s\n", why);
}

/* {"jsonrpc":"2.0","id":100000000000,"method":"tools/call","params":{"name":"echo","arguments":{"text":"..."}}}
 * A modern one has its _meta first. */
static void
request_make(struct load *l, struct caller *c)
{
    struct bytes body    = {0};
    bool         is_call = strcmp(l->options.method, "tools/call") == 0;
    size_t       id_at = 0, text_at = 0;

    bytes_add(&body, SPAN("{\"jsonrpc\":\"2.0\",\"id\":"));
    id_at = body.len;
    bytes_addf(&body, "%0*d,\"method\":\"%s\"", ID_DIGITS, 0, l->options.method);
    if (is_call) {
        bytes_add(&body, SPAN(",\"params\":{"));
        if (c->client.is_modern)
            bytes_add(&body, SPAN(CLIENT_ENVELOPE ","));
        bytes_add(&body, SPAN("\"name\":\"echo\",\"arguments\":{\"text\":\""));
        text_at = body.len;
        if (l->payload.texts.data == NULL) {
            size_t frame = body.len + strlen("\"}}}") - (c->client.is_modern ? strlen(CLIENT_ENVELOPE ",") : 0);
            if (l->options.size <= frame) {
                fprintf(stderr, "load: --size must be more than %zu\n", frame);
                exit(2);
            }
            payload_make(&l->payload, l->options.size - frame, l->options.word);
        }
        bytes_room(&body, l->payload.text_len);
        body.len += l->payload.text_len;
        bytes_add(&body, SPAN("\"}}"));
    } else if (c->client.is_modern) {
        bytes_add(&body, SPAN(",\"params\":{" CLIENT_ENVELOPE "}"));
    }
    bytes_add(&body, SPAN("}"));

    c->request.len = 0;
    client_add_head(&c->client, &c->request, (struct rpc){l->options.method, is_call ? "echo" : NULL}, body.len);
    c->id_at   = c->request.len + id_at;
    c->text_at = is_call ? c->request.len + text_at : 0;
    bytes_add(&c->request, (struct span){body.data, body.len});
    bytes_clear(&body);
}

static bool
watch(struct load *l, struct caller *c, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};

    return epoll_ctl(l->epoll, how, c->client.fd, &event) == 0;
}

/* Connected, with a session when there are to be any, and watched; else out of the run. */
static bool
caller_open(struct load *l, struct caller *c, bool with_session)
{
    bool ok = with_session ? client_open(&c->client) : client_connect(&c->client, false);

    c->waits_to_write = false;
    if (!ok) {
        complain(l, c->client.why);
        client_close(&c->client);
        return false;
    }
    request_make(l, c);
    return watch(l, c, EPOLL_CTL_ADD, EPOLLIN);
}

static bool
caller_send(struct load *l, struct caller *c)
{
    while (c->sent < c->request.len) {
        ssize_t len =
            send(c->client.fd, c->request.data + c->sent, c->request.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (len < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (len < 0)
            break;
        c->sent += (size_t)len;
    }

    bool waits = c->sent < c->request.len;
    if (waits != c->waits_to_write) {
        watch(l, c, EPOLL_CTL_MOD, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
        c->waits_to_write = waits;
    }
    return true;
}

static void caller_failed(struct load *l, struct caller *c, const char *why);

/* The next call, unless the run is over. */
static void
caller_call(struct load *l, struct caller *c, uint64_t at)
{
    bool is_over = l->options.calls > 0 ? l->issued >= l->options.calls : at >= l->deadline;

    if (is_over)
        return;

    uint64_t id = l->options.first_id + l->issued;
    for (size_t i = ID_DIGITS; i-- > 0; id /= 10)
        c->request.data[c->id_at + i] = (char)('0' + id % 10);
    if (c->text_at > 0) {
        c->text = payload_text(&l->payload, l->issued);
        memcpy(c->request.data + c->text_at, c->text, l->payload.text_len);
    }
    l->issued++;
    l->calling++;
    c->is_calling = true;
    c->began      = at;
    c->sent       = 0;
    if (!caller_send(l, c))
        caller_failed(l, c, "sending a call: the connection broke");
}

/* Counts the call in flight as failed and begins anew; a caller that cannot stays out. */
static void
caller_failed(struct load *l, struct caller *c, const char *why)
{
    complain(l, why);
    l->calling--;
    c->is_calling = false;
    client_close(&c->client); /* leaves the epoll set with it */
    if (caller_open(l, c, l->options.has_sessions))
        caller_call(l, c, now());
}

static bool
answer_is_right(const struct load *l, const struct caller *c, char *why, size_t room)
{
    const struct http_in *in = &c->client.in;
    struct span           message, id, text, result;
    struct span           wanted_id   = {c->request.data + c->id_at, ID_DIGITS};
    struct span           wanted_text = {c->text, l->payload.text_len};

    if (in->status != 200 || !client_message(in, &message) || !json_at(message, "id", &id) ||
        !json_at(message, "result", &result)) {
        snprintf(why, room, "a call was answered %d: %.*s", in->status, in->body.len > 200 ? 200 : (int)in->body.len,
                 in->body.len == 0 ? "" : in->body.data);
        return false;
    }
    if (!span_equal(id, wanted_id)) {
        snprintf(why, room, "call %.*s got the answer of %.*s", ID_DIGITS, wanted_id.data,
                 id.len > 40 ? 40 : (int)id.len, id.data);
        return false;
    }
    if (c->text_at > 0 && (!json_string_at(result, "content.0.text", &text) || !span_equal(text, wanted_text))) {
        snprintf(why, room, "call %.*s got another text back", ID_DIGITS, wanted_id.data);
        return false;
    }
    return true;
}

static void
caller_answered(struct load *l, struct caller *c)
{
    char     why[320];
    uint64_t at = now();

    if (!c->is_calling) {
        complain(l, "an answer that nobody asked for");
        http_next(&c->client.in);
        return;
    }
    if (!answer_is_right(l, c, why, sizeof why)) {
        caller_failed(l, c, why);
        return;
    }
    histogram_add(&l->took, at - c->began);
    l->answered++;
    l->calling--;
    l->ended      = at;
    c->is_calling = false;
    if (l->ids != NULL)
        fprintf(l->ids, "%.*s\n", ID_DIGITS, c->request.data + c->id_at);

    bool closes = c->client.in.closes;
    http_next(&c->client.in);
    if (closes) {
        client_close(&c->client);
        if (!caller_open(l, c, false)) /* the session goes on */
            return;
    }
    caller_call(l, c, at);
}

static void
caller_ready(struct load *l, struct caller *c, uint32_t events)
{
    struct http_in *in = &c->client.in;

    if (c->waits_to_write && (events & EPOLLOUT) != 0 && !caller_send(l, c)) {
        caller_failed(l, c, "sending a call: the connection broke");
        return;
    }

    ssize_t len = recv(c->client.fd, bytes_room(&in->in, 65536), 65536, MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len > 0)
        in->in.len += (size_t)len;

    enum http_step step = len > 0 ? http_step(in) : http_end(in);
    if (step == HTTP_DONE) {
        caller_answered(l, c);
    } else if (step == HTTP_BROKEN && c->is_calling) {
        caller_failed(l, c, len > 0 ? "an answer is no HTTP" : "the connection closed before the answer");
    } else if (step == HTTP_BROKEN) {
        client_close(&c->client); /* idle, the run is nearly over */
    }
}

static void
fail_the_late(struct load *l)
{
    uint64_t limit = l->options.timeout * NS_PER_S, at = now();

    for (size_t i = 0; i < l->options.connections; i++) {
        struct caller *c = &l->callers[i];
        if (c->is_calling && at - c->began > limit)
            caller_failed(l, c, "a call was not answered in time");
    }
}

/* The server has them from now on: what a session costs does not depend on a connection. */
static bool
open_sessions(struct load *l)
{
    struct client c;
    bool          ok = true;

    client_init(&c, &l->target);
    for (unsigned long i = 0; ok && i < l->options.open_sessions; i++) {
        ok = client_open(&c);
        if (!ok)
            complain(l, c.why);
    }
    client_clear(&c);
    return ok;
}

static void
run(struct load *l)
{
    struct epoll_event events[256];
    uint64_t           looked = now();

    for (size_t i = 0; i < l->options.connections; i++) {
        client_init(&l->callers[i].client, &l->target);
        l->callers[i].client.is_modern = l->options.is_modern;
        caller_open(l, &l->callers[i], l->options.has_sessions);
    }
    l->began = l->ended = now();
    l->deadline         = l->began + (uint64_t)(l->options.seconds * (double)NS_PER_S);
    for (size_t i = 0; i < l->options.connections; i++)
        if (l->callers[i].client.fd >= 0)
            caller_call(l, &l->callers[i], now());

    while (l->calling > 0) {
        int count = epoll_wait(l->epoll, events, 256, 1000);
        for (int i = 0; i < count; i++) {
            struct caller *c = events[i].data.ptr;
            if (c->client.fd >= 0)
                caller_ready(l, c, events[i].events);
        }
        if (l->ended - looked > NS_PER_S || count == 0) {
            looked = l->ended;
            fail_the_late(l);
        }
    }
}

static void
report(const struct load *l)
{
    double seconds = (double)(l->ended - l->began) / 1e9;
    double rate    = seconds > 0 ? (double)l->answered / seconds : 0;
    double p50     = (double)histogram_share(&l->took, 0.5) / 1e3;
    double p99     = (double)histogram_share(&l->took, 0.99) / 1e3;
    double max     = (double)l->took.max / 1e3;

    if (l->options.as_json)
        printf("{\"calls\":%llu,\"errors\":%llu,\"seconds\":%.6f,\"calls_per_second\":%.1f,\"p50_us\":%.2f,"
               "\"p99_us\":%.2f,\"max_us\":%.2f}\n",
               (unsigned long long)l->answered, (unsigned long long)l->errors, seconds, rate, p50, p99, max);
    else
        printf("%llu calls answered, %llu errors, %.2f s: %.0f calls/s, p50 %.1f us, p99 %.1f us, max %.1f us\n",
               (unsigned long long)l->answered, (unsigned long long)l->errors, seconds, rate, p50, p99, max);
}

static bool
options_read(struct options *o, int argc, char **argv)
{
    *o = (struct options){
        .method = "tools/call", .connections = 1, .size = 350, .timeout = 30, .first_id = 100000000000};
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(name, "--json") == 0) {
            o->as_json = true;
            continue;
        }
        if (strcmp(name, "--print-words") == 0) {
            o->print_words = true;
            continue;
        }
        i++;
        if (value == NULL)
            return false;
        if (strcmp(name, "--url") == 0)
            o->url = value;
        else if (strcmp(name, "--connections") == 0)
            o->connections = strtoul(value, NULL, 10);
        else if (strcmp(name, "--calls") == 0)
            o->calls = strtoul(value, NULL, 10);
        else if (strcmp(name, "--seconds") == 0)
            o->seconds = strtod(value, NULL);
        else if (strcmp(name, "--size") == 0)
            o->size = strtoul(value, NULL, 10);
        else if (strcmp(name, "--timeout") == 0)
            o->timeout = strtoul(value, NULL, 10);
        else if (strcmp(name, "--first-id") == 0)
            o->first_id = strtoull(value, NULL, 10);
        else if (strcmp(name, "--method") == 0)
            o->method = value;
        else if (strcmp(name, "--word") == 0)
            o->word = value;
        else if (strcmp(name, "--ids") == 0)
            o->ids = value;
        else if (strcmp(name, "--open-sessions") == 0)
            o->open_sessions = strtoul(value, NULL, 10);
        else if (strcmp(name, "--session") == 0) {
            o->is_modern    = strcmp(value, "modern") == 0;
            o->has_sessions = o->is_modern || strcmp(value, "per-connection") == 0;
        } else
            return false;
    }
    bool ids_fit = o->first_id >= 100000000000 && o->first_id < 900000000000;
    return o->print_words || (o->url != NULL && o->connections > 0 && (o->calls > 0) != (o->seconds > 0) && ids_fit);
}

static int
print_words(void)
{
    struct bytes words = {0};

    payload_add_words(&words);
    fwrite(words.data, 1, words.len, stdout);
    bytes_clear(&words);
    return 0;
}

int
main(int argc, char **argv)
{
    struct load l = {0};

    if (!options_read(&l.options, argc, argv) || (l.options.url != NULL && !target_parse(&l.target, l.options.url))) {
        fprintf(
            stderr,
            "usage: load --url http://127.0.0.1:PORT/path [--connections N] [--calls N | --seconds S] [--size BYTES]\n"
            "            [--session per-connection|none|modern] [--method tools/call|tools/list|ping] [--first-id N, "
            "12 "
            "digits]\n"
            "            [--word WORD] [--timeout S] [--ids FILE] [--json]\n"
            "       load --print-words\n");
        return 2;
    }
    if (l.options.print_words)
        return print_words();
    if (l.options.ids != NULL && (l.ids = fopen(l.options.ids, "we")) == NULL) {
        perror(l.options.ids);
        return 1;
    }
    allow_many_files();
    l.epoll   = epoll_create1(EPOLL_CLOEXEC);
    l.callers = calloc(l.options.connections, sizeof *l.callers);
    if (l.callers == NULL)
        return 1;
    if (open_sessions(&l))
        run(&l);
    report(&l);

    bool ok = l.errors == 0 && l.answered > 0 && (l.options.calls == 0 || l.answered == l.options.calls);
    if (l.ids != NULL && fclose(l.ids) != 0) {
        perror(l.options.ids);
        ok = false;
    }
    for (size_t i = 0; i < l.options.connections; i++) {
        client_clear(&l.callers[i].client);
        bytes_clear(&l.callers[i].request);
    }
    free(l.callers);
    payload_clear(&l.payload);
    return ok ? 0 : 1;
}
