#include "store/purge.h"
#include "store_fixture.h"

static const char answer[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[]}}";

#define NOTHING_LEFT                                                                                                   \
    "SELECT (SELECT count(*) FROM exchange_row) + (SELECT count(*) FROM more) + (SELECT count(*) FROM open) +"         \
    " (SELECT count(*) FROM block) + (SELECT count(*) FROM block_body) + (SELECT count(*) FROM block_words) +"         \
    " (SELECT count(*) FROM tail)"
#define REQUESTS_LEFT "SELECT group_concat(jsonrpc_id, ' ') FROM (SELECT jsonrpc_id FROM exchange ORDER BY id)"

static void
clear(struct fixture *f)
{
    if (!traffic_purge(f->path, &(struct purge){0}, NULL, &f->err))
        fail_msg("%s", f->err.text);
}

/* A record of the exchange `id`, of one message (or the part of one) of the server. */
static void
put_part(struct fixture *f, uint64_t id, const char *text, bool continues, bool final)
{
    struct record *r = record_new(f->traffic, id, f->labels);

    assert_true(record_add(r, FROM_SERVER, traffic_id_time(id), str_from(text), continues));
    traffic_put(f->traffic, r,
                &(struct exchange_facts){.outcome       = final ? OUTCOME_OF_ANSWER : OUTCOME_OPEN,
                                         .method        = STR("tools/call"),
                                         .jsonrpc_id    = STR("open"),
                                         .http_status   = 200,
                                         .duration_us   = final ? 5 : -1,
                                         .first_byte_us = -1,
                                         .final         = final});
}

static bool
join(const struct message_view *m, void *arg)
{
    struct buffer *all = arg;

    return buffer_append(all, m->text) && buffer_append_char(all, '|');
}

static const char *
messages(struct fixture *f, uint64_t id)
{
    static char    text[1000];
    struct buffer  all = {.max = sizeof text};
    struct reader *r   = reader_open(f->path, &f->err);

    assert_non_null(r);
    assert_true(reader_messages(r, id, join, &all, &f->err));
    snprintf(text, sizeof text, "%.*s", STR_ARG(buffer_str(&all)));
    buffer_clear(&all);
    reader_close(r);
    return text;
}

TEST(what_was_put_before_a_clear_does_not_come_back_and_what_is_put_behind_it_stays)
{
    struct fixture       f = {0};
    struct traffic_stats stats;
    fixture_open(&f);

    capture(&f, "{\"written\":1}", answer);
    traffic_flush(f.traffic);
    capture(&f, "{\"waiting\":1}", answer);
    clear(&f);
    capture(&f, "{\"behind\":1}", answer);
    traffic_flush(f.traffic);
    assert_sql(&f, "SELECT count(*) FROM exchange", "1");
    assert_sql(&f, "SELECT count(*) FROM tail WHERE instr(body, 'waiting') > 0", "0");
    assert_sql(&f, "SELECT count(*) FROM tail WHERE instr(body, 'behind') > 0", "1");
    traffic_stats(f.traffic, &stats);
    assert_int_equal(stats.lost, 0); /* forgotten is not lost */
    assert_int_equal(stats.queued, 0);
    fixture_close(&f);
}

TEST(a_clear_with_nothing_behind_it_leaves_nothing)
{
    struct fixture f = {0};
    fixture_open(&f);

    capture(&f, "{\"waiting\":1}", answer);
    put_part(&f, traffic_next_id(f.traffic, clock_wall()), "{\"method\":\"n\"}", false, false);
    clear(&f);
    traffic_close(f.traffic); /* writes what was put */
    f.traffic = NULL;
    assert_sql(&f, NOTHING_LEFT, "0");
    fixture_close(&f);
}

TEST(all_gateways_of_a_home_hear_of_a_clear)
{
    struct fixture f = {0}, other = {0};
    fixture_open(&f);
    other = f;
    assert_true(traffic_open(&other.traffic, f.path, NULL, &f.err));

    capture(&f, "{}", answer);
    capture(&other, "{}", answer);
    clear(&f);
    traffic_flush(f.traffic);
    traffic_flush(other.traffic);
    assert_sql(&f, NOTHING_LEFT, "0");
    capture(&f, "{}", answer);
    capture(&other, "{}", answer);
    traffic_flush(f.traffic);
    traffic_flush(other.traffic);
    assert_sql(&f, "SELECT count(*) FROM exchange", "2");
    traffic_close(other.traffic);
    fixture_close(&f);
}

TEST(a_clear_of_another_life_of_the_machine_says_nothing_to_this_one)
{
    struct fixture f  = {0};
    sqlite3       *db = NULL;
    fixture_open(&f);
    clear(&f);
    traffic_close(f.traffic);
    assert_int_equal(sqlite3_open(f.path, &db), SQLITE_OK); /* the machine ran for long then */
    const char *ahead = "UPDATE meta SET value = 9000000000000000 WHERE key = 'cleared'";
    assert_int_equal(sqlite3_exec(db, ahead, NULL, NULL, NULL), SQLITE_OK);

    fixture_open(&f);
    capture(&f, "{}", answer);
    traffic_flush(f.traffic);
    assert_sql(&f, "SELECT count(*) FROM exchange", "1");

    /* one that happens now, by a clock that is ahead of ours: what waits goes, what comes stays */
    ahead = "UPDATE meta SET value = value + 1 WHERE key = 'cleared'";
    capture(&f, "{}", answer);
    assert_int_equal(sqlite3_exec(db, ahead, NULL, NULL, NULL), SQLITE_OK);
    traffic_flush(f.traffic);
    assert_sql(&f, "SELECT count(*) FROM exchange", "1");
    capture(&f, "{}", answer);
    traffic_flush(f.traffic);
    assert_sql(&f, "SELECT count(*) FROM exchange", "2");
    sqlite3_close(db);
    fixture_close(&f);
}

/* A call that is open while the log is cleared, and had been written to it or not. */
static uint64_t
open_across_clear(struct fixture *f, bool written)
{
    uint64_t id = traffic_next_id(f->traffic, clock_wall());

    put_part(f, id, "{\"before\":1}", false, false);
    if (written)
        traffic_flush(f->traffic);
    clear(f);
    return id;
}

TEST(a_call_that_is_open_at_a_clear_is_there_with_what_came_behind_it)
{
    struct fixture f = {0};
    fixture_open(&f);

    for (int written = 0; written < 2; written++) {
        uint64_t id = open_across_clear(&f, written);
        put_part(&f, id, answer, false, true);
        traffic_flush(f.traffic);
        assert_sql(&f, REQUESTS_LEFT, "open");
        assert_sql(&f, "SELECT outcome FROM exchange", "ok");
        assert_sql(&f, "SELECT count(*) FROM open", "0");
        assert_int_equal(strncmp(messages(&f, id), "{\"jsonrpc\"", 10), 0);
    }
    fixture_close(&f);
}

TEST(a_message_across_a_clear_goes_on_as_a_part)
{
    struct fixture f = {0};
    fixture_open(&f);

    uint64_t id = traffic_next_id(f.traffic, clock_wall());
    put_part(&f, id, "{\"result\":{\"text\":\"one ", true, false);
    clear(&f);
    put_part(&f, id, "two\"}}", false, false);
    put_part(&f, id, "{\"more\":1}", false, true);
    traffic_flush(f.traffic);
    assert_sql(&f, "SELECT count(*) FROM exchange", "1");
    assert_string_equal(messages(&f, id), "two\"}}|{\"more\":1}|");
    fixture_close(&f);
}

TEST(a_call_that_goes_on_behind_a_clear_is_closed_when_its_gateway_crashes)
{
    struct fixture f = {0};
    fixture_open(&f);

    for (int written = 0; written < 2; written++) {
        uint64_t id = open_across_clear(&f, written);
        put_part(&f, id, "{\"behind\":1}", false, false);
        traffic_flush(f.traffic);
        assert_sql(&f, "SELECT count(*) FROM exchange e JOIN open o ON o.id = e.id WHERE outcome IS NULL", "1");
        clear(&f);
    }
    fixture_close(&f);
}
