/* Memory that runs out ends a change or a search in words, and the database is what it was. */
#include "each_failure.h"
#include "snapshots_fixture.h"

static const struct str tags[] = {{"deploy", 6}, {"review", 6}};

static bool
is_of_memory(const struct error *err)
{
    if (err->code != ERROR_MEMORY)
        fail_msg("%d: %s", (int)err->code, err->text);
    return false;
}

static bool
changes(void *arg)
{
    struct memory        *m    = arg;
    struct error          err  = {0};
    struct snapshot_text  text = text_of("plan", "a kiwi");
    struct snapshot       out;
    int64_t               id;
    struct snapshot       from  = {.text = text, .created = 5};
    struct snapshot_sweep sweep = {.before = 5, .keep = 1};
    struct snapshot_page  page;
    struct arena         *a = arena_new(256, MIB(1));

    text.tags      = tags;
    text.tag_count = 2;
    if (!snapshot_db_begin(m->db, &err)) {
        arena_free(a);
        return is_of_memory(&err);
    }
    bool ok = snapshot_save(m->db, &text, &from_ada, 1, &out, &err) &&
              snapshot_update(m->db, out.id, &text, &from_ada, 2, &out, &err) &&
              snapshot_delete(m->db, out.id, 3, &err) && snapshot_restore(m->db, out.id, &err) &&
              snapshot_put(m->db, &from, &id, &err);
    if (ok && a == NULL)
        ok = error_set(&err, ERROR_MEMORY, "no memory");
    ok = ok && snapshot_prune(m->db, &sweep, 4, 10, a, &page, &err);
    snapshot_db_rollback(m->db);
    arena_free(a);
    return ok || is_of_memory(&err);
}

TEST(a_change_fails_in_words)
{
    struct memory m;

    memory_open(&m);
    memory_save(&m, "first", "stays", 1);
    assert_each_failure(changes, &m);
    assert_string_equal(memory_list(&m, (struct snapshot_filter){0}), "1");
    assert_string_equal(memory_search(&m, "kiwi"), "");
    memory_close(&m);
}

static bool
reads(void *arg)
{
    struct memory         *m     = arg;
    struct error           err   = {0};
    struct arena          *a     = arena_new(256, MIB(8));
    struct snapshot_filter all   = {.limit = 100, .whole = true};
    struct snapshot_page   page  = {0};
    struct snapshot_hit   *hits  = NULL;
    struct str            *names = NULL;
    struct snapshot        out;
    size_t                 found = 0, count = 0;

    if (a == NULL)
        return false;
    bool ok = snapshot_load(m->db, &(struct snapshot_which){.name = STR("n7")}, a, &out, &err) &&
              snapshot_list(m->db, &all, a, &page, &err) &&
              snapshot_search(m->db, STR("kiwi OR \"not there\" -mango"), &all, a, &hits, &found, &err) &&
              snapshot_words(m->db, SNAPSHOT_NAMES, STR("n"), 50, a, &names, &count, &err);
    if (ok) {
        assert_int_equal(page.count, 20);
        assert_int_equal(found, 20);
        assert_int_equal(count, 20);
    }
    arena_free(a);
    return ok || is_of_memory(&err);
}

TEST(reading_is_whole_or_fails_in_words)
{
    struct memory m;
    char          name[8];

    memory_open(&m);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "n%d", i);
        memory_save(&m, name, "a kiwi in the summary", i + 1);
    }
    assert_each_failure(reads, &m);
    memory_close(&m);
}

static bool
opens(void *arg)
{
    struct memory      *m   = arg;
    struct error        err = {0};
    struct snapshot_db *db  = snapshot_db_open(m->path, &usual_limits, NULL, &err);

    if (db == NULL)
        return is_of_memory(&err);
    snapshot_db_close(db);
    return true;
}

TEST(opening_fails_in_words)
{
    struct memory m;

    memory_open(&m);
    memory_save(&m, "first", "stays", 1);
    assert_each_failure(opens, &m);
    assert_string_equal(memory_search(&m, "stays"), "1");
    memory_close(&m);
}
