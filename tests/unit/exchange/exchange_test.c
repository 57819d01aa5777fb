#include "exchange/exchange.h"

#include "test.h"

/* Both ends of an exchange, and the log, as counters. */
struct ends {
    struct loop       loop;
    struct exchanges  all;
    struct front      front;
    struct back       back;
    int               sent, cancelled, ended, closed, notes;
    enum close_reason why;
    bool              head_was_out;
    bool              refuses, closes_again;
};

static struct ends ends;

static void
back_send(struct back *back, struct exchange *x)
{
    (void)back, (void)x;
    ends.sent++;
}

static void
back_cancel(struct back *back, struct exchange *x, enum close_reason why)
{
    (void)back, (void)why;
    ends.cancelled++;
    if (ends.closes_again)
        exchange_close(x, CLOSE_SHUTDOWN);
}

static void
front_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out)
{
    (void)front;
    ends.ended++;
    ends.why          = why;
    ends.head_was_out = head_is_out;
    if (ends.closes_again)
        exchange_close(x, CLOSE_SHUTDOWN);
}

static const struct back_ops  back_ops  = {.send = back_send, .cancel = back_cancel};
static const struct front_ops front_ops = {.end = front_end};

static bool
judge(struct exchange *x, struct error *err)
{
    (void)x;
    return ends.refuses ? error_set(err, ERROR_DENIED, "not today") : true;
}

static bool (*const stages[])(struct exchange *x, struct error *err) = {judge, NULL};

static void
on_message(struct exchange *x, enum message_from from, struct str bytes, bool continues)
{
    (void)x, (void)from, (void)bytes, (void)continues;
    ends.notes++;
}

static void
on_close(struct exchange *x, enum close_reason why)
{
    (void)x, (void)why;
    ends.closed++;
}

static void
begin(void)
{
    ends = (struct ends){.front = {&front_ops}, .back = {&back_ops}};
    assert_true(loop_init(&ends.loop, NULL));
    exchanges_init(&ends.all, &ends.loop,
                   &(struct exchange_hooks){.stages = stages, .on_message = on_message, .on_close = on_close});
}

static void
end(void)
{
    exchanges_clear(&ends.all);
    loop_clear(&ends.loop);
}

/* An exchange in the state, by the ways that lead there. */
static struct exchange *
exchange_in(enum exchange_state state)
{
    struct exchange *x = exchange_new(&ends.all, KIND_REQUEST, &ends.front);

    assert_non_null(x);
    x->patience = SECONDS(30);
    if (state >= EXCHANGE_GUARDING)
        assert_true(exchange_guard(x));
    if (state >= EXCHANGE_WAITING)
        exchange_send(x, &ends.back);
    if (state == EXCHANGE_ANSWERING)
        exchange_begin_answer(x);
    if (state == EXCHANGE_ADRIFT) {
        exchange_set_adrift(x);
        ends.ended        = 0;
        ends.head_was_out = false;
    }
    if (state == EXCHANGE_CLOSED)
        exchange_close(x, CLOSE_ANSWERED);
    assert_int_equal(x->state, state);
    return x;
}

TEST(every_state_is_visited_and_closing_twice_in_each_is_one_end)
{
    static const bool has_back[EXCHANGE_STATES] = {[EXCHANGE_WAITING] = true, [EXCHANGE_ANSWERING] = true};

    for (enum exchange_state state = EXCHANGE_READING; state < EXCHANGE_CLOSED; state++) {
        begin();
        struct exchange *x = exchange_in(state);
        ends.closes_again  = true;
        assert_int_equal(ends.all.open, 1);
        exchange_close(x, CLOSE_TIMED_OUT);
        exchange_close(x, CLOSE_CUT);
        assert_int_equal(x->why, CLOSE_TIMED_OUT); /* the first reason counts */
        assert_int_equal(ends.closed, 1);
        assert_int_equal(ends.cancelled, has_back[state]);
        assert_int_equal(ends.ended, state != EXCHANGE_ADRIFT);
        assert_int_equal(ends.head_was_out, state == EXCHANGE_ANSWERING);
        assert_int_equal(ends.all.open, 0);
        assert_false(timer_is_set(&x->expiry));
        for (enum exchange_state passed = EXCHANGE_READING; passed <= state && state < EXCHANGE_ADRIFT; passed++)
            assert_int_equal(ends.all.visits[passed], 1);
        assert_int_equal(ends.all.visits[EXCHANGE_CLOSED], 1);
        end();
    }
}

TEST(memory_stays_until_the_turn_ends)
{
    begin();
    struct exchange *x = exchange_in(EXCHANGE_WAITING);
    exchange_close(x, CLOSE_ANSWERED);
    assert_int_equal(x->state, EXCHANGE_CLOSED); /* under ASan: still there */
    loop_turn(&ends.loop, 0);
    assert_true(list_is_empty(&ends.all.in_state[EXCHANGE_CLOSED]));
    assert_int_equal(ends.all.spares, 1);
    struct exchange *next = exchange_in(EXCHANGE_READING);
    assert_int_equal(ends.all.spares, 0); /* its arena serves again */
    exchange_close(next, CLOSE_SHUTDOWN);
    end();
}

TEST(one_that_stays_for_hours_gives_its_large_arena_back)
{
    struct str text = STR("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"subscriptions\\/listen\",\"params\":{}}");

    begin();
    struct exchange *x = exchange_new(&ends.all, KIND_REQUEST, NULL);
    assert_true(envelope_parse(&x->message, text, x->arena, NULL));
    struct exchange *light = exchange_lighten(x);
    assert_non_null(light);
    assert_int_equal(ends.all.spares, 1); /* under ASan: what lay in it is gone */
    assert_int_equal(ends.all.open, 1);
    assert_str(light->message.method, "subscriptions/listen");
    assert_str(light->message.id, "7");
    assert_ptr_equal(list_first(&ends.all.in_state[EXCHANGE_READING]), &light->node);
    assert_ptr_equal(list_first(&ends.all.unknown), &light->known);
    exchange_close(light, CLOSE_ANSWERED);
    assert_int_equal(ends.closed, 1);
    loop_turn(&ends.loop, 0);
    assert_int_equal(ends.all.spares, 1); /* a small one serves nobody else */
    end();
}

TEST(what_a_stage_refuses_never_leaves)
{
    begin();
    ends.refuses       = true;
    struct exchange *x = exchange_new(&ends.all, KIND_REQUEST, &ends.front);
    assert_false(exchange_guard(x));
    assert_int_equal(x->state, EXCHANGE_CLOSED);
    assert_int_equal(ends.sent, 0);
    assert_int_equal(ends.why, CLOSE_REFUSED);
    assert_str(x->detail, "not today");
    end();
}

TEST(a_call_times_out_unless_the_client_owes_an_answer)
{
    begin();
    struct exchange *x = exchange_in(EXCHANGE_READING);
    x->patience        = MILLISECONDS(30);
    assert_true(exchange_guard(x));
    exchange_send(x, &ends.back);
    exchange_owe(x, 1);
    assert_false(timer_is_set(&x->expiry));
    exchange_owe(x, -1);
    assert_true(timer_is_set(&x->expiry));
    for (int i = 0; i < 50 && x->state != EXCHANGE_CLOSED; i++)
        timer_wheel_tick(&ends.loop.timers, clock_mono() + MILLISECONDS(10) * i);
    assert_int_equal(x->state, EXCHANGE_CLOSED);
    assert_int_equal(x->why, CLOSE_TIMED_OUT);
    assert_int_equal(ends.cancelled, 1);
    end();
}

TEST(one_without_a_hop_goes_on)
{
    begin();
    struct exchange *x = exchange_in(EXCHANGE_WAITING);
    exchange_lose_front(x);
    exchange_note(x, FROM_SERVER, STR("{}"), false);
    exchange_close(x, CLOSE_ANSWERED);
    assert_int_equal(ends.ended, 0);
    assert_int_equal(ends.notes, 1);
    assert_int_equal(ends.closed, 1);
    exchange_note(x, FROM_SERVER, STR("{}"), false);
    assert_int_equal(ends.notes, 1); /* nothing after the end */
    end();
}

TEST(shutting_down_closes_what_is_open)
{
    begin();
    exchange_in(EXCHANGE_READING);
    exchange_in(EXCHANGE_ANSWERING);
    exchange_in(EXCHANGE_ADRIFT);
    end();
    assert_int_equal(ends.closed, 3);
}

static void
pass(mono_time time)
{
    timer_wheel_tick(&ends.loop.timers, clock_mono() + time);
}

TEST(only_a_client_that_is_there_can_owe_an_answer)
{
    begin();
    struct exchange *x = exchange_in(EXCHANGE_WAITING);
    exchange_owe(x, 1);
    assert_false(timer_is_set(&x->expiry));
    exchange_lose_front(x);
    assert_true(timer_is_set(&x->expiry));
    pass(SECONDS(31));
    assert_int_equal(x->why, CLOSE_TIMED_OUT);
    end();
}

TEST(an_answered_call_whose_stream_does_not_end_ends_as_answered)
{
    begin();
    struct exchange *x = exchange_in(EXCHANGE_ANSWERING);
    exchange_judge(x, &(struct envelope){.kind = MESSAGE_RESULT});
    exchange_note(x, FROM_SERVER, STR("{}"), false);
    pass(SECONDS(2));
    assert_int_equal(x->state, EXCHANGE_CLOSED);
    assert_int_equal(x->why, CLOSE_ANSWERED);
    end();
}

TEST(what_is_said_or_asked_behind_an_answer_does_not_put_off_the_end)
{
    begin();
    struct exchange *x = exchange_in(EXCHANGE_ANSWERING);
    exchange_judge(x, &(struct envelope){.kind = MESSAGE_ERROR, .error_code = -1});
    mono_time end_at = x->expiry.deadline;
    ends.loop.now += ANSWER_REST / 2;
    exchange_note(x, FROM_SERVER, STR("{}"), false);
    exchange_hear(x, EXPIRY_STEP);
    exchange_owe(x, 1);
    exchange_press(x);
    exchange_judge(x, &(struct envelope){.kind = MESSAGE_RESULT});
    assert_true(timer_is_set(&x->expiry));
    assert_int_equal(x->expiry.deadline, end_at);
    assert_true(x->failed); /* the first answer counts */
    pass(SECONDS(2));
    assert_int_equal(x->why, CLOSE_ANSWERED);
    end();
}

TEST(what_is_kept_of_a_message_outlives_its_bytes)
{
    char bytes[] =
        "{\"jsonrpc\":\"2.0\",\"id\":\"one\",\"method\":\"ping\",\"params\":{\"_meta\":{\"progressToken\":7}}}";
    begin();
    struct exchange *x = exchange_new(&ends.all, KIND_REQUEST, NULL);
    assert_true(envelope_parse(&x->message, str_from(bytes), x->arena, NULL));
    exchange_keep_message(x);
    memset(bytes, 'x', sizeof bytes);
    assert_str(x->message.id, "\"one\"");
    assert_str(x->message.progress_token, "7");
    assert_str(x->message.method, "ping");
    assert_null(x->message.message.data);
    end();
}

TEST(what_its_client_does_not_read_is_the_clients_doing)
{
    begin();
    struct exchange *unread = exchange_in(EXCHANGE_ANSWERING), *left = exchange_in(EXCHANGE_ANSWERING);
    unread->is_unread = left->is_unread = true;
    exchange_lose_front(left); /* what goes on for nobody waits for the server alone */
    pass(SECONDS(31));
    assert_int_equal(unread->why, CLOSE_CLIENT_STALLED);
    assert_str(unread->detail, "what came has waited for 30000 ms");
    assert_int_equal(left->why, CLOSE_TIMED_OUT);
    end();
}
