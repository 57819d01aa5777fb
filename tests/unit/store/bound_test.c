#include "base/budget.h"
#include "base/live.h"
#include "store/pool.h"
#include "store/store_fixture.h"

/* What the log holds on its way is bounded by its share and a quarter of the budget; what there is no room for is
 * marked. */

struct told {
    size_t count, bytes, cut;
};

static bool
tell(const struct message_view *m, void *arg)
{
    struct told *t = arg;

    t->count++;
    t->bytes += m->text.len;
    t->cut += m->is_cut;
    for (size_t i = 0; i < m->text.len; i++)
        assert_int_equal(m->text.data[i], 'x');
    return true;
}

static struct told
told_of(struct fixture *f, uint64_t id)
{
    struct told    told = {0};
    struct reader *r    = reader_open(f->path, &f->err);

    assert_non_null(r);
    assert_true(reader_messages(r, id, tell, &told, &f->err));
    reader_close(r);
    return told;
}

static void
open_with(struct fixture *f, struct budget *budget, size_t share)
{
    struct traffic_options options = traffic_defaults;

    options.budget = budget;
    options.share  = share;
    fixture_open_with(f, &options);
}

static void
put(struct fixture *f, struct record *r, bool final)
{
    traffic_put(f->traffic, r,
                &(struct exchange_facts){.outcome = OUTCOME_OK, .method = STR("tools/call"), .final = final});
}

static char *
large_text(size_t len)
{
    char *text = malloc(len);

    assert_non_null(text);
    memset(text, 'x', len);
    return text;
}

/* The first record of a log that has so much of its own, and else what `budget` gives. */
static struct record *
begin_record(struct fixture *f, struct budget *budget, size_t share, uint64_t *id)
{
    open_with(f, budget, share);
    *id = traffic_next_id(f->traffic, clock_wall());
    return record_new(f->traffic, *id, f->labels);
}

static uint64_t
missing_bytes(struct fixture *f)
{
    struct traffic_stats stats;

    traffic_stats(f->traffic, &stats);
    assert_int_equal(stats.lost, 0);
    return stats.missing_bytes;
}

TEST(beyond_its_share_the_log_takes_from_the_budget_and_gives_back)
{
    struct fixture f      = {0};
    struct budget  budget = {.max = MIB(16)};
    char          *text   = large_text(MIB(3));
    uint64_t       id;
    struct record *r = begin_record(&f, &budget, MIB(1), &id);

    assert_true(record_add(r, FROM_SERVER, 0, str_of(text, KIB(900)), false));
    assert_int_equal(budget.taken, 0);
    assert_true(record_add(r, FROM_SERVER, 0, str_of(text, MIB(3)), false));
    assert_in_range(budget.taken, MIB(2), MIB(4));
    put(&f, r, true);
    traffic_flush(f.traffic);
    traffic_turn(f.traffic);
    assert_int_equal(budget.taken, 0);
    assert_int_equal(missing_bytes(&f), 0);
    struct told told = told_of(&f, id);
    assert_true(told.count == 2 && told.cut == 0 && told.bytes == KIB(900) + MIB(3));
    free(text);
    fixture_close(&f);
}

TEST(of_what_the_budget_has_no_room_for_the_begin_is_kept_and_the_rest_marked)
{
    struct fixture f      = {0};
    struct budget  budget = {.max = MIB(8)};
    char          *text   = large_text(MIB(30));
    uint64_t       id;
    struct record *r = begin_record(&f, &budget, MIB(1), &id);

    assert_true(record_add(r, FROM_CLIENT, 0, str_of(text, 300), false));
    assert_true(record_add(r, FROM_SERVER, 0, str_of(text, MIB(30)), false));
    assert_true(record_add(r, FROM_SERVER, 0, str_of(text, MIB(30)), false)); /* the same mark tells of it */
    assert_true(r->held <= MIB(3));
    assert_true(record_size(r) <= MIB(3));
    put(&f, r, true);
    traffic_flush(f.traffic);

    struct told told = told_of(&f, id);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.cut, 1);
    assert_in_range(told.bytes, MIB(2), MIB(3));
    assert_int_equal(missing_bytes(&f), MIB(60) + 300 - told.bytes);
    assert_sql(&f, "SELECT outcome || ' ' || bytes_in || ' ' || bytes_out FROM exchange", "ok 300 62914560");
    assert_sql(&f, "SELECT count(*) FROM gap", "0");
    free(text);
    fixture_close(&f);
}

/* Pieces of a body come one by one, over several records. */
TEST(a_message_in_pieces_is_cut_where_the_first_was_missing)
{
    struct fixture f      = {0};
    struct budget  budget = {.max = MIB(4)};
    char          *text   = large_text(KIB(64));
    uint64_t       id;
    struct record *r = begin_record(&f, &budget, KIB(256), &id);

    for (int i = 0; i < 32; i++)
        assert_true(record_add(r, FROM_SERVER, 0, str_of(text, KIB(64)), true));
    put(&f, r, false);
    traffic_flush(f.traffic); /* now there is room again, but the hole stays one */
    r = record_new(f.traffic, id, f.labels);
    assert_true(record_add(r, FROM_SERVER, 0, str_of(text, KIB(64)), true));
    assert_true(record_add(r, FROM_SERVER, 0, STR_NONE, false));
    assert_true(record_add(r, FROM_SERVER, 0, str_of(text, 50), false));
    put(&f, r, true);
    traffic_flush(f.traffic);

    struct told told = told_of(&f, id);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.cut, 1);
    assert_in_range(told.bytes, MIB(1), KIB(1280) + 50);
    free(text);
    fixture_close(&f);
}

TEST(while_others_have_spent_the_budget_small_calls_are_recorded_whole)
{
    struct fixture f      = {0};
    struct budget  budget = {.max = MIB(1)};
    char          *text   = large_text(5000);
    open_with(&f, &budget, MIB(1));

    assert_true(budget_take(&budget, MIB(1)));
    for (int i = 0; i < 30; i++) {
        struct record *r = record_new(f.traffic, traffic_next_id(f.traffic, clock_wall()), f.labels);
        assert_true(record_add(r, FROM_SERVER, 0, str_of(text, 5000), false));
        put(&f, r, true);
    }
    assert_int_equal(missing_bytes(&f), 0);
    traffic_flush(f.traffic);
    assert_sql(&f, "SELECT count(*) || ' ' || sum(bytes_out) FROM exchange", "30 150000");
    free(text);
    budget_give(&budget, MIB(1));
    fixture_close(&f);
}

/* The share is spent too: rows are still written, with marks in place of messages from either side. */
TEST(with_nothing_left_a_row_tells_of_the_call)
{
    struct fixture f      = {0};
    struct budget  budget = {0};
    char          *text   = large_text(KIB(64));
    uint64_t       id;
    struct record *r = begin_record(&f, &budget, 0, &id);

    assert_true(record_add(r, FROM_CLIENT, 0, str_of(text, KIB(64)), false));
    assert_true(record_add(r, FROM_SERVER, 0, str_of(text, KIB(64)), false));
    assert_true(record_add(r, FROM_SERVER, 0, str_of(text, 100), false)); /* there is room for it where it is */
    put(&f, r, true);
    traffic_flush(f.traffic);

    struct told told = told_of(&f, id);
    assert_true(told.count == 3 && told.cut == 2 && told.bytes == 100);
    assert_sql(&f, "SELECT method || ' ' || outcome FROM exchange", "tools/call ok");
    free(text);
    fixture_close(&f);
}

TEST(who_is_refused_first_gets_what_the_log_is_done_with)
{
    struct fixture f      = {0};
    struct budget  budget = {.max = MIB(8)};
    char          *text   = large_text(KIB(1900));
    open_with(&f, &budget, 0);

    struct record *r = record_new(f.traffic, traffic_next_id(f.traffic, clock_wall()), f.labels);
    assert_true(record_add(r, FROM_SERVER, 0, str_of(text, KIB(1900)), false));
    assert_false(budget_take(&budget, MIB(7)));
    put(&f, r, true);
    traffic_flush(f.traffic);
    assert_true(budget.taken > KIB(1900)); /* written, but nobody has looked since */
    assert_true(budget_take(&budget, MIB(7)));
    assert_int_equal(budget.taken, MIB(7));
    budget_give(&budget, MIB(7));
    free(text);
    fixture_close(&f);
}

/* `text` goes to the log as it lies. */
static void
add_lent(struct record *r, char *text, size_t len)
{
    struct buffer b = {.max = len};

    assert_true(buffer_append(&b, str_of(text, len)));
    struct lent *lent = lent_begin(&b);
    assert_non_null(lent);
    assert_true(record_add(r, FROM_SERVER, 0, lent_str(lent), false));
    lent_end(lent);
}

TEST(what_is_lent_counts_as_long_as_the_log_keeps_it)
{
    struct fixture f      = {0};
    struct budget  budget = {.max = MIB(16)};
    char          *text   = large_text(MIB(3));
    uint64_t       id;
    struct record *r = begin_record(&f, &budget, MIB(1), &id);

    add_lent(r, text, MIB(3));
    assert_in_range(r->held, MIB(3), MIB(3) + KIB(16));
    assert_in_range(budget.taken, MIB(2), MIB(2) + KIB(16));
    put(&f, r, true);
    traffic_flush(f.traffic);
    traffic_turn(f.traffic);
    assert_int_equal(budget.taken, 0);
    assert_int_equal(missing_bytes(&f), 0);
    struct told told = told_of(&f, id);
    assert_true(told.count == 1 && told.cut == 0 && told.bytes == MIB(3));
    free(text);
    fixture_close(&f);
}

/* A part of it would keep all of it in memory: the begin is copied instead. */
TEST(of_what_is_lent_and_has_no_room_the_begin_is_copied)
{
    struct fixture f      = {0};
    struct budget  budget = {.max = MIB(8)};
    char          *text   = large_text(MIB(5));
    uint64_t       id;
    struct record *r = begin_record(&f, &budget, MIB(1), &id);

    add_lent(r, text, MIB(5));
    assert_true(r->held <= KIB(512));
    add_lent(r, text, MIB(1)); /* this one fits, and does not stand behind the hole */
    assert_true(record_add(r, FROM_CLIENT, 0, str_of(text, 100), false));
    put(&f, r, true);
    traffic_flush(f.traffic);

    struct told told = told_of(&f, id);
    assert_true(told.count == 3 && told.cut == 1);
    assert_int_equal(told.bytes, LENT_MIN + MIB(1) + 100);
    assert_int_equal(missing_bytes(&f), MIB(5) - LENT_MIN);
    free(text);
    fixture_close(&f);
}

/* Behind a piece that lies elsewhere nothing can be put: the mark gets a place of its own. */
TEST(a_hole_may_stand_behind_what_is_lent)
{
    struct fixture f      = {0};
    struct budget  budget = {.max = MIB(1)};
    char          *text   = large_text(MIB(1));
    open_with(&f, &budget, MIB(1) + KIB(16));

    assert_true(budget_take(&budget, MIB(1)));
    uint64_t       id = traffic_next_id(f.traffic, clock_wall());
    struct record *r  = record_new(f.traffic, id, f.labels);
    add_lent(r, text, MIB(1));
    assert_true(record_add(r, FROM_SERVER, 0, str_of(text, KIB(60)), false));
    assert_true(record_add(r, FROM_CLIENT, 0, str_of(text, KIB(60)), false));
    put(&f, r, true);
    traffic_flush(f.traffic);

    struct told told = told_of(&f, id);
    assert_true(told.count == 3 && told.cut == 2 && told.bytes == MIB(1));
    assert_int_equal(missing_bytes(&f), KIB(120));
    assert_sql(&f, "SELECT method || ' ' || outcome FROM exchange", "tools/call ok");
    free(text);
    budget_give(&budget, MIB(1));
    fixture_close(&f);
}

/* A small part of a large batch: it does not keep the rest of the batch in memory. */
TEST(a_small_part_of_what_is_lent_is_copied)
{
    struct fixture f    = {0};
    char          *text = large_text(MIB(4));
    fixture_open(&f);

    struct buffer b = {.max = MIB(4)};
    assert_true(buffer_append(&b, str_of(text, MIB(4))));
    struct lent   *lent = lent_begin(&b);
    uint64_t       id   = traffic_next_id(f.traffic, clock_wall());
    struct record *r    = record_new(f.traffic, id, f.labels);
    assert_true(record_add(r, FROM_SERVER, 0, str_take(lent_str(lent), MIB(1)), false));
    for (const struct chunk *c = r->first; c != NULL; c = c->next)
        assert_null(c->lent);
    lent_end(lent);
    put(&f, r, true);
    traffic_flush(f.traffic);
    struct told told = told_of(&f, id);
    assert_true(told.count == 1 && told.cut == 0 && told.bytes == MIB(1));
    free(text);
    fixture_close(&f);
}

/* Else what large messages took stayed taken until as many new ones came. */
TEST(what_was_written_is_taken_back_though_nothing_new_comes)
{
    struct fixture f    = {0};
    char          *text = large_text(MIB(3));
    fixture_open(&f);

    uint64_t       id = traffic_next_id(f.traffic, clock_wall());
    struct record *r  = record_new(f.traffic, id, f.labels);
    assert_true(record_add(r, FROM_SERVER, 0, str_of(text, MIB(3)), false));
    put(&f, r, true);
    traffic_flush(f.traffic);
    assert_true(traffic_pool(f.traffic)->held > MIB(3));
    traffic_turn(f.traffic);
    assert_int_equal(traffic_pool(f.traffic)->held, 0);
    free(text);
    fixture_close(&f);
}
