#include "mcp/hop_stream.h"

#include "mcp/relay.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":\"one\",\"method\":\"tools/call\"}"

static struct answer_streams streams;
static struct exchange      *calls[2]; /* of the requests that were posted */
static size_t                called;
static size_t                listeners; /* GETs that reached the back: of no call */

static void
back_send(struct back *back, struct exchange *x)
{
    (void)back;
    if (x->kind == KIND_STREAM)
        listeners++;
}

static void
back_cancel(struct back *back, struct exchange *x, enum close_reason why)
{
    (void)back, (void)x, (void)why;
}

static const struct back_ops back_ops = {.send = back_send, .cancel = back_cancel};
static struct back           back     = {&back_ops};

static void
take(struct http_request *r)
{
    struct str  last = http_header(&r->headers, STR("last-event-id"));
    const char *words;

    if (r->method == HTTP_METHOD_GET) {
        int status = hop_refuses(&streams, last, false, &words);
        if (status != 0)
            hop_drop(relay.hop, CLOSE_REFUSED, words);
        else
            hop_listen(relay.hop, relay.xs[0], &streams, last, &back);
        return;
    }
    hop_set_streams(relay.hop, &streams);
    hop_expect(relay.hop);
    for (size_t i = 0; i < relay.count; i++) {
        calls[called++] = relay.xs[i];
        exchange_send(relay.xs[i], &back);
    }
}

static void
begin(bool is_primed)
{
    called = listeners = 0;
    relay_begin(take);
    answer_streams_init(&streams, &relay.wire.loop);
    streams.is_primed = is_primed;
    streams.tag       = 0xabcdef01;
}

static void
finish(void)
{
    relay_end();
    answer_streams_clear(&streams);
    wire_clear(&relay.wire);
}

static void
post(const char *body)
{
    relay_ask("POST", "", body);
    RELAY_WAIT(called > 0);
}

/* The client's connection is gone, and that is known. */
static void
cut(void)
{
    close(relay.client);
    relay.client = -1;
    for (struct hop *hop = relay.hop; calls[0]->front == &hop->front && calls[0]->state != EXCHANGE_CLOSED;)
        loop_turn(&relay.wire.loop, MILLISECONDS(2));
    wire_rest(&relay.wire);
    buffer_reset(&relay.got);
    relay.is_over = false;
}

static void
come_back(const char *last_event_id)
{
    char line[100];

    snprintf(line, sizeof line, "Last-Event-ID: %s\r\n", last_event_id);
    relay_ask("GET", line, "");
}

static bool
say(struct exchange *x, struct str message, bool last)
{
    bool taken = x->front->ops->message(x->front, x, message, last);

    if (last) {
        exchange_lose_back(x);
        exchange_close(x, CLOSE_ANSWERED);
    }
    return taken;
}

TEST(events_have_ids_and_json_has_none)
{
    begin(false);
    post(CALL);
    say(calls[0], STR("{\"progress\":1}"), false);
    say(calls[0], STR("{\"result\":1}"), true);
    RELAY_WAIT(relay_got("id: abcdef01-c1-1\nevent: message\ndata: {\"progress\":1}\n\n"
                         "id: abcdef01-c1-2\nevent: message\ndata: {\"result\":1}\n\n"));
    finish();

    begin(true);
    post(CALL);
    say(calls[0], STR("{\"result\":1}"), true);
    RELAY_WAIT(relay_got("{\"result\":1}") && relay.is_over);
    assert_false(relay_got("abcdef01"));
    finish();
}

TEST(a_client_that_polls_is_primed)
{
    begin(true);
    post(CALL);
    say(calls[0], STR("{\"progress\":1}"), false);
    RELAY_WAIT(relay_got("\r\n\r\nid: abcdef01-c1-0\nretry: 1000\ndata:\n\nid: abcdef01-c1-1\n"));
    say(calls[0], STR("{}"), true);
    finish();
}

TEST(a_call_that_was_cut_off_goes_on_in_a_get)
{
    begin(false);
    post(CALL);
    say(calls[0], STR("{\"progress\":1}"), false);
    RELAY_WAIT(relay_got("\"progress\":1"));
    cut();
    assert_true(calls[0]->is_away && !exchange_is_heard(calls[0]));
    assert_int_equal(relay.left, 0); /* it is not for the gateway to say what becomes of it */
    assert_true(say(calls[0], STR("{\"progress\":2}"), false));
    come_back("abcdef01-c1-1");
    RELAY_WAIT(relay_got("id: abcdef01-c1-2\nevent: message\ndata: {\"progress\":2}\n\n"));
    assert_false(relay_got("\"progress\":1"));
    assert_false(calls[0]->is_away);
    say(calls[0], STR("{\"progress\":3}"), false);
    say(calls[0], STR("{\"result\":1}"), true);
    RELAY_WAIT(relay_got("id: abcdef01-c1-4\nevent: message\ndata: {\"result\":1}\n\n") && relay.is_over);
    assert_true(relay_got("\"progress\":3"));
    assert_int_equal(listeners, 0);
    assert_int_equal(relay.closed, 2);
    finish();
}

TEST(an_answer_waits_for_its_client)
{
    begin(false);
    post(CALL);
    say(calls[0], STR("{\"progress\":1}"), false);
    cut();
    say(calls[0], STR("{\"result\":1}"), true);
    for (int i = 0; i < 2; i++) { /* and may be lost on the way a second time */
        come_back("abcdef01-c1-1");
        RELAY_WAIT(relay_got("data: {\"result\":1}\n\n") && relay.is_over);
        close(relay.client);
        relay.client = -1;
        buffer_reset(&relay.got);
        relay.is_over = false;
    }
    come_back("abcdef01-c1-3");
    RELAY_WAIT(relay_got("no event of this session"));
    finish();
}

TEST(a_failure_waits_for_its_client_too)
{
    begin(false);
    post(CALL);
    say(calls[0], STR("{\"progress\":1}"), false);
    cut();
    exchange_fail(calls[0], CLOSE_CUT, "it exited");
    come_back("abcdef01-c1-1");
    RELAY_WAIT(relay_got("\"id\":\"one\"") && relay.is_over);
    assert_true(relay_got("weather") && relay_got("it exited"));
    finish();
}

TEST(who_comes_back_before_its_connection_is_missed_takes_over)
{
    begin(false);
    post(CALL);
    say(calls[0], STR("{\"progress\":1}"), false);
    RELAY_WAIT(relay_got("\"progress\":1"));
    int first    = relay.client;
    relay.client = -1;
    buffer_reset(&relay.got);
    come_back("abcdef01-c1-0");
    RELAY_WAIT(relay_got("\"progress\":1"));
    say(calls[0], STR("{\"result\":1}"), true);
    RELAY_WAIT(relay_got("\"result\":1") && relay.is_over);
    close(first);
    finish();
}

TEST(a_get_stream_goes_on_behind_the_event_that_was_seen)
{
    begin(false);
    relay_ask("GET", "", "");
    RELAY_WAIT(listeners == 1);
    say(relay.xs[0], STR("{\"method\":\"a\"}"), false);
    say(relay.xs[0], STR("{\"method\":\"b\"}"), false);
    RELAY_WAIT(relay_got("id: abcdef01-g1-2\n"));
    close(relay.client);
    relay.client = -1;
    RELAY_WAIT(relay.left == 1);
    buffer_reset(&relay.got);
    come_back("abcdef01-g1-1");
    RELAY_WAIT(relay_got("id: abcdef01-g1-2\nevent: message\ndata: {\"method\":\"b\"}\n\n"));
    assert_false(relay_got("\"a\""));
    assert_int_equal(listeners, 2);
    say(relay.xs[0], STR("{\"method\":\"c\"}"), false);
    RELAY_WAIT(relay_got("id: abcdef01-g1-3\n"));
    finish();
}

TEST(a_client_that_is_let_go_fetches_its_answer)
{
    begin(true);
    post(CALL);
    assert_true(exchange_let_go(calls[0], MILLISECONDS(500)));
    RELAY_WAIT(relay_got("id: abcdef01-c1-0\nretry: 500\ndata:\n\n") && relay.is_over);
    assert_true(exchange_let_go(calls[0], MILLISECONDS(500))); /* it is away already */
    relay.client = -1;
    buffer_reset(&relay.got);
    relay.is_over = false;
    come_back("abcdef01-c1-0");
    RELAY_WAIT(relay_got("200 OK"));
    say(calls[0], STR("{\"progress\":1}"), false);
    assert_true(exchange_let_go(calls[0], SECONDS(1000))); /* sent away a second time, not for ever */
    RELAY_WAIT(relay_got("id: abcdef01-c1-1\nretry: 60000\ndata:\n\n") && relay.is_over);
    assert_true(calls[0]->is_away);
    relay.client = -1;
    buffer_reset(&relay.got);
    relay.is_over = false;
    say(calls[0], STR("{\"result\":1}"), true);
    come_back("abcdef01-c1-1");
    RELAY_WAIT(relay_got("\"result\":1") && relay.is_over);
    finish();
}

TEST(only_who_polls_is_let_go)
{
    begin(false);
    post(CALL);
    assert_false(exchange_let_go(calls[0], MILLISECONDS(500)));
    say(calls[0], STR("{\"result\":1}"), true);
    RELAY_WAIT(relay_got("application/json"));
    finish();
}

TEST(an_answer_that_memory_cannot_keep_becomes_an_error)
{
    char *text = calloc(1, MIB(1));

    begin(false);
    post(CALL);
    say(calls[0], STR("{\"progress\":1}"), false);
    cut();
    relay.wire.budget.max = MIB(1);
    assert_false(calls[0]->front->ops->message(calls[0]->front, calls[0], str_of(text, MIB(1)), true));
    exchange_fail(calls[0], CLOSE_BUSY, "no memory for its answer (memory.max)");
    come_back("abcdef01-c1-1");
    RELAY_WAIT(relay_got("(memory.max)") && relay.is_over);
    assert_true(relay_got("\"id\":\"one\""));
    finish();
    free(text);
}

TEST(a_gap_is_said_and_a_lost_question_fails_its_call)
{
    begin(false);
    post(CALL);
    say(calls[0], STR("{\"progress\":1}"), false);
    exchange_owe(calls[0], 1);
    cut();
    for (int i = 0; i < EVENTS_MAX + 1; i++)
        say(calls[0], STR("{\"progress\":2}"), false);
    come_back("abcdef01-c1-1");
    RELAY_WAIT(relay_got(": some of what followed is no longer kept\n\n") && relay.is_over);
    assert_true(relay_got("what it asked meanwhile was not kept"));
    finish();
}

TEST(a_slow_client_of_a_resumed_stream_may_come_again)
{
    static char large[KIB(256)];

    begin(false);
    post(CALL);
    say(calls[0], STR("{\"progress\":1}"), false);
    cut();
    come_back("abcdef01-c1-1");
    RELAY_WAIT(!calls[0]->is_away);
    memset(large, ' ', sizeof large);
    for (int i = 0; i < 100 && !calls[0]->is_away; i++) {
        assert_true(say(calls[0], str_of(large, sizeof large), false)); /* nobody reads; it is kept */
        loop_turn(&relay.wire.loop, 0);
    }
    assert_true(calls[0]->is_away);
    say(calls[0], STR("{\"result\":1}"), true);
    finish();
}

TEST(calls_of_a_batch_share_a_stream)
{
    begin(false);
    relay_ask("POST", "", "[" CALL ",{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}]");
    RELAY_WAIT(called == 2);
    say(calls[0], STR("{\"progress\":1}"), false);
    cut();
    say(calls[0], STR("{\"result\":1}"), true);
    come_back("abcdef01-c1-1");
    RELAY_WAIT(relay_got("\"result\":1"));
    assert_false(relay.is_over);
    say(calls[1], STR("{\"result\":2}"), true);
    RELAY_WAIT(relay_got("\"result\":2") && relay.is_over);
    finish();
}
