#include "mcp/client/way_http.h"

#include "mcp/client/ways.h"

#define CALL   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\"}}"
#define RESULT "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"
#define ASKS   "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"elicitation/create\",\"params\":{}}"
#define TOLD   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{}}"
#define REPLY  "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{\"action\":\"decline\"}}"

#define JSON(length, body)                                                                                             \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " length "\r\n\r\n" body
#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
#define TAKEN  "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"

static int heard_status;

static void
on_heard(void *owner, struct exchange *x, int status)
{
    (void)owner, (void)x;
    heard_status = status;
}

static bool
attach(void *owner, struct exchange *x, const struct mail_spec *spec)
{
    (void)owner;
    return x->kind == spec->kind;
}

static void
begin(void)
{
    static const struct way_hooks hooks = {.attach = attach, .on_heard = on_heard};

    ways_begin();
    heard_status = 0;
    ways.way     = way_http_new(&ways.exchanges, &ways.upstream, &hooks, ways.scratch);
}

/* The call of `b` has reached the server, which answers. */
static void
answered(struct box *b, const char *answer)
{
    box_request(b, CALL);
    WAYS_WAIT(ways_heard(0, "\r\n\r\n" CALL));
    ways_say(0, answer);
}

TEST(a_request_has_its_fields_and_its_answer_comes_back)
{
    static const struct http_header params[] = {{{"Mcp-Param-Region", 16}, {"", 0}}};
    struct box                      b        = {0};

    begin();
    box_send(&b, &(struct mail_spec){.kind        = KIND_REQUEST,
                                     .message     = STR(CALL),
                                     .is_modern   = true,
                                     .patience    = SECONDS(3),
                                     .session     = STR("s-1"),
                                     .revision    = STR("2026-07-28"),
                                     .method      = STR("tools/call"),
                                     .name        = STR("M\xc3\xbcnchen"),
                                     .params      = params,
                                     .param_count = 1});
    WAYS_WAIT(ways_heard(0, "\r\n\r\n" CALL));
    static const char *const lines[] = {"POST /v1/mcp?k=v HTTP/1.1\r\n",
                                        "\r\nContent-Type: application/json\r\n",
                                        "\r\nAccept: application/json, text/event-stream\r\n",
                                        "\r\nMcp-Session-Id: s-1\r\n",
                                        "\r\nMCP-Protocol-Version: 2026-07-28\r\n",
                                        "\r\nMcp-Method: tools/call\r\n",
                                        "\r\nMcp-Name: =?base64?TcO8bmNoZW4=?=\r\n",
                                        "\r\nMcp-Param-Region: \r\n",
                                        "\r\nX-Key: of the entry\r\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (str_find(buffer_str(&ways.asked[0]), str_from(lines[i])) < 0)
            fail_msg("no %s in %.*s", lines[i], STR_ARG(buffer_str(&ways.asked[0])));
    ways_say(0, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: s-2\r\nContent-Length: "
                "36\r\n\r\n" RESULT);
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.heads, 1);
    assert_int_equal(heard_status, 200);
    assert_string_equal(b.session, "s-2");
    assert_int_equal(b.why, CLOSE_ANSWERED);
    assert_false(b.is_stream);
    assert_string_equal(b.words, "");
    box_assert(&b, RESULT "\n");
    assert_str(buffer_str(&ways.noted), ">" CALL "<" RESULT);
    ways_finish();
}

TEST(what_a_client_sends_along_goes_before_what_the_entry_says)
{
    static struct http_header theirs[] = {{{"Authorization", 13}, {"Bearer ada", 10}}, {{"x-key", 5}, {"of ada", 6}}};
    const struct way_hooks    hooks    = {.fields = {theirs, 2}};
    const enum exchange_kind  kinds[]  = {KIND_STREAM, KIND_DELETE};
    struct box                boxes[3] = {0};

    begin();
    ways_free_way();
    ways.way = way_http_new(&ways.exchanges, &ways.upstream, &hooks, ways.scratch);
    box_request(&boxes[2], CALL);
    for (size_t i = 0; i < 2; i++)
        box_send(&boxes[i], &(struct mail_spec){.kind = kinds[i], .session = STR("s")});
    for (size_t i = 0; i < 3; i++) {
        WAYS_WAIT(ways_heard(i, "\r\n\r\n"));
        assert_true(ways_heard(i, "\r\nAuthorization: Bearer ada\r\n") && ways_heard(i, "\r\nx-key: of ada\r\n"));
        assert_false(ways_heard(i, "of the entry"));
    }
    ways_finish();
}

TEST(a_challenge_is_told_before_what_came_with_it)
{
    static const struct {
        const char *answer, *challenge, *got;
    } cases[] = {
        {"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"a\"\r\nX: y\r\nwww-authenticate: Basic\r\n"
         "Content-Length: 0\r\n\r\n",
         "Bearer realm=\"a\", Basic", ""},
        {"HTTP/1.1 403 Forbidden\r\nWWW-Authenticate: Bearer\r\nContent-Type: application/json\r\n"
         "Content-Length: 36\r\n\r\n" RESULT,
         "Bearer", RESULT "\n"},
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "", ""},
        {"HTTP/1.1 400 Bad Request\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n", "", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct box b = {0};
        begin();
        answered(&b, cases[i].answer);
        WAYS_WAIT(b.ends == 1);
        assert_string_equal(b.challenge, cases[i].challenge);
        box_assert(&b, cases[i].got);
        ways_finish();
    }
}

TEST(a_stream_is_told_message_by_message_and_what_is_needed_to_go_on)
{
    struct box b = {0};

    begin();
    answered(&b, STREAM ": hello\n\nid: 7\nretry: 500\ndata:\n\ndata: " TOLD "\n\n");
    WAYS_WAIT(buffer_len(&b.got) > 0);
    assert_int_equal(b.ends, 0);
    ways_say(0, "id: e-8\ndata: no message\n\ndata: " ASKS "\n\n");
    ways_hang_up(0);
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.why, CLOSE_CUT);
    assert_true(b.is_stream);
    assert_int_equal(b.retry, MILLISECONDS(500));
    assert_string_equal(b.last_event, "e-8");
    assert_true(strstr(b.words, "ended") != NULL);
    box_assert(&b, TOLD "\n" ASKS "\n");
    ways_finish();
}

TEST(what_follows_an_event_is_asked_for_by_its_id)
{
    struct box b = {0};

    begin();
    box_send(&b,
             &(struct mail_spec){
                 .kind = KIND_STREAM, .session = STR("s"), .revision = STR("2025-11-25"), .last_event = STR("e-8")});
    WAYS_WAIT(ways_heard(0, "\r\n\r\n"));
    assert_true(ways_heard(0, "GET /v1/mcp?k=v HTTP/1.1\r\n"));
    assert_true(ways_heard(0, "\r\nAccept: text/event-stream\r\n") && ways_heard(0, "\r\nLast-Event-ID: e-8\r\n"));
    ways_say(0, STREAM "id: e-9\ndata: " RESULT "\n\n");
    WAYS_WAIT(buffer_len(&b.got) > 0);
    ways_pass(SECONDS(3600)); /* a stream may be silent */
    assert_int_equal(b.ends, 0);
    box_assert(&b, RESULT "\n");
    ways_finish();
    assert_int_equal(b.ends, 0); /* who frees a way is told nothing */
}

TEST(an_error_in_a_4xx_is_a_message_and_a_page_is_none)
{
    static const struct {
        const char *answer, *got;
        int         status;
    } cases[] = {
        {"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 68\r\n\r\n"
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32020,\"message\":\"differs\"}}",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32020,\"message\":\"differs\"}}\n", 400},
        {"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 71\r\n\r\n"
         "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32601,\"message\":\"nothing\"}}",
         "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32601,\"message\":\"nothing\"}}\n", 404},
        {"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", "", 404},
        {"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n", "", 405},
        {"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", "", 400},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct box b = {0};
        begin();
        answered(&b, cases[i].answer);
        WAYS_WAIT(b.ends == 1);
        assert_int_equal(b.why, CLOSE_ANSWERED);
        assert_int_equal(b.status, cases[i].status);
        assert_true(strstr(b.words, "HTTP status") != NULL);
        box_assert(&b, cases[i].got);
        ways_finish();
    }
}

TEST(what_fails_at_once_is_told_later)
{
    struct box   b   = {.got.max = KIB(1)};
    struct error err = {0};

    begin();
    close(ways.listener);
    ways.listener = -1;
    box_request(&b, CALL);
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.why, CLOSE_UNREACHABLE);
    assert_int_equal(b.status, 0);
    assert_true(strstr(b.words, "is down") != NULL);
    assert_null(
        way_send(ways.way, &(struct mail_spec){.kind = KIND_REQUEST, .message = STR("{")}, &box_events, &b, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    box_assert(&b, "");
    ways_finish();
}

TEST(a_large_answer_comes_whole_and_one_over_the_limit_not)
{
    static char large[KIB(200)], text[KIB(201)];
    struct box  b = {0}, c = {0};

    begin();
    memset(large, 'x', sizeof large - 1);
    snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"%s\"}}", large);
    box_request(&b, CALL);
    WAYS_WAIT(ways_heard(0, "\r\n\r\n" CALL));
    ways_say(0, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    char head[16];
    snprintf(head, sizeof head, "%zx\r\n", strlen(text));
    ways_say(0, head);
    ways_say(0, text);
    ways_say(0, "\r\n0\r\n\r\n");
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.why, CLOSE_ANSWERED);
    assert_int_equal(buffer_len(&b.got), strlen(text) + 1);
    buffer_clear(&b.got);
    box_request(&c, CALL);
    ways.asked[0].from = ways.asked[0].end;
    WAYS_WAIT(ways_heard(0, "\r\n\r\n" CALL));
    ways_say(0, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 300000\r\n\r\n");
    WAYS_WAIT(c.ends == 1);
    assert_int_equal(c.why, CLOSE_TOO_LARGE);
    box_assert(&c, "");
    ways_finish();
}

static void
drop_it(struct box *b, const struct envelope *e)
{
    (void)e;
    ways.way->ops->drop(b->mail, CLOSE_CANCELLED);
}

static void
free_all(struct box *b, const struct envelope *e)
{
    (void)b, (void)e;
    ways_free_way();
}

TEST(who_is_told_may_drop_the_mail_or_free_the_way)
{
    static void (*const acts[])(struct box * b, const struct envelope *e) = {drop_it, free_all};
    static const char *const answers[] = {STREAM "data: " TOLD "\n\ndata: " TOLD "\n\n",
                                          JSON("36", RESULT), STREAM "data: [" TOLD "," TOLD "]\n\n"};

    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < 3; k++) {
            struct box b = {.on_each = acts[i]};
            begin();
            answered(&b, answers[k]);
            WAYS_WAIT(ways.closed == 1);
            assert_int_equal(ways.why[0], k == 1 ? CLOSE_ANSWERED : CLOSE_CANCELLED);
            wire_rest(&ways.wire);
            assert_int_equal(b.ends, 0);
            if (k != 1)
                WAYS_WAIT(ways_is_left(0));
            box_assert(&b, k == 1 ? RESULT "\n" : TOLD "\n");
            ways_finish();
        }
}

static void
free_at_the_end(struct box *b)
{
    free_all(b, NULL);
}

TEST(who_is_told_the_end_may_free_the_way)
{
    struct box b = {.on_over = free_at_the_end}, c = {0};

    begin();
    box_request(&c, CALL);
    WAYS_WAIT(ways_heard(0, "\r\n\r\n" CALL));
    box_request(&b, CALL);
    WAYS_WAIT(ways_heard(1, "\r\n\r\n" CALL));
    ways_say(1, JSON("36", RESULT));
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(c.ends, 0);
    assert_int_equal(ways.closed, 2);
    box_assert(&b, RESULT "\n");
    box_assert(&c, "");
    ways_finish();
}

TEST(a_mail_that_is_dropped_behind_its_answer_was_answered_and_keeps_the_connection)
{
    struct box b = {.on_each = drop_it};

    begin();
    answered(&b, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "2d\r\ndata: " RESULT "\n\n\n\r\n");
    WAYS_WAIT(buffer_len(&b.got) > 0);
    wire_rest(&ways.wire);
    assert_int_equal(ways.closed, 0);
    ways_say(0, "0\r\n\r\n");
    WAYS_WAIT(ways.closed == 1);
    assert_int_equal(ways.why[0], CLOSE_ANSWERED);
    assert_false(ways_is_left(0));
    box_assert(&b, RESULT "\n");
    ways_finish();
}

TEST(what_only_tells_the_server_something_outlives_the_way)
{
    struct box b = {0}, c = {0};

    begin();
    box_send(&b, &(struct mail_spec){.kind = KIND_DELETE, .session = STR("s")});
    box_request(&c, CALL);
    ways_free_way();
    assert_int_equal(ways.closed, 1); /* the call */
    WAYS_WAIT(ways_heard(0, "\r\n\r\n"));
    assert_true(ways_heard(0, "DELETE /v1/mcp") && ways_heard(0, "\r\nMcp-Session-Id: s\r\n"));
    ways_say(0, "HTTP/1.1 204 No Content\r\n\r\n");
    WAYS_WAIT(ways.closed == 2);
    assert_int_equal(b.ends, 0);
    box_assert(&b, "");
    box_assert(&c, "");
    ways_finish();
}

TEST(a_request_that_is_a_farewell_outlives_the_way)
{
    struct box b = {0};

    begin();
    box_send(&b, &(struct mail_spec){.kind = KIND_REQUEST, .message = STR(CALL), .is_farewell = true});
    ways_free_way();
    assert_int_equal(ways.closed, 0);
    WAYS_WAIT(ways_heard(0, CALL));
    ways_say(0, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    WAYS_WAIT(ways.closed == 1);
    assert_int_equal(b.ends, 0);
    box_assert(&b, "");
    ways_finish();
}

TEST(a_call_waits_while_its_server_waits_for_us)
{
    struct box b = {0}, r = {0};

    begin();
    answered(&b, STREAM "data: " ASKS "\n\n");
    WAYS_WAIT(buffer_len(&b.got) > 0);
    ways_pass(SECONDS(600));
    assert_int_equal(b.ends, 0);
    box_send(&r, &(struct mail_spec){.kind = KIND_REPLY, .message = STR(REPLY)});
    WAYS_WAIT(ways_heard(1, "\r\n\r\n" REPLY));
    ways_say(1, TAKEN);
    WAYS_WAIT(r.ends == 1);
    assert_int_equal(r.why, CLOSE_ANSWERED);
    assert_int_equal(r.status, 202);
    assert_true(ways_noted("<" ASKS ">" REPLY));
    ways_pass(SECONDS(700)); /* now it is the server's turn again */
    assert_int_equal(b.ends, 1);
    assert_int_equal(b.why, CLOSE_TIMED_OUT);
    box_assert(&b, ASKS "\n");
    box_assert(&r, "");
    ways_finish();
}

static bool
refuse(struct exchange *x, struct error *err)
{
    (void)x;
    return error_set(err, ERROR_INVALID, "not today");
}

TEST(what_the_guard_refuses_never_leaves)
{
    static bool (*const stages[])(struct exchange * x, struct error * err) = {refuse, NULL};
    struct box b                                                           = {0};

    begin();
    ways.exchanges.hooks.stages = stages;
    box_request(&b, CALL);
    WAYS_WAIT(b.ends == 1);
    assert_int_equal(b.why, CLOSE_REFUSED);
    assert_true(strstr(b.words, "not today") != NULL);
    assert_false(ways_heard(0, "POST"));
    box_assert(&b, "");
    ways_finish();
}
