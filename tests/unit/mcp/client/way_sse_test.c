#include "mcp/client/way_sse.h"

#include "mcp/client/endpoint_url.h"
#include "mcp/client/ways.h"

#define OPENS  "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2024-11-05\"}}"
#define OPENED "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}"
#define TOLD   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"
#define ASK(id)                                                                                                        \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"_meta\":{\"progressToken\":" id "}}}"
#define GIVE(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}"
#define STEP(id)                                                                                                       \
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":" id ",\"progress\":1}}"
#define LOG      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}"
#define CHANGED  "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}"
#define QUESTION "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"roots/list\"}"
#define DATA(e)  "event: message\ndata: " e "\n\n"
#define STREAM   "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#define TAKEN    "HTTP/1.1 202 Accepted\r\nContent-Length: 8\r\n\r\nAccepted"
#define ENDPOINT "event: endpoint\ndata: messages?session=1\n\n"

static void
begin(void)
{
    static const struct way_hooks hooks = {0};

    ways_begin();
    ways.way = way_sse_new(&ways.exchanges, &ways.upstream, &hooks);
}

/* The stream is connection 0, POSTs come on 1 and on. */
static void
open_way(void)
{
    static struct box b;

    b = (struct box){0};
    box_request(&b, OPENS);
    WAYS_WAIT(ways_heard(0, "\r\n\r\n"));
    assert_true(ways_heard(0, "GET /v1/mcp?k=v HTTP/1.1\r\n") && ways_heard(0, "\r\nAccept: text/event-stream\r\n"));
    assert_true(ways_heard(0, "\r\nX-Key: of the entry\r\n"));
    ways_say(0, STREAM ENDPOINT);
    WAYS_WAIT(ways_heard(1, "\r\n\r\n" OPENS));
    assert_true(ways_heard(1, "POST /v1/messages?session=1 HTTP/1.1\r\n"));
    assert_true(ways_heard(1, "\r\nX-Key: of the entry\r\n"));
    ways_say(0, DATA(OPENED)); /* before the POST has its status */
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.why, CLOSE_ANSWERED);
    assert_int_equal(b.heads, 0);
    box_assert(&b, OPENED "\n");
    ways_say(1, TAKEN);
    wire_rest(&ways.wire); /* the connection is free again */
}

/* Sends it on the connection that is free, and the server takes it. */
static void
request_taken(struct box *b, size_t peer, const char *message)
{
    if (peer < ways.peer_count)
        ways.asked[peer].from = ways.asked[peer].end;
    box_request(b, message);
    char text[512];
    snprintf(text, sizeof text, "\r\n\r\n%s", message);
    WAYS_WAIT(ways_heard(peer, text));
    ways_say(peer, TAKEN);
    wire_rest(&ways.wire);
}

TEST(answers_come_on_the_stream_to_who_asked)
{
    struct box a = {0}, b = {0}, t = {0};

    begin();
    open_way();
    box_send(&t, &(struct mail_spec){.kind = KIND_NOTIFICATION, .message = STR(TOLD)});
    WAYS_WAIT(ways_heard(1, "\r\n\r\n" TOLD));
    ways_say(1, TAKEN);
    WAYS_WAIT(t.ends == 1);
    assert_int_equal(t.why, CLOSE_ANSWERED);
    wire_rest(&ways.wire);
    request_taken(&a, 1, ASK("1"));
    request_taken(&b, 1, ASK("2"));
    ways_say(0, DATA(STEP("2")) DATA(GIVE("2")) DATA(STEP("1")) DATA(GIVE("77")) DATA("no message"));
    WAYS_WAIT(b.ends == 1 && buffer_len(&a.got) > 0);
    assert_int_equal(a.ends, 0);
    ways_say(0, DATA(GIVE("1")));
    WAYS_WAIT(a.ends == 1);
    assert_int_equal(a.why, CLOSE_ANSWERED);
    box_assert(&a, STEP("1") "\n" GIVE("1") "\n");
    box_assert(&b, STEP("2") "\n" GIVE("2") "\n");
    box_assert(&t, "");
    ways_finish();
}

TEST(what_is_said_outside_goes_to_who_listens_and_what_is_asked_in_a_call_to_that)
{
    struct box s = {0}, a = {0}, r = {0};

    begin();
    open_way();
    box_send(&s, &(struct mail_spec){.kind = KIND_STREAM});
    ways_say(0, DATA(LOG) DATA(QUESTION));
    WAYS_WAIT(ways_noted("<" QUESTION));
    request_taken(&a, 1, ASK("1"));
    ways_say(0, DATA(LOG) DATA(QUESTION) DATA(CHANGED));
    WAYS_WAIT(ways_noted("<" CHANGED));
    ways_pass(SECONDS(600)); /* it waits for us */
    assert_int_equal(a.ends, 0);
    box_send(&r, &(struct mail_spec){.kind    = KIND_REPLY,
                                     .message = STR("{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{}}")});
    assert_true(ways_noted("\"id\":\"q\",\"result\""));
    WAYS_WAIT(ways_heard(2, "\"id\":\"q\",\"result\"")); /* the other was idle for too long */
    box_assert(&a, LOG "\n" QUESTION "\n");
    box_assert(&s, LOG "\n" QUESTION "\n" CHANGED "\n");
    ways_finish();
    box_assert(&r, "");
}

TEST(a_question_that_nobody_hears_is_refused)
{
    begin();
    open_way();
    ways_say(0, DATA(QUESTION));
    WAYS_WAIT(ways_heard(1, "\"id\":\"q\",\"error\":{\"code\":-32603"));
    ways_say(1, TAKEN);
    wire_rest(&ways.wire);
    ways_say(0, DATA("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\"}"));
    WAYS_WAIT(ways_heard(1, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}"));
    ways_finish();
}

TEST(the_end_of_the_stream_ends_all_and_only_an_opening_begins_anew)
{
    struct box s = {0}, a = {0}, b = {0}, c = {0};

    begin();
    open_way();
    box_send(&s, &(struct mail_spec){.kind = KIND_STREAM});
    request_taken(&a, 1, ASK("1"));
    ways_hang_up(0);
    WAYS_WAIT(a.ends == 1 && s.ends == 1);
    assert_int_equal(a.why, CLOSE_CUT);
    assert_int_equal(s.why, CLOSE_CUT);
    assert_true(strstr(a.words, "event stream has ended") != NULL);
    box_request(&b, ASK("2"));
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.why, CLOSE_SESSION_ENDED);
    assert_int_equal(b.status, 404);
    box_assert(&a, "");
    box_assert(&s, "");
    box_request(&c, OPENS);
    WAYS_WAIT(ways_heard(1, "GET /v1/mcp?k=v HTTP/1.1\r\n"));
    ways_finish();
    box_assert(&b, "");
    box_assert(&c, "");
}

TEST(what_is_no_stream_or_leads_elsewhere_ends_what_waits)
{
    static const struct {
        const char       *answer;
        enum close_reason why;
        int               status;
        const char       *words;
    } cases[] = {
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", CLOSE_ANSWERED, 404, "HTTP status 404"},
        {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", CLOSE_MALFORMED, 200,
         "no event stream"},
        {STREAM "event: endpoint\ndata: http://127.0.0.2/x\n\n", CLOSE_MALFORMED, 0, "another origin"},
        {STREAM "event: endpoint\ndata: \n\n", CLOSE_MALFORMED, 0, "without an address"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct box b = {0};
        begin();
        box_request(&b, OPENS);
        WAYS_WAIT(ways_heard(0, "\r\n\r\n"));
        ways_say(0, cases[i].answer);
        WAYS_WAIT(b.ends == 1);
        assert_int_equal(b.why, cases[i].why);
        assert_int_equal(b.status, cases[i].status);
        if (strstr(b.words, cases[i].words) == NULL)
            fail_msg("%s", b.words);
        box_assert(&b, "");
        ways_finish();
    }
}

TEST(a_stream_that_names_no_endpoint_is_given_up)
{
    struct box b = {0};

    begin();
    box_send(&b, &(struct mail_spec){.kind = KIND_REQUEST, .message = STR(OPENS)});
    WAYS_WAIT(ways_heard(0, "\r\n\r\n"));
    ways_say(0, STREAM ": nothing\n\n" DATA(OPENED));
    wire_rest(&ways.wire);
    ways_pass(SECONDS(40));
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.why, CLOSE_TIMED_OUT);
    assert_true(ways_is_left(0));
    box_assert(&b, "");
    ways_finish();
}

TEST(a_refused_post_ends_its_call)
{
    struct box a = {0};

    begin();
    open_way();
    ways.asked[1].from = ways.asked[1].end;
    box_request(&a, ASK("1"));
    WAYS_WAIT(ways_heard(1, "\r\n\r\n" ASK("1")));
    ways_say(1, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    WAYS_WAIT(a.ends == 1);
    assert_int_equal(a.why, CLOSE_ANSWERED);
    assert_int_equal(a.status, 404);
    box_assert(&a, "");
    ways_finish();
}

static void
free_all(struct box *b, const struct envelope *e)
{
    (void)b, (void)e;
    ways_free_way();
}

TEST(who_is_told_may_free_the_way)
{
    struct box a = {.on_each = free_all}, s = {0};

    begin();
    open_way();
    box_send(&s, &(struct mail_spec){.kind = KIND_STREAM});
    request_taken(&a, 1, ASK("1"));
    ways_say(0, DATA(LOG) DATA(GIVE("1")));
    WAYS_WAIT(buffer_len(&a.got) > 0);
    WAYS_WAIT(ways_is_left(0));
    assert_int_equal(a.ends + s.ends, 0);
    box_assert(&a, LOG "\n");
    ways_finish();
    box_assert(&s, "");
}

static void
assert_endpoint(const char *base, const char *reference, const char *expected)
{
    struct buffer   text = {.max = KIB(16)};
    struct http_url from, url;
    struct error    err = {0};

    assert_true(http_url_parse(str_from(base), &from, &err));
    bool ok = endpoint_url_resolve(&from, str_from(reference), &text, &url, &err);
    if (ok != (expected != NULL))
        fail_msg("%s: %s", reference, ok ? "taken" : err.text);
    if (ok && !str_eq(url.target, str_from(expected)))
        fail_msg("%s: %.*s", reference, STR_ARG(url.target));
    buffer_clear(&text);
}

TEST(an_endpoint_is_resolved_against_the_stream_and_stays_at_its_origin)
{
    static const struct {
        const char *base, *reference, *expected;
    } cases[] = {
        {"http://h/a/sse", "/messages?s=1", "/messages?s=1"},
        {"http://h/a/sse", "messages/?s=1#x", "/a/messages/?s=1"},
        {"http://h/a/sse?k", "?s=1", "/a/sse?s=1"},
        {"http://h/a/b/sse", "../m", "/a/m"},
        {"http://h/a/b/sse", "../../../m", "/m"},
        {"http://h/a/sse", "./m/.", "/a/m/"},
        {"http://h/a/sse", "/x/../..", "/"},
        {"http://h", "m", "/m"},
        {"http://h?x", "m", "/m"},
        {"http://h/a/sse", "http://h/m", "/m"},
        {"http://h/a/sse", "HTTP://H:80/m", "/m"},
        {"http://h:81/a/sse", "//h:81/m", "/m"},
        {"http://h/a/sse", "m:1/x", NULL},
        {"http://h/a/sse", "./m:1", "/a/m:1"},
        {"http://h/a/sse", "http://h:81/m", NULL},
        {"http://h/a/sse", "https://h/m", NULL},
        {"http://h/a/sse", "//evil/m", NULL},
        {"http://h/a/sse", "http://h@evil/m", NULL},
        {"http://h/a/sse", "file:///m", NULL},
        {"http://h/a/sse", "/a b", NULL},
        {"http://h/a/sse", "", NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_endpoint(cases[i].base, cases[i].reference, cases[i].expected);
}

TEST(what_a_client_sends_along_and_what_is_wanted_of_it_pass)
{
    static struct http_header theirs[] = {{{"Authorization", 13}, {"Bearer ada", 10}}, {{"x-key", 5}, {"of ada", 6}}};
    const struct way_hooks    hooks    = {.fields = {theirs, 2}};
    struct box                a = {0}, b = {0};

    ways_begin();
    ways.way = way_sse_new(&ways.exchanges, &ways.upstream, &hooks);
    box_request(&a, OPENS);
    WAYS_WAIT(ways_heard(0, "\r\n\r\n"));
    assert_true(ways_heard(0, "\r\nAuthorization: Bearer ada\r\n") && ways_heard(0, "\r\nx-key: of ada\r\n"));
    ways_say(0, STREAM ENDPOINT);
    WAYS_WAIT(ways_heard(1, "\r\n\r\n" OPENS));
    assert_true(ways_heard(1, "\r\nAuthorization: Bearer ada\r\n") && !ways_heard(1, "of the entry"));
    ways_say(1, "HTTP/1.1 403 Forbidden\r\nWWW-Authenticate: Bearer scope=\"b\"\r\nContent-Length: 0\r\n\r\n");
    WAYS_WAIT(a.ends == 1);
    assert_int_equal(a.status, 403);
    assert_string_equal(a.challenge, "Bearer scope=\"b\"");
    ways_finish();

    begin();
    box_request(&b, OPENS);
    WAYS_WAIT(ways_heard(0, "\r\n\r\n"));
    ways_say(0, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n");
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.status, 401);
    assert_string_equal(b.challenge, "Bearer");
    ways_finish();
}
