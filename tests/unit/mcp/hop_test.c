#include "mcp/relay.h"

#define CALL  "{\"jsonrpc\":\"2.0\",\"id\":\"one\",\"method\":\"tools/call\"}"
#define OTHER "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}"
#define TOLD  "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}"

/* A back that only remembers. */
static int cancelled;

static void
back_send(struct back *back, struct exchange *x)
{
    (void)back, (void)x;
}

static void
back_cancel(struct back *back, struct exchange *x, enum close_reason why)
{
    (void)back, (void)x, (void)why;
    cancelled++;
}

static const struct back_ops back_ops = {.send = back_send, .cancel = back_cancel};
static struct back           back     = {&back_ops};

static void
send_all(struct http_request *r)
{
    (void)r;
    hop_expect(relay.hop);
    for (size_t i = 0; i < relay.count; i++)
        exchange_send(relay.xs[i], &back);
}

static void
begin(const char *lines, const char *body)
{
    cancelled = 0;
    relay_begin(send_all);
    relay_ask("POST", lines, body);
    RELAY_WAIT(relay.count > 0);
}

static void
finish(void)
{
    relay_end();
    wire_clear(&relay.wire);
}

static bool
say(size_t i, struct str message, bool last)
{
    struct exchange *x = relay.xs[i];

    bool taken = x->front->ops->message(x->front, x, message, last);
    if (last) {
        exchange_lose_back(x);
        exchange_close(x, CLOSE_ANSWERED);
    }
    return taken;
}

TEST(the_last_message_alone_is_json)
{
    begin("", CALL);
    assert_true(say(0, STR("{\"result\":1}"), true));
    RELAY_WAIT(relay_got("{\"result\":1}"));
    assert_true(relay_got("Content-Type: application/json"));
    assert_int_equal(relay.closed, 1);
    finish();
}

/* Nothing of it is out: the client can still be told. */
TEST(an_answer_that_memory_cannot_hold_is_not_begun)
{
    char            *text = malloc(CONN_HIGH + 1);
    struct exchange *x;

    memset(text, ' ', CONN_HIGH + 1);
    begin("", CALL);
    x                     = relay.xs[0];
    relay.wire.budget.max = 0;
    assert_false(x->front->ops->message(x->front, x, str_of(text, CONN_HIGH + 1), true));
    exchange_fail(x, CLOSE_BUSY, "no memory for its answer (memory.max)");
    RELAY_WAIT(relay_got("(memory.max)"));
    assert_true(relay_got("HTTP/1.1 503 "));
    assert_true(relay_got("\"id\":\"one\""));
    finish();
    free(text);
}

TEST(answers_of_a_batch_are_held_within_the_budget)
{
    begin("", "[" CALL "," OTHER "]");
    say(0, STR("{\"result\":1}"), true);
    assert_int_equal(relay.wire.budget.taken, 13);
    say(1, STR("{\"result\":2}"), true);
    RELAY_WAIT(relay_got("[{\"result\":1},{\"result\":2}]"));
    assert_int_equal(relay.wire.budget.taken, 0);
    finish();

    begin("", "[" CALL "," OTHER "]");
    relay.wire.budget.max = 20;
    say(0, STR("{\"result\":1}"), true);
    say(1, STR("{\"result\":2}"), true);
    RELAY_WAIT(relay_got("memory.max"));
    assert_true(relay_got("HTTP/1.1 502 "));
    assert_int_equal(relay.wire.budget.taken, 0);
    finish();
}

TEST(a_message_before_the_last_makes_a_stream)
{
    begin("", CALL);
    assert_true(say(0, STR("{\"progress\":1}"), false));
    RELAY_WAIT(relay_got("event: message\ndata: {\"progress\":1}\n\n"));
    assert_true(relay_got("Content-Type: text/event-stream"));
    assert_true(say(0, STR("{\"result\":1}"), true));
    RELAY_WAIT(relay_got("data: {\"result\":1}\n\n") && relay.is_over);
    finish();
}

TEST(after_five_seconds_it_is_a_stream_with_a_comment_every_fifteen)
{
    begin("", CALL);
    relay_pass(SECONDS(4));
    wire_rest(&relay.wire);
    assert_false(relay_got("HTTP/1.1"));
    relay_pass(SECONDS(6));
    RELAY_WAIT(relay_got(": still here\n\n"));
    buffer_reset(&relay.got);
    relay_pass(SECONDS(22));
    RELAY_WAIT(relay_got(": still here\n\n"));
    say(0, STR("{}"), true);
    finish();
}

TEST(a_client_that_takes_json_only_gets_json_however_late_and_nothing_on_the_way)
{
    begin("Accept: application/json\r\n", CALL);
    relay_pass(SECONDS(6));
    assert_false(say(0, STR("{\"progress\":1}"), false));
    say(0, STR("{\"result\":1}"), true);
    RELAY_WAIT(relay_got("{\"result\":1}"));
    assert_false(relay_got("progress"));
    assert_true(relay_got("application/json"));
    finish();
}

TEST(a_line_end_within_a_message_does_not_end_its_line)
{
    begin("", CALL);
    say(0, STR("{\"a\":\r1,\r\n\"b\":2}"), false);
    RELAY_WAIT(relay_got("data: {\"a\":1,\"b\":2}\n\n"));
    say(0, STR("{}"), true);
    finish();
}

TEST(a_client_slower_than_its_share_loses_its_hop_and_is_heard_of_once)
{
    static char large[KIB(256)];
    bool        kept = true;

    memset(large, ' ', sizeof large);
    begin("", CALL);
    for (int i = 0; i < 100 && kept; i++) {
        kept = say(0, str_of(large, sizeof large), false); /* nobody reads */
        if (kept)
            loop_turn(&relay.wire.loop, 0);
    }
    assert_false(kept);
    assert_int_equal(relay.left, 1);
    assert_str(relay.xs[0]->message.id, "\"one\""); /* still its own, the request is gone */
    assert_null(relay.xs[0]->front);
    finish();
    assert_int_equal(relay.closed, 1);
}

TEST(what_is_borrowed_of_a_request_is_kept_when_it_ends)
{
    begin("", CALL);
    close(relay.client);
    relay.client = -1;
    RELAY_WAIT(relay.left == 1);
    assert_int_equal(cancelled, 1);
    finish();
}

TEST(a_batch_is_answered_when_all_of_it_is_there)
{
    begin("", "[" CALL "," TOLD "," OTHER "]");
    say(0, STR("{\"result\":1}"), true);
    wire_rest(&relay.wire);
    assert_false(relay_got("HTTP/1.1"));
    exchange_lose_back(relay.xs[1]);
    exchange_close(relay.xs[1], CLOSE_ANSWERED);
    exchange_fail(relay.xs[2], CLOSE_TIMED_OUT, "no answer within 1 ms");
    RELAY_WAIT(relay_got("[{\"result\":1},{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":"));
    assert_true(relay_got("HTTP/1.1 200 ")); /* one was answered */
    finish();
}

TEST(a_batch_whose_last_message_is_a_notification_is_answered_when_that_is_taken)
{
    begin("", "[" CALL "," TOLD "]");
    say(0, STR("{\"result\":1}"), true);
    wire_rest(&relay.wire);
    assert_str(relay.xs[1]->message.message, TOLD); /* its bytes are still there: nothing was answered yet */
    exchange_close(relay.xs[1], CLOSE_ANSWERED);
    RELAY_WAIT(relay_got("[{\"result\":1}]"));
    finish();
}

TEST(what_fails_is_said_with_the_id_of_the_request)
{
    begin("", CALL);
    exchange_fail(relay.xs[0], CLOSE_UNREACHABLE, "connection refused");
    RELAY_WAIT(relay_got("\"id\":\"one\""));
    assert_true(relay_got("HTTP/1.1 502 "));
    assert_true(relay_got("\"reason\":\"unreachable\""));
    finish();
}

TEST(a_request_whose_answer_cannot_be_made_is_dropped_with_words)
{
    cancelled = 0;
    relay_begin(send_all);
    relay_ask("POST", "", "[" CALL "," OTHER "]");
    RELAY_WAIT(relay.count == 2);
    hop_drop(relay.hop, CLOSE_BUSY, "too many");
    RELAY_WAIT(relay_got("\"id\":2"));
    assert_true(relay_got("HTTP/1.1 503 "));
    finish();
}

TEST(a_json_answer_has_the_status_that_its_back_chose_and_a_stream_has_not)
{
    begin("", CALL);
    relay.xs[0]->http_status = 404;
    say(0, STR("{\"error\":1}"), true);
    RELAY_WAIT(relay_got("HTTP/1.1 404 "));
    finish();
    begin("", CALL);
    say(0, STR("{\"progress\":1}"), false);
    relay.xs[0]->http_status = 404;
    say(0, STR("{\"error\":1}"), true);
    assert_int_equal(relay.xs[0]->http_status, 200);
    RELAY_WAIT(relay_got("\"error\""));
    assert_true(relay_got("HTTP/1.1 200 "));
    finish();
}
