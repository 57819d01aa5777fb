/* Whatever clients send to a service over HTTP: what comes back is HTTP with JSON-RPC in it, on no connection is a
 * request answered twice, and when all have left and time has passed nothing is held.
 *
 * The first byte has the flags. A line is an order (service_talk.h), or
 *
 *   H<field>     a header field of the next request, which has Host, Content-Type, Accept and the length of its own
 *   P<body>      a POST on a connection of its own;   G  a GET;   D  a DELETE
 *   X            the oldest connection is cut */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/link.h"
#include "mcp/service/endpoint.h"

#include "service_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CALLERS_MOST = 8, ROUNDS = 64, QUIET = 3 };

struct caller {
    int           fd;
    struct buffer got;
    size_t        heard;  /* bytes of it; 0: its head is not all there */
    uint64_t      length; /* of its body, as its head says */
    bool          is_stream;
    struct ledger ledger;
};

static struct caller *callers[CALLERS_MOST]; /* oldest first; behind caller_count those that are free */
static size_t         caller_count;

static struct budget       budget;
static struct net          net;
static struct http_server *server;
static struct endpoint    *endpoint;

/* --- what comes --- */

static void
hear_head(struct caller *c, size_t end)
{
    struct str head = str_take(buffer_str(&c->got), end);
    ptrdiff_t  at   = str_find(head, STR("Content-Length: ")), behind;

    assert(str_starts(head, STR("HTTP/1.1 ")));
    c->length = 0;
    if (at >= 0 && (behind = str_index(str_skip(head, (size_t)at), '\r')) >= 16)
        assert(str_to_u64(str_of(head.data + at + 16, (size_t)behind - 16), &c->length));
    c->heard     = end;
    c->is_stream = str_find(head, STR("Content-Type: text/event-stream")) >= 0;
    remember(WORD_SESSION, head, "Mcp-Session-Id: ", '\r');
}

static void
hear_event_line(struct caller *c, struct str line)
{
    struct str data = str_trim(str_skip(line, 5));

    if (str_starts(line, STR("id: ")))
        remember(WORD_EVENT, line, "id: ", '\r');
    else if (str_starts(line, STR("data:")) && data.len > 0)
        note_heard(&c->ledger, data);
}

/* What the HTTP server says by itself is JSON too, though no message. */
static void
hear_whole(struct caller *c)
{
    struct str body = str_skip(buffer_str(&c->got), c->heard);

    if (c->heard == 0 || c->is_stream || body.len == 0 ||
        body.len < c->length) /* the last was cut: a loss, not a lie */
        return;
    assert(body.len == c->length || c->length == 0);
    yyjson_doc *doc = yyjson_read(body.data, body.len, YYJSON_READ_BIGNUM_AS_RAW);
    assert(doc != NULL);
    bool is_message = yyjson_is_arr(yyjson_doc_get_root(doc)) || yyjson_obj_get(yyjson_doc_get_root(doc), "jsonrpc");
    yyjson_doc_free(doc);
    if (is_message)
        note_heard(&c->ledger, body);
}

static void
hear_bytes(struct caller *c)
{
    struct str all = buffer_str(&c->got);
    ptrdiff_t  end = c->heard > 0 ? -1 : str_find(all, STR("\r\n\r\n"));

    if (end >= 0)
        hear_head(c, (size_t)end + 4);
    while (c->is_stream && (end = str_index(str_skip(all, c->heard), '\n')) >= 0) {
        hear_event_line(c, str_take(str_skip(all, c->heard), (size_t)end));
        c->heard += (size_t)end + 1;
    }
}

static void
cut(size_t index)
{
    struct caller *c = callers[index];

    close(c->fd);
    buffer_clear(&c->got);
    arena_free(c->ledger.arena);
    memmove(&callers[index], &callers[index + 1], (--caller_count - index) * sizeof *callers);
    callers[caller_count] = c;
}

/* True: something came. One that has its answer is gone. */
static bool
hear(size_t index)
{
    struct caller *c = callers[index];
    ssize_t        got;
    bool           is_new = false;

    do {
        assert(buffer_reserve(&c->got, KIB(64)));
        got = recv(c->fd, buffer_space(&c->got), KIB(64), 0);
        if (got > 0)
            buffer_added(&c->got, (size_t)got);
        is_new |= got > 0;
    } while (got > 0);
    hear_bytes(c);
    if (got == 0) {
        hear_whole(c);
        cut(index);
    }
    return is_new || got == 0;
}

static void
rest(void)
{
    for (int quiet = 0, i = 0; quiet < QUIET && i < ROUNDS; i++) {
        bool is_new = false;
        loop_turn(&loop, 0);
        for (size_t k = caller_count; k > 0; k--)
            is_new |= hear(k - 1);
        quiet = is_new ? 0 : quiet + 1;
    }
}

/* --- what is sent --- */

static void
call(const char *method, struct str fields, struct str body)
{
    static const union http_address peer = {.v4 = {.sin_family = AF_INET}};
    struct buffer                   text = {.max = MIB(256)}, content = {.max = MIB(256)};
    int                             ends[2];

    if (caller_count == CALLERS_MOST)
        cut(0);
    struct caller *c = callers[caller_count++];
    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    c->fd        = ends[0];
    c->got       = (struct buffer){.max = MIB(64)};
    c->heard     = 0;
    c->is_stream = false;
    ledger_open(&c->ledger);
    c->ledger.takes_any = method[0] == 'G';
    assert(link_new(server, ends[1], &peer));
    put_words(&content, body);
    assert(buffer_printf(&text, "%s /mcp HTTP/1.0\r\nHost: x\r\nContent-Type: application/json\r\n", method) &&
           buffer_printf(&text, "Accept: application/json, text/event-stream\r\n"));
    put_words(&text, fields);
    if (method[0] == 'P')
        assert(buffer_printf(&text, "Content-Length: %zu\r\n", buffer_len(&content)));
    assert(buffer_append(&text, STR("\r\n")) && buffer_append(&text, buffer_str(&content)));
    note_all_sent(&c->ledger, buffer_str(&content));
    for (struct str left = buffer_str(&text); left.len > 0;) {
        ssize_t put = send(c->fd, left.data, left.len, MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN)
            break; /* it was refused by its head */
        left = str_skip(left, put < 0 ? 0 : (size_t)put);
        loop_turn(&loop, 0);
    }
    buffer_clear(&text);
    buffer_clear(&content);
}

static void
take(struct str line, struct buffer *fields)
{
    char       what   = line.len == 0 ? '\0' : line.data[0];
    struct str behind = str_skip(line, 1);

    if (what == '!') {
        obey(line);
    } else if (what == 'X') {
        if (caller_count > 0)
            cut(0);
    } else if (what == 'H') {
        assert(buffer_append(fields, behind) && buffer_append(fields, STR("\r\n")));
    } else if (what == 'P' || what == 'G' || what == 'D') {
        call(what == 'P'   ? "POST"
             : what == 'G' ? "GET"
                           : "DELETE",
             buffer_str(fields), what == 'P' ? behind : STR_NONE);
        buffer_reset(fields);
    }
}

/* --- the house --- */

static void
on_head(void *owner, struct http_request *r)
{
    (void)owner;
    endpoint_take_head(endpoint, r);
}

static void
on_request(void *owner, struct http_request *r)
{
    (void)owner;
    endpoint_take_request(endpoint, r);
}

static bool
attach(void *owner, struct exchange *x, const struct http_request *r)
{
    (void)owner, (void)x, (void)r;
    return has_memory();
}

static void
open_front(void)
{
    static const struct http_server_events events = {.on_head = on_head, .on_request = on_request};
    struct endpoint_parts                  parts  = {.patience = SECONDS(30), .attach = attach};

    budget = (struct budget){.max = (flags & IS_SMALL) != 0 ? KIB(64) : MIB(64)};
    assert(net_init(&net, &loop, &budget, NULL));
    server   = http_server_new(&net, &http_limits_default, STR_NONE, &events, NULL, NULL);
    endpoint = endpoint_new(service, &exchanges, &parts, NULL);
    assert(server != NULL && endpoint != NULL);
}

static void
close_front(void)
{
    for (int i = 0;
         i < 100 && (exchanges.open > 0 || live_counts[LIVE_SERVICE_CALLS] > 0 || service_sessions(service) > 0); i++) {
        while (caller_count > 0)
            cut(0);
        rest();
        end_waiting();
    }
    while (caller_count > 0)
        cut(0);
    rest();
    assert(exchanges.open == 0 && live_counts[LIVE_SERVICE_CALLS] == 0 && service_sessions(service) == 0);
    assert(live_counts[LIVE_HOPS] == 0 && live_counts[LIVE_ANSWER_STREAMS] == 0 && live_counts[LIVE_KEPT_EVENTS] == 0);
    http_server_free(server);
    endpoint_free(endpoint);
    net_clear(&net);
    close_house();
    assert(budget.taken == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool          is_up;
    static struct caller pool[CALLERS_MOST];
    struct str           lines  = str_of((const char *)data, size), line;
    struct buffer        fields = {.max = MIB(1)};

    if (size == 0 || size > KIB(16) || (!is_up && !(is_up = loop_init(&loop, NULL))))
        return 0;
    for (size_t i = 0; i < CALLERS_MOST; i++)
        callers[i] = &pool[i];
    open_house(data[0]);
    open_front();
    lines = str_skip(lines, 1);
    while (str_cut(&lines, '\n', &line)) {
        take(line, &fields);
        rest();
    }
    buffer_clear(&fields);
    close_front();
    return 0;
}
