/* Finding one or many: by id, name, project, tag and time, through the bin and pages, and completion. */
#include "base/file.h"
#include "snapshots_fixture.h"

static const struct str deploy[] = {{"deploy", 6}}, both[] = {{"deploy", 6}, {"review", 6}};

static int64_t
save_in(struct memory *m, const char *name, const char *project, const struct str *tags, size_t tag_count,
        wall_time now)
{
    struct snapshot_text text = text_of(name, "a summary");

    text.project   = str_from(project);
    text.tags      = tags;
    text.tag_count = tag_count;
    return memory_save_text(m, &text, now);
}

static void
open_with_six(struct memory *m)
{
    memory_open(m);
    save_in(m, "auth", "gate", deploy, 1, 10);
    save_in(m, "auth", "house", NULL, 0, 20);
    save_in(m, NULL, "gate", both, 2, 30);
    save_in(m, "Auth", NULL, NULL, 0, 40);
    save_in(m, "author", "gate", NULL, 0, 50);
    save_in(m, NULL, NULL, NULL, 0, 60);
}

TEST(one_is_found_by_id_name_project_or_as_the_newest)
{
    struct memory m;

    open_with_six(&m);
    assert_int_equal(memory_find(&m, (struct snapshot_which){0}), 6);
    assert_int_equal(memory_find(&m, (struct snapshot_which){.id = 2}), 2);
    assert_int_equal(memory_find(&m, (struct snapshot_which){.id = 7}), 0);
    assert_string_equal(m.err.text, "there is no snapshot 7");
    assert_int_equal(memory_find(&m, (struct snapshot_which){.name = STR("auth")}), 2);
    assert_int_equal(memory_find(&m, (struct snapshot_which){.name = STR("auth"), .project = STR("gate")}), 1);
    assert_int_equal(memory_find(&m, (struct snapshot_which){.name = STR("AUTH")}), 0);
    assert_int_equal(memory_find(&m, (struct snapshot_which){.project = STR("gate")}), 5);
    assert_int_equal(memory_find(&m, (struct snapshot_which){.project = STR("gat")}), 0);
    memory_close(&m);
}

TEST(the_newest_is_the_one_changed_last)
{
    struct memory        m;
    struct snapshot      out;
    struct snapshot_text text = text_of("auth", "changed");

    open_with_six(&m);
    text.project = STR("gate");
    assert_true(snapshot_update(m.db, 1, &text, &from_ada, 70, &out, &m.err));
    assert_int_equal(memory_find(&m, (struct snapshot_which){0}), 1);
    assert_int_equal(memory_find(&m, (struct snapshot_which){.name = STR("auth")}), 1);
    assert_int_equal(memory_find(&m, (struct snapshot_which){.project = STR("gate")}), 1);
    assert_int_equal(memory_find(&m, (struct snapshot_which){.project = STR("house")}), 2);
    memory_save(&m, "auth", "newer", 80);
    assert_int_equal(memory_find(&m, (struct snapshot_which){.name = STR("auth")}), 7);
    memory_close(&m);
}

TEST(a_list_is_newest_first_and_goes_on_where_it_ended)
{
    struct memory        m;
    struct snapshot_page page;

    open_with_six(&m);
    save_in(&m, NULL, NULL, NULL, 0, 60); /* of the same moment */
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "7 6 5 4 3 2 1");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.limit = 2}), "7 6");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.before = 60, .before_id = 7, .limit = 3}), "6 5 4");
    assert_true(snapshot_list(m.db, &(struct snapshot_filter){.limit = 7}, m.arena, &page, &m.err));
    assert_false(page.more);
    assert_true(snapshot_list(m.db, &(struct snapshot_filter){.limit = 6}, m.arena, &page, &m.err));
    assert_true(page.more);
    assert_int_equal(page.items[0].text.context.len, 0);
    assert_str(page.items[0].text.summary, "a summary");
    assert_true(snapshot_list(m.db, &(struct snapshot_filter){.limit = 1, .whole = true}, m.arena, &page, &m.err));
    assert_str(page.items[0].text.context, "what must not be forgotten");
    assert_str(page.items[0].text.prompt, "Resuming");
    memory_close(&m);
}

TEST(filters_are_all_true_of_what_is_listed)
{
    struct memory m;

    open_with_six(&m);
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.project = STR("gate")}), "5 3 1");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.tag = STR("deploy")}), "3 1");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.tag = STR("review")}), "3");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.tag = STR("rev")}), "");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.name = STR("auth")}), "2 1");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.name_begins = STR("auth")}), "5 2 1");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.since = 40}), "6 5 4");
    assert_string_equal(
        memory_list(&m, (struct snapshot_filter){.project = STR("gate"), .tag = STR("deploy"), .since = 20}), "3");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.name = STR("auth"), .project = STR("house")}), "2");
    memory_close(&m);
}

TEST(what_changed_since_counts_although_it_is_old)
{
    struct memory        m;
    struct snapshot      out;
    struct snapshot_text text = text_of("auth", "changed");

    open_with_six(&m);
    assert_true(snapshot_update(m.db, 2, &text, &from_ada, 70, &out, &m.err));
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.since = 55}), "6 2");
    memory_close(&m);
}

TEST(what_is_deleted_lies_in_the_bin_and_comes_back)
{
    struct memory           m;
    struct snapshot_figures figures;

    open_with_six(&m);
    assert_true(snapshot_delete(m.db, 1, 100, &m.err));
    assert_true(snapshot_delete(m.db, 6, 110, &m.err));
    assert_false(snapshot_delete(m.db, 6, 120, &m.err));
    assert_int_equal(m.err.code, ERROR_NOT_FOUND);
    assert_false(snapshot_delete(m.db, 9, 120, &m.err));
    assert_int_equal(memory_find(&m, (struct snapshot_which){0}), 5);
    assert_int_equal(memory_find(&m, (struct snapshot_which){.id = 1}), 0);
    assert_int_equal(memory_find(&m, (struct snapshot_which){.id = 1, .from_bin = true}), 1);
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "5 4 3 2");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.tag = STR("deploy")}), "3");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.from_bin = true}), "6 1");
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.from_bin = true, .tag = STR("deploy")}), "1");
    assert_true(snapshot_figures(m.db, &figures, &m.err));
    assert_int_equal(figures.count, 4);
    assert_int_equal(figures.in_bin, 2);
    assert_true(snapshot_restore(m.db, 1, &m.err));
    assert_false(snapshot_restore(m.db, 1, &m.err));
    assert_int_equal(m.err.code, ERROR_NOT_FOUND);
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.tag = STR("deploy")}), "3 1");
    memory_close(&m);
}

TEST(the_bin_is_emptied_after_its_days_a_part_at_a_time)
{
    struct memory   m;
    unsigned        gone;
    const wall_time day = SECONDS(24 * 3600);

    open_with_six(&m);
    for (int64_t id = 1; id <= 3; id++)
        assert_true(snapshot_delete(m.db, id, day * id, &m.err));
    assert_true(snapshot_empty_bin(m.db, day * 31 - 1, 10, &gone, &m.err));
    assert_int_equal(gone, 0);
    assert_true(snapshot_empty_bin(m.db, day * 32, 1, &gone, &m.err));
    assert_int_equal(gone, 1);
    assert_true(snapshot_empty_bin(m.db, day * 32, 10, &gone, &m.err));
    assert_int_equal(gone, 1);
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.from_bin = true}), "3");
    assert_string_equal(memory_search(&m, "summary"), "6 5 4");
    assert_false(snapshot_restore(m.db, 1, &m.err));
    memory_close(&m);
}

TEST(what_went_for_good_is_not_in_the_file)
{
    struct memory        m;
    unsigned             gone;
    struct buffer        file = {.max = MIB(16)};
    struct snapshot_text text = text_of(NULL, "the secret of Zanzibarium");

    memory_open(&m);
    for (int i = 0; i < 40; i++)
        memory_save(&m, "zanzi", "zanz and other words", i + 1);
    text.context = STR("where xylophagous beetles live");
    memory_save_text(&m, &text, 50);
    for (int i = 0; i < 40; i++)
        memory_save(&m, "zanzi", "zanz and other words", i + 100);
    assert_true(snapshot_delete(m.db, 41, 1, &m.err));
    assert_true(snapshot_empty_bin(m.db, SECONDS(31 * 24 * 3600), 10, &gone, &m.err));
    assert_int_equal(gone, 1);
    for (int i = 0; i < 3; i++) /* what is left to do */
        assert_true(snapshot_empty_bin(m.db, SECONDS(31 * 24 * 3600), 10, &gone, &m.err));
    snapshot_db_close(m.db);
    m.db = NULL;
    assert_true(file_read(m.path, &file, &m.err));
    assert_true(str_find(buffer_str(&file), STR("other words")) >= 0);
    assert_true(str_find(buffer_str(&file), STR("ibarium")) < 0);
    assert_true(str_find(buffer_str(&file), STR("ylophagous")) < 0);
    buffer_clear(&file);
    memory_close(&m);
}

static const char *
words(struct memory *m, enum snapshot_word kind, const char *begin, size_t most)
{
    static char text[256];
    struct str *found;
    size_t      count, len = 0;

    text[0] = '\0';
    assert_true(snapshot_words(m->db, kind, str_from(begin), most, m->arena, &found, &count, &m->err));
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s", i == 0 ? "" : " ", STR_ARG(found[i]));
    return text;
}

TEST(completion_knows_what_occurs_each_once)
{
    struct memory m;

    open_with_six(&m);
    assert_string_equal(words(&m, SNAPSHOT_NAMES, "", 10), "Auth auth author");
    assert_string_equal(words(&m, SNAPSHOT_NAMES, "auth", 10), "auth author");
    assert_string_equal(words(&m, SNAPSHOT_NAMES, "auth", 1), "auth");
    assert_string_equal(words(&m, SNAPSHOT_NAMES, "b", 10), "");
    assert_string_equal(words(&m, SNAPSHOT_PROJECTS, "", 10), "gate house");
    assert_string_equal(words(&m, SNAPSHOT_TAGS, "", 10), "deploy review");
    assert_true(snapshot_delete(m.db, 3, 100, &m.err));
    assert_string_equal(words(&m, SNAPSHOT_TAGS, "", 10), "deploy");
    memory_close(&m);
}
