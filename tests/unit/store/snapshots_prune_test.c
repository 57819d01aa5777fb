/* What is old goes into the bin by a rule, and what the rule keeps stays. */
#include "snapshots_fixture.h"

/* The ids that went, "7 5 2", by slices of `most`. */
static const char *
sweep(struct memory *m, struct snapshot_sweep rule, size_t most)
{
    static char          ids[512];
    struct snapshot_page page = {.more = true};
    size_t               len  = 0;

    ids[0] = '\0';
    while (page.more) {
        if (!snapshot_prune(m->db, &rule, 1000, most, m->arena, &page, &m->err))
            fail_msg("%s", m->err.text);
        for (size_t i = 0; i < page.count; i++)
            len +=
                (size_t)snprintf(ids + len, sizeof ids - len, len == 0 ? "%lld" : " %lld", (long long)page.items[i].id);
    }
    return ids;
}

static void
save_of(struct memory *m, const char *name, const char *project, wall_time now)
{
    struct snapshot_text text = text_of(name, "a summary");

    text.project = str_from(project);
    memory_save_text(m, &text, now);
}

TEST(by_age_goes_what_nobody_changed_for_so_long)
{
    struct memory        m;
    struct snapshot      out;
    struct snapshot_text text = text_of("a", "changed");

    memory_open(&m);
    for (int i = 1; i <= 4; i++)
        memory_save(&m, i % 2 == 0 ? "a" : NULL, "a summary", i * 10);
    assert_true(snapshot_update(m.db, 2, &text, &from_ada, 100, &out, &m.err));
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.before = 40, .is_dry = true}, 2), "1 3");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "4 3 2 1");
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.before = 40}, 1), "1 3");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "4 2");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.from_bin = true}), "3 1");
    assert_true(snapshot_restore(m.db, 1, &m.err));
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "4 2 1");
    memory_close(&m);
}

TEST(the_last_of_a_name_stay_in_each_project_however_old)
{
    struct memory        m;
    struct snapshot      out;
    struct snapshot_text text = text_of("a", "changed");

    memory_open(&m);
    for (int i = 1; i <= 4; i++)
        save_of(&m, "a", NULL, i * 10);
    save_of(&m, "a", "gate", 5);
    save_of(&m, "a", "gate", 6);
    save_of(&m, "b", NULL, 1);
    save_of(&m, NULL, NULL, 1);
    assert_true(snapshot_update(m.db, 1, &text, &from_ada, 100, &out, &m.err)); /* the newest of its name, then */
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.before = 50, .keep = 2, .is_dry = true}, 100), "2 8");
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.before = 25, .keep = 2, .is_dry = true}, 100), "2 8");
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.before = 25, .keep = 2}, 1), "2 8");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "4 3 1 6 5 7");
    assert_int_equal(memory_find(&m, (struct snapshot_which){.name = STR("a")}), 1);
    save_of(&m, "a", NULL, 60);
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.before = 70, .keep = 2}, 1), "3");
    save_of(&m, "a", NULL, 110);
    save_of(&m, "a", NULL, 120);
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.keep = 2}, 1), "1 4 9"); /* its update is old, too */
    memory_close(&m);
}

TEST(without_an_age_those_beyond_go_and_what_has_no_name_stays)
{
    struct memory m;

    memory_open(&m);
    for (int i = 1; i <= 5; i++)
        save_of(&m, "a", i % 2 == 0 ? "gate" : NULL, 10); /* of one moment: the greater id is newer */
    save_of(&m, NULL, NULL, 1);
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.keep = 1, .project = STR("gate")}, 100), "2");
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.keep = 1}, 1), "1 3");
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.keep = 1}, 100), "");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "5 4 6");
    memory_close(&m);
}

TEST(without_a_rule_nothing_goes)
{
    struct memory m;

    memory_open(&m);
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.before = 50}, 10), "");
    save_of(&m, "a", NULL, 10);
    save_of(&m, NULL, NULL, 10);
    assert_string_equal(sweep(&m, (struct snapshot_sweep){0}, 10), "");
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.project = STR("gate"), .before = 50}, 10), "");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "2 1");
    memory_close(&m);
}

/* Ids may be far apart: what an import kept, or what is long gone. */
TEST(a_sweep_crosses_what_is_not_there)
{
    struct memory   m;
    struct snapshot far = {.id = 5000000, .version = 1, .created = 10, .changed = 10, .text = text_of("a", "far")};
    struct snapshot end = {
        .id = INT64_MAX - 1, .version = 1, .created = 10, .changed = 10, .text = text_of("b", "end")};
    int64_t id;

    memory_open(&m);
    save_of(&m, NULL, NULL, 10);
    assert_true(snapshot_put(m.db, &far, &id, &m.err));
    assert_true(snapshot_put(m.db, &end, &id, &m.err));
    assert_string_equal(sweep(&m, (struct snapshot_sweep){.before = 50}, 100), "1 5000000 5000001");
    memory_close(&m);
}

TEST(what_fails_has_moved_nothing)
{
    static char           long_one[3000];
    struct memory         m;
    struct snapshot_sweep rule  = {.before = 50};
    struct snapshot_page  page  = {0};
    struct arena         *small = arena_new(KIB(4), KIB(8));

    memory_open(&m);
    memset(long_one, 'x', sizeof long_one - 1);
    for (int i = 0; i < 5; i++)
        memory_save(&m, NULL, long_one, 10);
    assert_non_null(small);
    assert_false(snapshot_prune(m.db, &rule, 1000, 5, small, &page, &m.err));
    assert_int_equal(m.err.code, ERROR_MEMORY);
    assert_int_equal(rule.after, 0);
    assert_int_equal(page.count, 0);
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "5 4 3 2 1");
    assert_string_equal(sweep(&m, rule, 5), "1 2 3 4 5");
    arena_free(small);
    memory_close(&m);
}
