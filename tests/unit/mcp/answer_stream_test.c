#include "mcp/answer_stream.h"

#include "base/live.h"
#include "test.h"

static struct loop           loop;
static struct budget         budget;
static struct answer_streams all;
static char                  id[EVENT_ID_SIZE];

static void
begin(void)
{
    struct error err = {0};

    assert_true(loop_init(&loop, &err));
    budget = (struct budget){.max = MIB(64)};
    answer_streams_init(&all, &loop);
    all.budget = &budget;
}

static void
finish(void)
{
    answer_streams_clear(&all);
    assert_int_equal(budget.taken, 0);
    assert_int_equal(live_counts[LIVE_ANSWER_STREAMS], 0);
    assert_int_equal(live_counts[LIVE_KEPT_EVENTS], 0);
    loop_clear(&loop);
}

/* As if so much time had passed. */
static void
pass(mono_time time)
{
    loop.now = clock_mono() + time;
    timer_wheel_tick(&loop.timers, loop.now);
}

static struct str
id_of(const struct answer_stream *s, uint64_t number)
{
    return answer_stream_id(s, number, id);
}

/* Whether a client that has seen that event gets what followed. */
static bool
resumes(struct answer_stream *s, uint64_t number)
{
    struct resumption which;

    return answer_streams_find(&all, id_of(s, number), &which) && which.stream == s && which.after == number;
}

TEST(an_id_says_which_event_of_which_stream_it_is)
{
    begin();
    struct answer_stream *call = answer_stream_new(&all, false, STR("weather"));
    struct answer_stream *get  = answer_stream_new(&all, true, STR_NONE);
    assert_true(answer_stream_keep(call, STR("{}"), false));
    assert_true(answer_stream_keep(get, STR("{}"), false));
    assert_true(answer_stream_keep(call, STR("{}"), true));
    assert_true(str_ends(id_of(call, call->last), STR("-c1-2")));
    assert_true(str_ends(id_of(get, get->last), STR("-g2-1")));
    assert_true(resumes(call, 0) && resumes(call, 1) && resumes(call, 2) && resumes(get, 1));
    finish();
}

TEST(what_is_no_event_of_this_session_is_refused)
{
    static const char *const wrong[] = {"1",
                                        "-",
                                        "--",
                                        "00000000-c1-1",
                                        "TAG-",
                                        "TAG-c1",
                                        "TAG-c1-",
                                        "TAG-x1-1",
                                        "TAG-c-1",
                                        "TAG-c1-3",
                                        "TAG-g1-1",
                                        "TAG-c2-1",
                                        "TAG-c1-1-1",
                                        "TAG-c1--1",
                                        "TAG-c1-99999999999999999999999",
                                        "TAG-c4294967297-1",
                                        " TAG-c1-1"};
    struct resumption        which;

    begin();
    all.tag                 = 0xabcdef01;
    struct answer_stream *s = answer_stream_new(&all, false, STR("weather"));
    answer_stream_keep(s, STR("{}"), false);
    answer_stream_keep(s, STR("{}"), false);
    assert_true(answer_streams_find(&all, STR("abcdef01-c1-1"), &which));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct str    tail = str_from(wrong[i]);
        ptrdiff_t     at   = str_find(tail, STR("TAG"));
        struct buffer text = {.max = 200};
        buffer_append(&text, at < 0 ? tail : str_take(tail, (size_t)at));
        if (at >= 0 && buffer_append(&text, STR("abcdef01")))
            buffer_append(&text, str_skip(tail, (size_t)at + 3));
        if (answer_streams_find(&all, buffer_str(&text), &which))
            fail_msg("%s was taken", wrong[i]);
        assert_non_null(which.refusal);
        buffer_clear(&text);
    }
    assert_true(answer_streams_find(&all, STR_NONE, &which) && which.stream == NULL); /* none was given */
    finish();
}

TEST(too_many_events_drop_the_oldest_and_answers_last)
{
    begin();
    struct answer_stream *answered = answer_stream_new(&all, false, STR("weather"));
    struct answer_stream *chatty   = answer_stream_new(&all, false, STR("weather"));
    assert_true(answer_stream_keep(answered, STR("{\"result\":1}"), true));
    answer_stream_end(answered);
    for (int i = 0; i < EVENTS_MAX + 10; i++)
        assert_true(answer_stream_keep(chatty, STR("{\"progress\":1}"), false));
    assert_int_equal(all.event_count, EVENTS_MAX);
    assert_true(resumes(answered, 0));
    assert_int_equal(chatty->lost, 11);
    assert_true(resumes(chatty, 0)); /* of a call notifications may be missing, and it is said that they are */
    for (int i = 0; i < EVENTS_MAX; i++)
        answer_stream_keep(chatty, STR("{\"result\":1}"), true);
    assert_false(answer_stream_keep(chatty, STR("{\"progress\":1}"), false)); /* no answer gives way to it */
    finish();
}

TEST(of_a_stream_of_a_get_nothing_may_be_missing)
{
    struct resumption which;

    begin();
    struct answer_stream *s = answer_stream_new(&all, true, STR_NONE);
    for (int i = 0; i < EVENTS_MAX + 1; i++)
        answer_stream_keep(s, STR("{}"), false);
    assert_true(resumes(s, 1));
    assert_true(answer_streams_find(&all, id_of(s, 0), &which));
    assert_null(which.stream); /* a fresh one, which it sees by its ids */
    finish();
}

TEST(a_lost_answer_is_told)
{
    struct resumption which;

    begin();
    struct answer_stream *s = answer_stream_new(&all, false, STR("weather"));
    answer_stream_keep(s, STR("{\"progress\":1}"), false);
    answer_stream_skip(s, true);
    assert_false(answer_streams_find(&all, id_of(s, 1), &which));
    assert_str(str_from(which.refusal), "what followed this event is no longer kept");
    assert_true(resumes(s, 2));
    finish();
}

TEST(bytes_are_bounded)
{
    static char large[MIB(4)];

    begin();
    struct answer_stream *s = answer_stream_new(&all, false, STR("weather"));
    for (int i = 0; i < 10; i++)
        assert_true(answer_stream_keep(s, str_of(large, MIB(1)), false));
    assert_int_equal(all.event_count, 3);
    assert_true(budget.taken <= EVENT_BYTES);
    s->hop = (struct hop *)(void *)&all;
    assert_false(answer_stream_keep(s, str_of(large, sizeof large), true)); /* with what is about it, it is too large */
    s->hop = NULL;
    assert_false(answer_stream_keep(s, str_of(large, sizeof large), false));
    assert_int_equal(s->last, 10);
    assert_true(answer_stream_keep(s, str_of(large, sizeof large), true)); /* there is nobody to whom it was given */
    assert_int_equal(all.event_count, 1);
    finish();
}

TEST(the_last_quarter_of_memory_is_for_others)
{
    static char large[MIB(1)];

    begin();
    budget.max              = MIB(4);
    struct answer_stream *s = answer_stream_new(&all, false, STR("weather"));
    budget_take(&budget, MIB(2) + KIB(1));
    assert_false(answer_stream_keep(s, str_of(large, sizeof large), true));
    assert_true(answer_stream_keep(s, STR("{\"error\":{}}"), true)); /* the words that it is not kept */
    budget_give(&budget, KIB(2));
    assert_true(answer_stream_keep(s, str_of(large, sizeof large), true));
    budget_give(&budget, MIB(2) - KIB(1));
    finish();
}

TEST(time_takes_events_and_the_last_takes_an_ended_stream)
{
    struct resumption which;

    begin();
    struct answer_stream *ended = answer_stream_new(&all, false, STR("weather"));
    struct answer_stream *open  = answer_stream_new(&all, false, STR("weather"));
    struct answer_stream *get   = answer_stream_new(&all, true, STR_NONE);
    answer_stream_keep(ended, STR("{}"), true);
    answer_stream_keep(open, STR("{}"), false);
    answer_stream_keep(get, STR("{}"), false);
    answer_stream_end(ended);
    pass(EVENT_KEPT - SECONDS(1));
    assert_int_equal(all.event_count, 3);
    pass(EVENT_KEPT + SECONDS(1));
    assert_int_equal(all.event_count, 0);
    assert_int_equal(all.stream_count, 2);
    assert_false(answer_streams_find(&all, STR_NONE.len == 0 ? id_of(open, 2) : STR_NONE, &which));
    assert_true(resumes(open, 1) && resumes(get, 1));
    finish();
}

TEST(a_fresh_get_forgets_the_last_one)
{
    struct resumption which;
    char              old[EVENT_ID_SIZE];

    begin();
    struct answer_stream *first = answer_stream_new(&all, true, STR_NONE);
    answer_stream_keep(first, STR("{}"), false);
    struct str name = answer_stream_id(first, 1, old);
    answer_stream_new(&all, true, STR_NONE);
    assert_int_equal(all.stream_count, 1);
    assert_int_equal(all.event_count, 0);
    assert_true(answer_streams_find(&all, name, &which) && which.stream == NULL);
    finish();
}

TEST(streams_are_bounded)
{
    begin();
    struct answer_stream *first = answer_stream_new(&all, false, STR("weather"));
    for (int i = 1; i < STREAMS_MAX; i++)
        assert_non_null(answer_stream_new(&all, false, STR("weather")));
    assert_null(answer_stream_new(&all, false, STR("weather")));
    answer_stream_keep(first, STR("{}"), true);
    answer_stream_end(first); /* one whose call is over makes room */
    assert_non_null(answer_stream_new(&all, false, STR("weather")));
    assert_int_equal(all.event_count, 0);
    finish();
}
