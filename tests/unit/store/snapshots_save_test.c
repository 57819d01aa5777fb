/* What is saved is there as it was given, its versions too; limits refuse without leaving a trace. */
#include "snapshots_fixture.h"

static const struct str both_tags[] = {{"deploy", 6}, {"two words", 9}};

TEST(what_is_saved_is_loaded_as_it_was)
{
    struct memory               m;
    struct snapshot             out, saved;
    const struct snapshot_text  text   = {.name       = STR("auth"),
                                          .project    = STR("gate"),
                                          .summary    = STR("Where it stands"),
                                          .context    = STR("Files:\n- a.c"),
                                          .structured = STR("{\"files\":[\"a.c\"]}"),
                                          .next_steps = STR("go on"),
                                          .prompt     = STR("Resuming: Where it stands"),
                                          .tags       = both_tags,
                                          .tag_count  = 2,
                                          .importance = 5};
    const struct snapshot_which newest = {0};

    memory_open(&m);
    assert_true(snapshot_save(m.db, &text, &from_ada, 1000, &saved, &m.err));
    assert_int_equal(saved.id, 1);
    assert_int_equal(saved.version, 1);
    assert_true(snapshot_load(m.db, &newest, m.arena, &out, &m.err));
    assert_int_equal(out.id, 1);
    assert_int_equal(out.created, 1000);
    assert_int_equal(out.changed, 1000);
    assert_int_equal(out.deleted, 0);
    assert_str(out.text.name, "auth");
    assert_str(out.text.project, "gate");
    assert_str(out.text.summary, "Where it stands");
    assert_str(out.text.context, "Files:\n- a.c");
    assert_str(out.text.structured, "{\"files\":[\"a.c\"]}");
    assert_str(out.text.next_steps, "go on");
    assert_str(out.text.prompt, "Resuming: Where it stands");
    assert_int_equal(out.text.tag_count, 2);
    assert_str(out.text.tags[0], "deploy");
    assert_str(out.text.tags[1], "two words");
    assert_int_equal(out.text.importance, 5);
    assert_str(out.origin.client, "ada");
    assert_str(out.origin.client_version, "1.2");
    assert_str(out.origin.server, "snapshots 0.1.0");
    assert_int_equal(out.origin.source.len, 0);
    memory_close(&m);
}

TEST(the_files_are_for_their_owner_alone)
{
    struct memory m;
    struct stat   file, directory;
    char          path[96];

    memory_open(&m);
    memory_save(&m, NULL, "one", 1);
    assert_int_equal(stat(m.path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s-wal", m.path);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/local", m.directory);
    assert_int_equal(stat(path, &directory), 0);
    assert_int_equal(directory.st_mode & 0777, 0700);
    memory_close(&m);
}

TEST(an_id_is_never_given_twice)
{
    struct memory m;
    unsigned      gone;
    wall_time     later = SECONDS(31 * 24 * 3600);

    memory_open(&m);
    memory_save(&m, NULL, "one", 1);
    assert_int_equal(memory_save(&m, NULL, "two", 2), 2);
    assert_true(snapshot_delete(m.db, 2, 3, &m.err));
    assert_true(snapshot_empty_bin(m.db, later, 10, &gone, &m.err));
    assert_int_equal(gone, 1);
    assert_int_equal(memory_save(&m, NULL, "three", 4), 3);
    memory_close(&m);
}

TEST(an_update_makes_a_version_and_the_older_stay)
{
    struct memory        m;
    struct snapshot      out;
    struct snapshot_page page;
    struct snapshot_text text = text_of("plan", "the second");

    memory_open(&m);
    memory_save(&m, "plan", "the first", 10);
    assert_true(snapshot_update(m.db, 1, &text, &from_ada, 20, &out, &m.err));
    assert_int_equal(out.version, 2);
    assert_int_equal(out.created, 10);
    assert_int_equal(out.changed, 20);
    assert_true(snapshot_load(m.db, &(struct snapshot_which){.id = 1}, m.arena, &out, &m.err));
    assert_str(out.text.summary, "the second");
    assert_true(snapshot_load(m.db, &(struct snapshot_which){.id = 1, .version = 2}, m.arena, &out, &m.err));
    assert_str(out.text.summary, "the second");
    assert_true(snapshot_load(m.db, &(struct snapshot_which){.id = 1, .version = 1}, m.arena, &out, &m.err));
    assert_str(out.text.summary, "the first");
    assert_str(out.text.context, "what must not be forgotten");
    assert_int_equal(out.changed, 10);
    assert_false(snapshot_load(m.db, &(struct snapshot_which){.id = 1, .version = 3}, m.arena, &out, &m.err));
    assert_string_equal(m.err.text, "snapshot 1 has no version 3");
    assert_true(snapshot_versions(m.db, 1, m.arena, &page, &m.err));
    assert_int_equal(page.count, 2);
    assert_int_equal(page.items[0].version, 2);
    assert_int_equal(page.items[1].version, 1);
    assert_false(snapshot_versions(m.db, 2, m.arena, &page, &m.err));
    assert_int_equal(m.err.code, ERROR_NOT_FOUND);
    assert_false(snapshot_update(m.db, 2, &text, &from_ada, 20, &out, &m.err));
    assert_int_equal(m.err.code, ERROR_NOT_FOUND);
    memory_close(&m);
}

TEST(a_clock_that_was_set_back_makes_no_version_older_than_the_one_before)
{
    struct memory        m;
    struct snapshot      out;
    struct snapshot_text text = text_of("plan", "the second");

    memory_open(&m);
    memory_save(&m, "plan", "the first", 100);
    assert_true(snapshot_update(m.db, 1, &text, &from_ada, 50, &out, &m.err));
    assert_int_equal(out.changed, 100);
    memory_close(&m);
}

TEST(what_is_too_large_is_refused_and_leaves_nothing)
{
    struct memory           m;
    struct snapshot         out;
    struct snapshot_figures figures;
    struct snapshot_text    text = text_of(NULL, "0123456789");

    memory_open_with(&m, &(struct snapshot_limits){.size = 30, .quota = 1000});
    text.context = STR("0123456789");
    assert_true(snapshot_save(m.db, &text, &from_ada, 1, &out, &m.err));
    text.structured = STR("0123456789012345678901234567890"); /* of both the longer counts */
    assert_false(snapshot_save(m.db, &text, &from_ada, 1, &out, &m.err));
    assert_int_equal(m.err.code, ERROR_TOO_LARGE);
    assert_string_equal(m.err.text, "the snapshot has 41 bytes; one may have 30");
    assert_false(snapshot_update(m.db, 1, &text, &from_ada, 1, &out, &m.err));
    assert_int_equal(m.err.code, ERROR_TOO_LARGE);
    assert_true(snapshot_figures(m.db, &figures, &m.err));
    assert_int_equal(figures.count, 1);
    assert_int_equal(figures.versions, 0);
    assert_int_equal(figures.bytes, 20);
    memory_close(&m);
}

TEST(the_quota_counts_versions_and_the_bin)
{
    struct memory           m;
    struct snapshot         out;
    struct snapshot_figures figures;
    unsigned                gone;
    struct snapshot_text    text = text_of(NULL, "0123456789");

    memory_open_with(&m, &(struct snapshot_limits){.quota = 50});
    text.context = STR("0123456789");
    assert_true(snapshot_save(m.db, &text, &from_ada, 1, &out, &m.err));
    assert_true(snapshot_update(m.db, 1, &text, &from_ada, 2, &out, &m.err));
    assert_false(snapshot_update(m.db, 1, &text, &from_ada, 3, &out, &m.err));
    assert_int_equal(m.err.code, ERROR_FULL);
    assert_true(snapshot_delete(m.db, 1, 4, &m.err));
    assert_false(snapshot_save(m.db, &text, &from_ada, 5, &out, &m.err));
    assert_int_equal(m.err.code, ERROR_FULL);
    assert_true(snapshot_figures(m.db, &figures, &m.err));
    assert_int_equal(figures.count, 0);
    assert_int_equal(figures.in_bin, 1);
    assert_int_equal(figures.versions, 1);
    assert_int_equal(figures.bytes, 40);
    assert_true(snapshot_empty_bin(m.db, SECONDS(40 * 24 * 3600), 10, &gone, &m.err));
    assert_true(snapshot_save(m.db, &text, &from_ada, 6, &out, &m.err));
    assert_true(snapshot_figures(m.db, &figures, &m.err));
    assert_int_equal(figures.bytes, 20);
    assert_int_equal(figures.versions, 0);
    assert_int_equal(figures.newest, 6);
    memory_close(&m);
}

TEST(too_many_tags_and_tags_of_two_lines_are_refused)
{
    struct memory        m;
    struct snapshot      out;
    struct str           many[SNAPSHOT_TAGS_MOST + 1], lines[] = {STR("a\nb")};
    struct snapshot_text text = text_of(NULL, "tagged");

    memory_open(&m);
    for (size_t i = 0; i <= SNAPSHOT_TAGS_MOST; i++)
        many[i] = STR("tag");
    text.tags      = many;
    text.tag_count = SNAPSHOT_TAGS_MOST + 1;
    assert_false(snapshot_save(m.db, &text, &from_ada, 1, &out, &m.err));
    assert_int_equal(m.err.code, ERROR_TOO_LARGE);
    text.tags      = lines;
    text.tag_count = 1;
    assert_false(snapshot_save(m.db, &text, &from_ada, 1, &out, &m.err));
    assert_int_equal(m.err.code, ERROR_INVALID);
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "");
    memory_close(&m);
}

TEST(what_is_put_keeps_its_id_while_that_is_free)
{
    struct memory   m;
    int64_t         id;
    struct snapshot from = {
        .id = 7, .version = 3, .created = 100, .changed = 200, .text = text_of("old", "from elsewhere")};

    memory_open(&m);
    assert_true(snapshot_put(m.db, &from, &id, &m.err));
    assert_int_equal(id, 7);
    assert_true(snapshot_load(m.db, &(struct snapshot_which){.id = 7}, m.arena, &from, &m.err));
    assert_int_equal(from.version, 3);
    assert_int_equal(from.created, 100);
    assert_int_equal(from.changed, 200);
    assert_true(snapshot_put(m.db, &from, &id, &m.err)); /* there already */
    assert_int_equal(id, 0);
    from.text.summary = STR("another");
    assert_true(snapshot_put(m.db, &from, &id, &m.err)); /* another has its id */
    assert_int_equal(id, 8);
    assert_true(snapshot_put(m.db, &from, &id, &m.err)); /* known again all the same */
    assert_int_equal(id, 0);
    from.id = 3;
    assert_true(snapshot_put(m.db, &from, &id, &m.err));
    assert_int_equal(id, 3);
    from.id = INT64_MAX; /* none would be left after it */
    assert_true(snapshot_put(m.db, &from, &id, &m.err));
    assert_int_equal(id, 9);
    assert_int_equal(memory_save(&m, NULL, "mine", 300), 10);
    memory_close(&m);
}

TEST(a_time_that_went_through_json_is_the_same)
{
    struct memory   m;
    int64_t         id;
    struct snapshot from = {.id = 7, .created = 1700000000123456, .text = text_of("old", "from elsewhere")};

    memory_open(&m);
    assert_true(snapshot_put(m.db, &from, &id, &m.err));
    from.created = 1700000000123000;
    assert_true(snapshot_put(m.db, &from, &id, &m.err));
    assert_int_equal(id, 0);
    memory_close(&m);
}

TEST(what_came_from_a_place_before_is_left_out)
{
    struct memory   m;
    int64_t         id;
    struct snapshot from = {
        .created = 100, .text = text_of(NULL, "a row"), .origin.source = STR("/old/snapshots.db 4")};

    memory_open(&m);
    assert_true(snapshot_put(m.db, &from, &id, &m.err));
    assert_int_equal(id, 1);
    assert_true(snapshot_delete(m.db, 1, 200, &m.err));
    assert_true(snapshot_put(m.db, &from, &id, &m.err)); /* not even when it was deleted meanwhile */
    assert_int_equal(id, 0);
    from.origin.source = STR("/old/snapshots.db 5");
    assert_true(snapshot_put(m.db, &from, &id, &m.err));
    assert_int_equal(id, 2);
    memory_close(&m);
}

TEST(what_is_put_into_the_bin_lies_there)
{
    struct memory   m;
    int64_t         id;
    struct snapshot from = {.id = 5, .created = 100, .deleted = 300, .text = text_of(NULL, "thrown away")};

    memory_open(&m);
    from.text.tags      = both_tags;
    from.text.tag_count = 2;
    assert_true(snapshot_put(m.db, &from, &id, &m.err));
    assert_int_equal(memory_find(&m, (struct snapshot_which){.id = 5}), 0);
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.tag = STR("deploy")}), "");
    assert_true(snapshot_restore(m.db, 5, &m.err));
    assert_string_equal(memory_list(&m, (struct snapshot_filter){.tag = STR("deploy")}), "5");
    memory_close(&m);
}

TEST(a_megabyte_comes_back_whole)
{
    struct memory        m;
    struct snapshot      out;
    struct snapshot_text text = text_of(NULL, "large");
    size_t               len  = (1 << 20) - 5;
    char                *much = malloc(len);

    assert_non_null(much);
    for (size_t i = 0; i < len; i++)
        much[i] = "abcdefg \n"[i % 9];
    memory_open(&m);
    text.context = str_of(much, len);
    memory_save_text(&m, &text, 1);
    assert_true(snapshot_load(m.db, &(struct snapshot_which){.id = 1}, m.arena, &out, &m.err));
    assert_true(str_eq(out.text.context, text.context));
    assert_string_equal(memory_search(&m, "abcdefg"), "1");
    free(much);
    memory_close(&m);
}
