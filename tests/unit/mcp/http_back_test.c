#include "mcp/http_back.h"

#include "mcp/relay.h"

#define CALL   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define RESULT "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"
#define TOLD   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"

/* The upstream, played by hand. */
static struct http_client  *client;
static struct http_upstream upstream;
static int                  listener, peer;
static struct buffer        asked;
static int                  expired, adrift;

static void
on_head(struct exchange *x, int status, struct str session)
{
    (void)x, (void)status, (void)session;
}

static bool
on_message(struct exchange *x, const struct envelope *message)
{
    (void)x, (void)message;
    return false;
}

static void
on_expired(struct exchange *x)
{
    (void)x;
    expired++;
}

static bool
on_adrift(struct exchange *x)
{
    adrift++;
    exchange_set_adrift(x);
    return true;
}

static bool
is_behind(struct exchange *x)
{
    (void)x;
    return false;
}

static const struct http_back_events events = {.on_head    = on_head,
                                               .on_message = on_message,
                                               .on_expired = on_expired,
                                               .on_adrift  = on_adrift,
                                               .is_behind  = is_behind};

static void
send_on(struct http_request *r)
{
    struct back *back = http_back_new(&upstream, r, relay.count, HTTP_BACK_PLAIN, &events, relay.scratch);

    assert_non_null(back);
    for (size_t i = 0; i < relay.count; i++) {
        relay.xs[i]->patience = SECONDS(3);
        exchange_send(relay.xs[i], back);
    }
}

static void
begin(void)
{
    static char                     url[64];
    static const struct http_header own[] = {{{"X-Key", 5}, {"of the entry", 12}},
                                             {{"Authorization", 13}, {"Bearer entry", 12}}};
    struct sockaddr_in              at    = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t                       len   = sizeof at;

    relay_begin(send_on);
    expired = adrift = 0;
    peer             = -1;
    asked            = (struct buffer){.max = MIB(1)};
    client           = http_client_new(&relay.wire.net, &http_client_limits_default, NULL);
    listener         = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/mcp", ntohs(at.sin_port));
    upstream = (struct http_upstream){.loop         = &relay.wire.loop,
                                      .client       = client,
                                      .headers      = own,
                                      .header_count = 2,
                                      .message_max  = KIB(64),
                                      .withheld     = STR("of-the-house")};
    list_init(&upstream.tellings);
    assert_true(http_url_parse(str_from(url), &upstream.url, NULL));
    upstream.origin = http_client_origin(client, &upstream.url, NULL);
}

static void
finish(void)
{
    relay_end();
    http_upstream_clear(&upstream);
    http_origin_release(upstream.origin);
    http_client_free(client);
    if (peer >= 0)
        close(peer);
    close(listener);
    buffer_clear(&asked);
    wire_clear(&relay.wire);
}

static bool
is_accepted(void)
{
    if (peer < 0)
        peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return peer >= 0;
}

/* The client asks, the request reaches the upstream, which answers with `answer`. */
static void
exchange_of(const char *method, const char *lines, const char *body, const char *answer)
{
    relay_ask(method, lines, body);
    RELAY_WAIT(is_accepted());
    RELAY_WAIT(wire_has(peer, &asked, body[0] == '\0' ? "\r\n\r\n" : body));
    wire_send(&relay.wire, peer, str_from(answer));
}

#define JSON   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

TEST(header_fields_cross_by_lists_in_both_directions)
{
    begin();
    exchange_of("POST",
                "Cookie: a=b\r\nConnection: x-hop\r\nConnection: keep-alive, x-second\r\nX-Hop: 1\r\nX-Second: "
                "1\r\nOrigin: http://x\r\nSec-Fetch-Mode: "
                "cors\r\nX-Mine: 1\r\nMcp-Session-Id: s\r\nAuthorization: Bearer of-the-house\r\n",
                CALL,
                JSON "Set-Cookie: a=b\r\nMcp-Session-Id: s\r\nX-Powered-By: y\r\nAccess-Control-Allow-Origin: *\r\n"
                     "Retry-After: 3\r\nContent-Length: 36\r\n\r\n" RESULT);
    RELAY_WAIT(relay_got("\r\n\r\n" RESULT));
    static const char *const stay[] = {"Cookie", "X-Hop", "X-Second", "Origin", "Sec-Fetch", "of-the-house"};
    for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++)
        assert_true(str_find(buffer_str(&asked), str_from(stay[i])) < 0);
    assert_true(str_find(buffer_str(&asked), STR("X-Mine: 1")) > 0);
    assert_true(str_find(buffer_str(&asked), STR("X-Key: of the entry")) > 0);
    assert_true(str_find(buffer_str(&asked), STR("Bearer entry")) > 0); /* ours is withheld: the entry's stands */
    assert_false(relay_got("Set-Cookie") || relay_got("X-Powered-By") || relay_got("Access-Control"));
    assert_true(relay_got("Mcp-Session-Id: s") && relay_got("Retry-After: 3"));
    assert_int_equal(relay.why[0], CLOSE_ANSWERED);
    finish();
}

TEST(only_the_type_that_was_judged_passes)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\nContent-Type: application/json, text/html\r\nContent-Length: 6\r\n\r\n<html>",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Type: application/json\r\nContent-Length: "
        "6\r\n\r\n<html>",
        "HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Type: application/json\r\nContent-Length: "
        "2\r\n\r\n{}",
    };

    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        begin();
        exchange_of("POST", "", CALL, heads[i]);
        RELAY_WAIT(relay_got("\"reason\":\"malformed\""));
        assert_true(relay_got("HTTP/1.1 502 "));
        assert_false(relay_got("<html>"));
        finish();
    }
    begin();
    exchange_of("POST", "", CALL, JSON "Content-Type: text/html\r\nContent-Length: 36\r\n\r\n" RESULT);
    RELAY_WAIT(relay_got("\r\n\r\n" RESULT));
    assert_false(relay_got("text/html"));
    finish();
}

TEST(a_body_that_nobody_awaits_is_dropped_whatever_it_is)
{
    begin();
    exchange_of("POST", "", TOLD,
                "HTTP/1.1 202 Accepted\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>");
    RELAY_WAIT(relay_got("\r\n\r\n"));
    assert_true(relay_got("HTTP/1.1 202 "));
    assert_true(relay_got("Content-Length: 0"));
    assert_false(relay_got("html"));
    finish();
    begin();
    exchange_of("DELETE", "", "",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"); /* as Node writes it */
    RELAY_WAIT(relay_got("HTTP/1.1 200 "));
    RELAY_WAIT(relay.closed == 1);
    assert_int_equal(relay.why[0], CLOSE_ANSWERED);
    finish();
}

TEST(a_challenge_passes_and_the_servers_page_does_not)
{
    begin();
    exchange_of("POST", "", CALL,
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"x\"\r\nContent-Type: text/html\r\n"
                "Content-Length: 6\r\n\r\n<html>");
    RELAY_WAIT(relay_got("\"error\""));
    assert_true(relay_got("HTTP/1.1 401 ") && relay_got("Bearer realm=\"x\"") && relay_got("\"id\":1"));
    assert_false(relay_got("html"));
    finish();
}

TEST(events_are_understood_wherever_they_are_cut)
{
    static const char stream[] =
        "event: message\r\ndata: {\"jsonrpc\":\"2.0\",\r\ndata: \"method\":\"notifications/progress\","
        "\"params\":{}}\r\n\r\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"isError\":true}}\r\n\r\n";

    for (size_t step = 1; step < sizeof stream; step += step < 4 ? 1 : 37) {
        begin();
        exchange_of("POST", "", CALL, STREAM);
        for (size_t at = 0; at < sizeof stream - 1; at += step) {
            wire_send(&relay.wire, peer, str_take(str_skip(str_from(stream), at), step));
            loop_turn(&relay.wire.loop, 0);
        }
        close(peer);
        peer = -1;
        RELAY_WAIT(relay.closed == 1);
        assert_int_equal(relay.why[0], CLOSE_ANSWERED);
        assert_true(relay.failed[0]); /* judged by what passed */
        RELAY_WAIT(relay_got("isError"));
        assert_true(str_find(buffer_str(&relay.noted), STR("notifications/progress")) > 0);
        assert_int_equal(adrift, 0);
        finish();
    }
}

TEST(a_stream_that_goes_on_behind_its_answer_is_given_a_second)
{
    begin();
    exchange_of("POST", "", CALL, STREAM "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n");
    RELAY_WAIT(relay_got("\"result\":{}"));
    assert_int_equal(relay.closed, 0);
    relay_pass(SECONDS(2));
    assert_int_equal(relay.closed, 1);
    assert_int_equal(relay.why[0], CLOSE_ANSWERED);
    RELAY_WAIT((relay_got(""), relay.is_over));
    assert_false(relay_got("error"));
    finish();
}

TEST(an_answer_that_can_be_resumed_is_adrift_and_one_that_cannot_is_cut)
{
    begin();
    exchange_of("POST", "", CALL, STREAM "id: 1\ndata:\n\n");
    RELAY_WAIT(relay_got("id: 1"));
    close(peer);
    peer = -1;
    RELAY_WAIT(adrift == 1);
    RELAY_WAIT((relay_got(""), relay.is_over));
    assert_false(relay_got("error"));
    finish();
    begin();
    exchange_of("POST", "", CALL, STREAM ": hello\n\n");
    close(peer);
    peer = -1;
    RELAY_WAIT(relay_got("\"reason\":\"closed\""));
    assert_int_equal(relay.why[0], CLOSE_CUT);
    finish();
}

TEST(the_calls_of_a_batch_are_told_apart_by_their_ids)
{
    begin();
    exchange_of("POST", "", "[" CALL ",{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"tools/list\"}]",
                STREAM "data: {\"jsonrpc\":\"2.0\",\"id\":\"1\",\"error\":{\"code\":-1,\"message\":\"no\"}}\n\n");
    close(peer);
    peer = -1;
    RELAY_WAIT(relay.closed == 2);
    assert_int_equal(relay.why[0], CLOSE_CUT); /* that of the number 1 never came, and is said so */
    assert_int_equal(relay.why[1], CLOSE_ANSWERED);
    RELAY_WAIT(relay_got("\"id\":1,\"error\""));
    finish();
}

TEST(an_event_over_the_limit_ends_the_call)
{
    static char large[KIB(80)];

    memset(large, 'x', sizeof large);
    begin();
    exchange_of("POST", "", CALL, STREAM "data: ");
    wire_send(&relay.wire, peer, str_of(large, sizeof large));
    RELAY_WAIT(relay.closed == 1);
    assert_int_equal(relay.why[0], CLOSE_TOO_LARGE);
    finish();
}

TEST(a_call_that_times_out_is_told_to_the_upstream_and_a_silent_one_holds_no_connection)
{
    begin();
    exchange_of("POST", "", CALL, "");
    relay_pass(SECONDS(4));
    RELAY_WAIT(relay_got("HTTP/1.1 504 "));
    assert_int_equal(expired, 1);
    http_back_tell(&upstream, STR("{}"), &(struct http_tell){.authorization = STR("Bearer of-the-house")});
    assert_false(list_is_empty(&upstream.tellings));
    relay_pass(SECONDS(20));
    assert_true(list_is_empty(&upstream.tellings));
    finish();
}

TEST(what_we_tell_in_a_clients_name_has_its_credentials)
{
    static const struct {
        struct str  own;
        const char *sent;
    } cases[] = {
        {{"Bearer client", 13}, "Bearer client"}, {{"Bearer of-the-house", 19}, "Bearer entry"}, {{0}, "Bearer entry"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin();
        http_back_tell(&upstream, STR("{}"), &(struct http_tell){.session = STR("s"), .authorization = cases[i].own});
        RELAY_WAIT(is_accepted());
        RELAY_WAIT(wire_has(peer, &asked, "\r\n\r\n{}"));
        ptrdiff_t at = str_find_nocase(buffer_str(&asked), STR("authorization: "));
        assert_true(at > 0 && str_starts(str_skip(buffer_str(&asked), (size_t)at + 15), str_from(cases[i].sent)));
        assert_true(str_find_nocase(str_skip(buffer_str(&asked), (size_t)at + 1), STR("authorization: ")) < 0);
        finish();
    }
}

TEST(a_client_that_leaves_closes_the_connection_of_its_upstream)
{
    begin();
    exchange_of("POST", "", CALL, "");
    close(relay.client);
    relay.client = -1;
    RELAY_WAIT(relay.left == 1);
    RELAY_WAIT(wire_read(peer, &asked, NULL));
    finish();
}

TEST(an_answer_in_json_is_judged_before_it_passes)
{
    static const struct {
        const char *body, *words;
    } answers[] = {
        {RESULT, NULL},
        {"{\"result\":{\"isError\":true},\"id\":1,\"jsonrpc\":\"2.0\"}", NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"what\"}}", NULL},
        {"[" RESULT "]", NULL},
        {"{\"jsonrpc\":\"2.0\",\"id\":1.0,\"result\":{}}", NULL}, /* another spelling */
        {"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}", "another id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{}}", "another id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}", "not JSON"},
        {"{\"ok\":true}", "not JSON-RPC"},
        {TOLD, "no answer"},
        {"out of cheese", "not JSON"},
        {" ", "an empty body"},
    };

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        for (int way = 0; way < 2; way++) { /* with a length, and until the connection closes */
            char text[400];
            if (way == 0)
                snprintf(text, sizeof text, JSON "Content-Length: %zu\r\n\r\n%s", strlen(answers[i].body),
                         answers[i].body);
            else
                snprintf(text, sizeof text, JSON "Connection: close\r\n\r\n%s", answers[i].body);
            begin();
            exchange_of("POST", "", CALL, text);
            if (way == 1)
                shutdown(peer, SHUT_WR);
            RELAY_WAIT(relay.closed == 1);
            assert_int_equal(relay.why[0], answers[i].words == NULL ? CLOSE_ANSWERED : CLOSE_MALFORMED);
            RELAY_WAIT(relay_got(answers[i].words == NULL ? answers[i].body : answers[i].words));
            assert_true(relay_got(answers[i].words == NULL ? "HTTP/1.1 200 " : "HTTP/1.1 502 "));
            finish();
        }
}

TEST(a_request_that_is_answered_without_a_message_is_an_error)
{
    static const struct {
        const char *head;
        int         status;
    } answers[] = {
        {"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 502},
        {"HTTP/1.1 204 No Content\r\n\r\n", 502},
        {JSON "Content-Length: 0\r\n\r\n", 502},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404},
        {JSON "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 502},
    };

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char status[32];
        snprintf(status, sizeof status, "HTTP/1.1 %d ", answers[i].status);
        begin();
        exchange_of("POST", "", CALL, answers[i].head);
        RELAY_WAIT(relay_got("\"id\":1,\"error\""));
        assert_true(relay_got(status));
        finish();
    }
}

/* The rest of a body passes as it comes; it ends in the middle: the client must see it broken. */
TEST(a_body_too_large_to_be_held_is_cut_when_it_is_no_answer)
{
    static char large[KIB(60)];
    const char *ends[] = {"\"}}", "\"}"};

    memset(large, 'x', sizeof large);
    for (int i = 0; i < 2; i++) {
        begin();
        upstream.message_max = MIB(1);
        exchange_of("POST", "", CALL, JSON "Connection: close\r\n\r\n{\"id\":1,\"result\":{\"text\":\"");
        for (int piece = 0; piece < 4; piece++)
            wire_send(&relay.wire, peer, str_of(large, sizeof large));
        wire_send(&relay.wire, peer, str_from(ends[i]));
        shutdown(peer, SHUT_WR);
        RELAY_WAIT(relay.closed == 1);
        assert_int_equal(relay.why[0], i == 0 ? CLOSE_ANSWERED : CLOSE_MALFORMED);
        assert_true(relay_got("HTTP/1.1 200 "));
        finish();
    }
}
