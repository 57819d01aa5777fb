#include "store_fixture.h"

static void
put_as(struct fixture *f, struct labels *labels, enum exchange_kind kind, enum outcome outcome, int64_t duration_us)
{
    uint64_t id = traffic_next_id(f->traffic, clock_wall());

    traffic_put(f->traffic, record_new(f->traffic, id, labels),
                &(struct exchange_facts){.kind = kind, .outcome = outcome, .final = true, .duration_us = duration_us});
}

static void
put(struct fixture *f, enum exchange_kind kind, enum outcome outcome, int64_t duration_us)
{
    put_as(f, f->labels, kind, outcome, duration_us);
}

static void
near(int64_t got, int64_t wanted)
{
    if (got < wanted || got > wanted + wanted / 100)
        fail_msg("%lld is not %lld", (long long)got, (long long)wanted);
}

TEST(calls_are_counted_and_their_durations_ranked)
{
    struct fixture      f = {0};
    struct call_figures got;

    fixture_open(&f);
    for (int i = 1; i <= 100; i++)
        put(&f, KIND_REQUEST, i <= 7 ? OUTCOME_ERROR : OUTCOME_OK, i * 1000);
    put(&f, KIND_NOTIFICATION, OUTCOME_OK, 99999999);
    traffic_flush(f.traffic);
    struct reader *r = reader_open(f.path, &f.err);
    assert_true(reader_call_figures(r, 0, &got, &f.err));
    assert_int_equal(got.count, 100);
    assert_int_equal(got.failed, 7);
    near(got.p50_us, 50000);
    near(got.p95_us, 95000);
    assert_true(reader_call_figures(r, clock_wall() + SECONDS(1), &got, &f.err));
    assert_int_equal(got.count, 0);
    assert_int_equal(got.p50_us, -1);
    reader_close(r);
    fixture_close(&f);
}

TEST(any_duration_has_its_place)
{
    static const int64_t durations[] = {0, 1, 255, 256, 257, 511, 512, 1LL << 40, INT64_MAX};
    struct call_figures  got;

    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        struct fixture f = {0};
        fixture_open(&f);
        put(&f, KIND_REQUEST, OUTCOME_OK, durations[i]);
        traffic_flush(f.traffic);
        struct reader *r = reader_open(f.path, &f.err);
        assert_true(reader_call_figures(r, 0, &got, &f.err));
        assert_true(got.p50_us >= durations[i] && got.p50_us - durations[i] <= durations[i] / 100);
        assert_int_equal(got.p50_us, got.p95_us);
        reader_close(r);
        fixture_close(&f);
    }
}

static bool
count_one(const struct exchange_view *x, void *arg)
{
    (void)x;
    ++*(size_t *)arg;
    return true;
}

static bool
take_server(const struct server_view *v, void *arg)
{
    *(struct server_view *)arg = *v;
    return true;
}

/* What Gatehouse asked for a client of the other era is on record, and the client's own row beside it is the call. */
TEST(a_bridged_call_counts_once)
{
    const struct label_texts texts[] = {
        {.server = STR("s"), .client = STR("desktop"), .address = STR("127.0.0.1")},
        {.server = STR("s"), .client = STR("gatehouse")},
        {.server = STR("s"), .client = STR("gatehouse"), .address = STR("127.0.0.1")}, /* another one, before us */
    };
    struct fixture      f = {0};
    struct call_figures got;
    struct server_view  server = {0};
    size_t              rows = 0, failed = 0;
    struct query        all = {0}, errors = {.errors_only = true};

    fixture_open(&f);
    for (size_t i = 0; i < 3; i++) {
        struct labels *labels = labels_new(&texts[i]);
        put_as(&f, labels, KIND_REQUEST, OUTCOME_ERROR, 1000);
        labels_unref(labels);
    }
    traffic_flush(f.traffic);
    struct reader *r = reader_open(f.path, &f.err);
    assert_true(reader_call_figures(r, 0, &got, &f.err));
    assert_int_equal(got.count, 2);
    assert_int_equal(got.failed, 2);
    assert_true(reader_servers(r, take_server, &server, &f.err));
    assert_int_equal(server.count, 2);
    assert_true(query_run(r, &all, count_one, &rows, &f.err));
    assert_true(query_run(r, &errors, count_one, &failed, &f.err));
    assert_int_equal(rows, 3);
    assert_int_equal(failed, 2);
    reader_close(r);
    fixture_close(&f);
}
