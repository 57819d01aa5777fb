#include "store_fixture.h"

static const char request[] =
    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"forecast\","
    "\"arguments\":{\"city\":\"Oslo\"}}}";
static const char answer[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{\"type\":\"text\",\"text\":"
                             "\"rain\"}]}}";

TEST(ids_grow_strictly_and_carry_time_and_slot)
{
    struct fixture f = {0};
    fixture_open(&f);

    uint64_t a = traffic_next_id(f.traffic, clock_wall());
    uint64_t b = traffic_next_id(f.traffic, 0); /* a clock that stepped back */
    uint64_t c = traffic_next_id(f.traffic, traffic_id_time(a));
    assert_true(a < b && b < c && c <= INT64_MAX);
    assert_int_equal(a & 1023, 0);
    assert_true(llabs(traffic_id_time(a) - clock_wall()) < SECONDS(5));
    fixture_close(&f);
}

TEST(two_writers_of_one_file_have_two_slots)
{
    struct fixture  f     = {0};
    struct traffic *other = NULL;
    fixture_open(&f);

    assert_true(traffic_open(&other, f.path, NULL, &f.err));
    assert_int_equal(traffic_next_id(f.traffic, 5) & 1023, 0);
    assert_int_equal(traffic_next_id(other, 5) & 1023, 1);
    traffic_close(other);
    assert_true(traffic_open(&other, f.path, NULL, &f.err)); /* the slot is free again */
    assert_int_equal(traffic_next_id(other, 5) & 1023, 1);
    traffic_close(other);
    fixture_close(&f);
}

TEST(ids_stay_above_what_the_slot_wrote_when_the_clock_was_set_back)
{
    struct fixture f = {0};
    fixture_open(&f);

    uint64_t       ahead = traffic_next_id(f.traffic, clock_wall() + SECONDS(1000));
    struct record *r     = record_new(f.traffic, ahead, f.labels);
    traffic_put(f.traffic, r, &(struct exchange_facts){.outcome = OUTCOME_OK, .final = true});
    traffic_close(f.traffic);
    fixture_open(&f);
    assert_true(traffic_next_id(f.traffic, clock_wall()) > ahead);
    fixture_close(&f);
}

TEST(a_call_is_a_row_of_the_view)
{
    struct fixture f = {0};
    fixture_open(&f);

    capture(&f, request, answer);
    traffic_flush(f.traffic);
    assert_sql(&f,
               "SELECT server || ' ' || session || ' ' || method || ' ' || target || ' ' || jsonrpc_id || ' ' ||"
               " outcome || ' ' || kind FROM exchange",
               "weather s-1 tools/call forecast 7 ok request");
    assert_sql(&f,
               "SELECT typeof(id) || typeof(at_us) || typeof(error_code) || typeof(http_status) ||"
               " typeof(duration_us) FROM exchange",
               "integerintegernullintegerinteger");
    assert_sql(&f,
               "SELECT typeof(server) || typeof(session) || typeof(method) || typeof(target) || typeof(jsonrpc_id)"
               " || typeof(outcome) || typeof(kind) FROM exchange",
               "texttexttexttexttexttexttext");
    assert_sql(&f,
               "SELECT http_status || ' ' || duration_us || ' ' || first_byte_us || ' ' || principal || ' ' ||"
               " client || ' ' || tokens_in || ' ' || tokens_out FROM exchange",
               "200 900 800 local ada 6 16");
    assert_sql(&f, "SELECT bytes_in || ' ' || bytes_out FROM exchange", "103 77");
    fixture_close(&f);
}

TEST(the_views_words_are_those_of_the_code)
{
    struct fixture f = {0};
    char           sql[200];
    fixture_open(&f);

    for (int kind = 0; kind < KINDS; kind++) {
        for (int outcome = OUTCOME_OK; outcome < OUTCOMES; outcome++) {
            struct record *r  = record_new(f.traffic, traffic_next_id(f.traffic, 0), f.labels);
            uint64_t       id = traffic_next_id(f.traffic, 0) - 1024;
            traffic_put(f.traffic, r,
                        &(struct exchange_facts){
                            .kind = (enum exchange_kind)kind, .outcome = (enum outcome)outcome, .final = true});
            traffic_flush(f.traffic);
            snprintf(sql, sizeof sql, "SELECT kind FROM exchange WHERE id = %llu", (unsigned long long)id);
            assert_sql(&f, sql, kind_name((enum exchange_kind)kind));
            snprintf(sql, sizeof sql, "SELECT outcome FROM exchange WHERE id = %llu", (unsigned long long)id);
            assert_sql(&f, sql, outcome_name((enum outcome)outcome));
        }
    }
    fixture_close(&f);
}

static void
put_part(struct fixture *f, uint64_t id, enum message_from from, const char *text, bool continues, bool final)
{
    struct record *r = record_new(f->traffic, id, f->labels);

    if (text != NULL)
        record_add(r, from, traffic_id_time(id) + 5, str_from(text), continues);
    traffic_put(f->traffic, r,
                &(struct exchange_facts){.outcome       = OUTCOME_OF_ANSWER,
                                         .method        = final ? STR_NONE : STR("tools/call"),
                                         .jsonrpc_id    = final ? STR_NONE : STR("abc"),
                                         .final         = final,
                                         .duration_us   = 2000000,
                                         .first_byte_us = -1});
    traffic_flush(f->traffic);
}

TEST(a_long_exchange_is_open_until_its_final_record)
{
    struct fixture f = {0};
    fixture_open(&f);

    uint64_t id = traffic_next_id(f.traffic, clock_wall());
    put_part(&f, id, FROM_CLIENT, request, false, false);
    assert_sql(&f, "SELECT method || typeof(outcome) || typeof(duration_us) || jsonrpc_id FROM exchange",
               "tools/callnullnullabc");
    put_part(&f, id, FROM_SERVER, "{\"jsonrpc\":\"2.0\",\"id\":7,\"err", true, false);
    put_part(&f, id, FROM_SERVER, "or\":{\"code\":-32", true, false);
    put_part(&f, id, FROM_SERVER, "603,\"message\":\"no\"}}", false, true);
    assert_sql(&f,
               "SELECT method || ' ' || outcome || ' ' || error_code || ' ' || duration_us || ' ' || jsonrpc_id ||"
               " ' ' || count(*) FROM exchange",
               "tools/call error -32603 2000000 abc 1");
    assert_sql(&f, "SELECT count(*) FROM open", "0");
    fixture_close(&f);
}

TEST(what_a_dead_process_left_is_adopted)
{
    struct fixture  f     = {0};
    struct traffic *other = NULL;
    fixture_open(&f);

    assert_true(traffic_open(&other, f.path, NULL, &f.err)); /* slot 1 dies: as if killed, its rows stay open */
    struct traffic *mine = f.traffic;
    f.traffic            = other;
    put_part(&f, traffic_next_id(other, clock_wall()), FROM_CLIENT, request, false, false);
    f.traffic = mine;
    traffic_close(other);
    assert_sql(&f, "SELECT count(*) FROM tail", "1");
    assert_sql(&f, "SELECT count(*) FROM exchange WHERE outcome IS NULL", "1");

    traffic_close(f.traffic); /* the next to open takes slot 0, and finds slot 1 orphaned */
    fixture_open(&f);
    assert_sql(&f, "SELECT count(*) FROM tail", "0");
    assert_sql(&f, "SELECT count(*) FROM block", "1");
    assert_sql(&f, "SELECT outcome FROM exchange", "cut");
    fixture_close(&f);
}

TEST(the_tail_rolls_into_blocks_without_losing_a_message)
{
    struct fixture f = {0};
    char           text[3000], sql[100];
    fixture_open(&f);

    for (int i = 0; i < 200; i++) { /* 200 commits of 3 KB */
        snprintf(text, sizeof text, "{\"n\":%d,\"pad\":\"%02900d\"}", i, i);
        capture(&f, text, answer);
        traffic_flush(f.traffic);
    }
    assert_sql(&f, "SELECT count(*) >= 2 FROM block", "1");
    snprintf(sql, sizeof sql, "SELECT sum(length(body)) < 262144 FROM tail");
    assert_sql(&f, sql, "1");
    assert_sql(&f,
               "SELECT (SELECT sum(last - (id & 1099511627775) + 1) FROM block) + (SELECT sum(last - (id &"
               " 1099511627775) + 1) FROM tail)",
               "200");
    fixture_close(&f);
}

TEST(much_at_once_goes_to_blocks_directly)
{
    struct fixture f = {0};
    fixture_open(&f);

    for (int i = 0; i < 5000; i++)
        capture(&f, request, answer);
    traffic_flush(f.traffic);
    assert_sql(&f, "SELECT count(*) FROM exchange", "5000");
    assert_sql(&f, "SELECT count(*) FROM tail", "0");
    assert_sql(&f, "SELECT max(raw) <= 262144 FROM block", "1");
    fixture_close(&f);
}

TEST(a_full_disk_counts_what_is_lost_and_recovers)
{
    struct fixture         f       = {0};
    struct traffic_options options = traffic_defaults;
    struct traffic_stats   stats;
    options.free_floor       = UINT64_MAX;
    options.refuse_when_full = true;
    fixture_open_with(&f, &options);

    assert_true(traffic_refuses(f.traffic));
    capture(&f, request, answer);
    capture(&f, request, answer);
    traffic_flush(f.traffic);
    traffic_stats(f.traffic, &stats);
    assert_int_equal(stats.lost, 2);
    assert_true(stats.full && stats.lost_since > 0);
    assert_sql(&f, "SELECT count(*) FROM exchange", "0");
    traffic_close(f.traffic);

    fixture_open(&f); /* with room again */
    assert_false(traffic_refuses(f.traffic));
    traffic_put(f.traffic, NULL, NULL); /* no memory for a record */
    capture(&f, request, answer);
    traffic_flush(f.traffic);
    assert_sql(&f, "SELECT lost FROM gap", "1");
    assert_sql(&f, "SELECT count(*) FROM exchange", "1");
    fixture_close(&f);
}

TEST(behind_is_said_when_the_queue_is_over_its_bound)
{
    struct fixture         f       = {0};
    struct traffic_options options = traffic_defaults;
    options.queue_max              = 10000;
    fixture_open_with(&f, &options);

    assert_false(traffic_is_behind(f.traffic));
    for (int i = 0; i < 6; i++)
        capture(&f, request, answer);
    assert_true(traffic_is_behind(f.traffic));
    traffic_flush(f.traffic);
    assert_false(traffic_is_behind(f.traffic));
    fixture_close(&f);
}
