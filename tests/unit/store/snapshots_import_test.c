/* Databases of the old server, made as its versions made them. */
#include "snapshots_house.h"

#include "store/snapshots/clean.h"

#define OLD_TABLE                                                                                                      \
    "CREATE TABLE IF NOT EXISTS snapshots(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, summary TEXT NOT NULL,"     \
    " context TEXT NOT NULL, next_steps TEXT, created_at TEXT NOT NULL DEFAULT (datetime('now')));"                    \
    "CREATE INDEX IF NOT EXISTS idx_snapshots_created_at ON snapshots(created_at DESC);"                               \
    "CREATE INDEX IF NOT EXISTS idx_snapshots_name ON snapshots(name) WHERE name IS NOT NULL;"
#define PROMPT_COLUMN "ALTER TABLE snapshots ADD COLUMN continuation_prompt TEXT NOT NULL DEFAULT '';"
#define THREE_ROWS                                                                                                     \
    "INSERT INTO snapshots(id, name, summary, context, next_steps, created_at) VALUES"                                 \
    "(1, 'auth', 'First', 'Files:' || char(10) || '- a.ts', 'Write tests', '2025-11-20 10:00:00'),"                    \
    "(2, NULL, 'Second', 'Some text', NULL, '2025-11-20 10:00:01'),"                                                   \
    "(5, 'auth', 'Fünfte ✓', 'More', NULL, '2025-11-21 00:00:00');"

struct old {
    char                   path[128];
    struct snapshot_import import;
};

static void
old_make(struct house *h, struct old *o, const char *sql)
{
    *o = (struct old){0};
    house_open(h);
    snprintf(o->path, sizeof o->path, "%s/old.db", h->directory);
    run_sql(o->path, sql);
}

static void
import(struct house *h, struct old *o)
{
    if (!snapshot_import_old(h->db, o->path, &o->import, &h->err))
        fail_msg("%s", h->err.text);
}

static struct snapshot
load(struct house *h, int64_t id)
{
    struct snapshot_which which = {.id = id};
    struct snapshot       found = {0};

    if (!snapshot_load(h->db, &which, h->a, &found, &h->err))
        fail_msg("%s", h->err.text);
    return found;
}

TEST(a_database_of_1_0_comes_whole_with_its_ids_and_times)
{
    struct house h = {0};
    struct old   o;

    old_make(&h, &o, OLD_TABLE THREE_ROWS);
    import(&h, &o);
    assert_int_equal(o.import.taken, 3);
    assert_int_equal(o.import.had + o.import.refused, 0);
    struct snapshot first = load(&h, 1), last = load(&h, 5);
    assert_str(first.text.name, "auth");
    assert_str(first.text.summary, "First");
    assert_str(first.text.context, "Files:\n- a.ts");
    assert_str(first.text.next_steps, "Write tests");
    assert_int_equal(first.text.prompt.len, 0);
    assert_int_equal(first.created, SECONDS(1763632800));
    assert_str(first.origin.server, "snapshot-mcp-server");
    assert_true(str_find(first.origin.source, STR("/old.db#1 2025-11-20 10:00:00")) > 0);
    assert_str(last.text.summary, "Fünfte ✓");
    assert_int_equal(last.text.importance, SNAPSHOT_IMPORTANCE);
    assert_int_equal(house_save(&h, "ours", "text"), 6);
    house_clear(&h);
}

TEST(a_database_of_1_1_brings_its_prompts)
{
    struct house h = {0};
    struct old   o;

    old_make(&h, &o,
             OLD_TABLE THREE_ROWS PROMPT_COLUMN
             "UPDATE snapshots SET continuation_prompt = 'Resuming: x' WHERE id = 2");
    import(&h, &o);
    assert_int_equal(o.import.taken, 3);
    assert_str(load(&h, 2).text.prompt, "Resuming: x");
    assert_int_equal(load(&h, 1).text.prompt.len, 0);
    house_clear(&h);
}

TEST(asked_again_it_takes_what_is_new_since)
{
    struct house h = {0};
    struct old   o;

    old_make(&h, &o, OLD_TABLE PROMPT_COLUMN THREE_ROWS);
    import(&h, &o);
    assert_true(snapshot_delete(h.db, 2, clock_wall(), &h.err));
    import(&h, &o);
    assert_int_equal(o.import.taken, 0);
    assert_int_equal(o.import.had, 3);
    run_sql(o.path, "INSERT INTO snapshots(summary, context) VALUES('Sixth', 'now')");
    import(&h, &o);
    assert_int_equal(o.import.taken, 1);
    assert_int_equal(o.import.had, 3);
    assert_string_equal(house_summary(&h, 6), "Sixth");
    house_clear(&h);
}

TEST(what_was_changed_or_forgotten_here_does_not_come_back)
{
    struct house         h = {0};
    struct old           o;
    struct snapshot      out;
    struct snapshot_text text = {.summary = STR("changed here"), .context = STR("text"), .importance = 3};
    unsigned             gone;

    old_make(&h, &o, OLD_TABLE THREE_ROWS);
    import(&h, &o);
    assert_true(
        snapshot_update(h.db, 1, &text, &(struct snapshot_origin){.client = STR("me")}, clock_wall(), &out, &h.err));
    assert_true(snapshot_delete(h.db, 2, 1, &h.err));
    assert_true(snapshot_empty_bin(h.db, clock_wall(), 10, &gone, &h.err));
    assert_int_equal(gone, 1);
    import(&h, &o);
    assert_int_equal(o.import.taken, 0);
    assert_int_equal(o.import.had, 3);
    assert_int_equal(house_count(&h), 2);
    house_clear(&h);
}

TEST(ids_that_are_taken_here_are_given_anew)
{
    struct house h = {0};
    struct old   o;

    old_make(&h, &o, OLD_TABLE THREE_ROWS);
    assert_int_equal(house_save(&h, "ours", "text"), 1);
    import(&h, &o);
    assert_int_equal(o.import.taken, 3);
    assert_string_equal(house_summary(&h, 1), "ours");
    assert_string_equal(house_summary(&h, 5), "Fünfte ✓");
    assert_int_equal(house_count(&h), 4);
    house_clear(&h);
}

/* The whole of a file and of what lies beside it, to compare. */
static uint64_t
fingerprint(const char *directory, const char *word)
{
    DIR           *d = opendir(directory);
    struct dirent *e;
    uint64_t       sum = 0;

    while ((e = readdir(d)) != NULL) {
        char          path[PATH_MAX];
        struct stat   info;
        struct buffer bytes = {.max = MIB(64)};
        uint64_t      hash  = 14695981039346656037u;
        if (strstr(e->d_name, word) == NULL)
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        assert_int_equal(stat(path, &info), 0);
        assert_true(file_read(path, &bytes, NULL));
        for (size_t i = 0; i < buffer_len(&bytes); i++)
            hash = (hash ^ (unsigned char)bytes.data[bytes.from + i]) * 1099511628211u;
        for (const char *c = e->d_name; *c != '\0'; c++)
            hash = (hash ^ (unsigned char)*c) * 1099511628211u;
        sum += hash ^ (uint64_t)info.st_mtim.tv_nsec ^ (uint64_t)info.st_mtim.tv_sec ^ (uint64_t)info.st_ino;
        buffer_clear(&bytes);
    }
    closedir(d);
    return sum;
}

TEST(a_log_beside_it_is_read_and_nothing_is_touched)
{
    struct house h = {0};
    struct old   o;
    sqlite3     *other;

    old_make(&h, &o, "PRAGMA journal_mode = WAL;" OLD_TABLE PROMPT_COLUMN);
    assert_int_equal(sqlite3_open(o.path, &other), SQLITE_OK); /* the old server still runs */
    assert_int_equal(sqlite3_exec(other, "PRAGMA wal_autocheckpoint = 0;" THREE_ROWS, NULL, NULL, NULL), SQLITE_OK);
    assert_true(names_with(h.directory, "old.db-wal", NULL) == 1);
    uint64_t before = fingerprint(h.directory, "old.db");
    import(&h, &o);
    assert_int_equal(o.import.taken, 3);
    assert_true(fingerprint(h.directory, "old.db") == before);
    assert_int_equal(sqlite3_exec(other, "DELETE FROM snapshots WHERE id = 1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    house_clear(&h);
}

TEST(one_that_nobody_may_write_is_read_and_nothing_is_made_beside_it)
{
    struct house h = {0};
    struct old   o;

    old_make(&h, &o, "PRAGMA journal_mode = WAL;" OLD_TABLE THREE_ROWS);
    assert_int_equal(chmod(o.path, 0400), 0);
    uint64_t before = fingerprint(h.directory, "old.db");
    import(&h, &o);
    assert_int_equal(o.import.taken, 3);
    assert_true(fingerprint(h.directory, "old.db") == before);
    assert_int_equal(names_with(h.directory, "old.db", NULL), 1);
    house_clear(&h);
}

TEST(a_change_that_was_cut_short_is_undone_in_the_copy_only)
{
    struct house h = {0};
    struct old   o;
    char         journal[136], kept[136], copy[136];
    sqlite3     *other;

    old_make(&h, &o, OLD_TABLE THREE_ROWS);
    snprintf(journal, sizeof journal, "%s-journal", o.path);
    snprintf(kept, sizeof kept, "%s/kept", h.directory);
    snprintf(copy, sizeof copy, "%s/copy", h.directory);
    assert_int_equal(sqlite3_open(o.path, &other), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(other,
                     "PRAGMA cache_size = 1; BEGIN; UPDATE snapshots SET summary = 'half'; DELETE FROM"
                     " snapshots WHERE id = 5; INSERT INTO snapshots(summary, context) VALUES('x', zeroblob(90000))",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_true(is_file(journal)); /* as a crash would leave them */
    assert_int_equal(link(journal, kept), 0);
    struct buffer bytes = {.max = MIB(4)};
    assert_true(file_read(journal, &bytes, &h.err));
    struct buffer main = {.max = MIB(4)};
    assert_true(file_read(o.path, &main, &h.err));
    sqlite3_close(other);
    assert_true(file_replace(o.path, buffer_str(&main), 0600, &h.err));
    assert_true(file_replace(journal, buffer_str(&bytes), 0600, &h.err));
    uint64_t before = fingerprint(h.directory, "old.db");
    import(&h, &o);
    assert_int_equal(o.import.taken, 3);
    assert_string_equal(house_summary(&h, 1), "First");
    assert_true(fingerprint(h.directory, "old.db") == before);
    buffer_clear(&bytes);
    buffer_clear(&main);
    house_clear(&h);
}

TEST(texts_are_made_fit_and_what_is_none_is_refused)
{
    struct house h = {0};
    struct old   o;

    old_make(
        &h, &o,
        OLD_TABLE
        "INSERT INTO snapshots(id, summary, context) VALUES(1, 'a' || char(13, 10) || 'b' || char(13) || 'c', 'x' || "
        "char(27) || '[31m' || char(0, 155) || 'y');"
        "INSERT INTO snapshots(id, summary, context) VALUES(2, CAST(x'61eda080ff62' AS TEXT), 'lone');"
        "INSERT INTO snapshots(id, summary, context) VALUES(3, 'blob', x'00ff');"
        "INSERT INTO snapshots(id, summary, context, created_at) VALUES(4, 17, 2.5, 'yesterday');"
        "INSERT INTO snapshots(id, summary, context) VALUES(5, 'large', replace(hex(zeroblob(600000)), '00', 'xx'));"
        "INSERT INTO snapshots(id, summary, context) VALUES(-3, 'below', 'zero')");
    import(&h, &o);
    assert_str(load(&h, 1).text.summary, "a\nb\nc");
    assert_str(load(&h, 1).text.context, "x\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbdy");
    assert_true(str_is_utf8(load(&h, 2).text.summary));
    assert_true(str_ends(load(&h, 2).text.summary, STR("\xef\xbf\xbd"
                                                       "b")));
    assert_str(load(&h, 4).text.summary, "17");
    assert_true(load(&h, 4).created > SECONDS(1700000000));
    assert_int_equal(o.import.taken, 3);
    assert_int_equal(o.import.refused, 2);
    assert_non_null(strstr(o.import.why, "snapshot 3: its context is not text"));
    house_clear(&h);
}

static void
refused(const char *sql, enum error_code code)
{
    struct house h = {0};
    struct old   o;

    old_make(&h, &o, sql);
    if (snapshot_import_old(h.db, o.path, &o.import, &h.err))
        fail_msg("taken: %s", sql);
    assert_int_equal(h.err.code, code);
    assert_int_equal(house_count(&h), 0);
    assert_int_equal(house_save(&h, "it goes on", "text"), 1);
    house_clear(&h);
}

TEST(what_is_no_such_database_is_refused)
{
    refused("CREATE TABLE other(a)", ERROR_INVALID);
    refused("CREATE TABLE snapshots(id INTEGER PRIMARY KEY, summary TEXT)", ERROR_INVALID);
    refused(
        "CREATE VIEW snapshots AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id, id AS"
        " summary, id AS context FROM n",
        ERROR_INVALID);
    refused("CREATE TABLE snapshots(id INTEGER PRIMARY KEY, summary TEXT, context TEXT AS (hex(zeroblob(100000000))))",
            ERROR_INVALID);
    refused("CREATE TABLE snapshots(id INTEGER PRIMARY KEY, summary TEXT, context TEXT) WITHOUT ROWID", ERROR_INVALID);
}

TEST(our_own_database_is_not_taken_for_an_old_one)
{
    struct house           h = {0};
    struct snapshot_import import;

    house_open(&h);
    house_save(&h, "one", "text");
    assert_false(snapshot_import_old(h.db, h.path, &import, &h.err));
    assert_int_equal(h.err.code, ERROR_INVALID);
    assert_int_equal(house_save(&h, "two", "text"), 2);
    house_clear(&h);
}

TEST(a_file_that_is_none_is_refused)
{
    struct house h = {0};
    struct old   o;

    old_make(&h, &o, OLD_TABLE);
    unlink(o.path);
    assert_false(snapshot_import_old(h.db, o.path, &o.import, &h.err));
    assert_int_equal(h.err.code, ERROR_NOT_FOUND);
    assert_int_equal(mkfifo(o.path, 0600), 0);
    assert_false(snapshot_import_old(h.db, o.path, &o.import, &h.err));
    unlink(o.path);
    assert_int_equal(mkdir(o.path, 0700), 0);
    assert_false(snapshot_import_old(h.db, o.path, &o.import, &h.err));
    house_clear(&h);
}

/* Bytes of it are anything, at many places: it ends, and what comes is fit for the store. */
TEST(a_damaged_old_database_ends_with_what_can_be_read)
{
    struct house  h = {0};
    struct old    o;
    struct buffer whole = {.max = MIB(4)};
    uint64_t      taken = 0;

    old_make(&h, &o,
             OLD_TABLE
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO"
             " snapshots(name, summary, context) SELECT 'n' || i, 'summary ' || i, hex(zeroblob(100)) FROM n");
    assert_true(file_read(o.path, &whole, &h.err));
    for (size_t at = 0; at < buffer_len(&whole); at += 331) {
        struct error err  = {0};
        char         byte = (char)(whole.data[whole.from + at] ^ (char)(0x5b + at));
        assert_true(file_replace(o.path, buffer_str(&whole), 0600, &h.err));
        overwrite(o.path, at, &byte, 1);
        if (snapshot_import_old(h.db, o.path, &o.import, &err))
            taken += o.import.taken;
        else if (err.code == ERROR_NONE || err.text[0] == '\0')
            fail_msg("a failure without a word at %zu", at);
    }
    assert_true(taken >= 199);
    assert_true(snapshot_verify(h.path, NULL, &h.err));
    buffer_clear(&whole);
    house_clear(&h);
}

TEST(old_places_are_those_that_are_there_each_once)
{
    struct house h = {0};
    char         home[96], named[112], data[112], path[160], link_path[160];
    const char **places;
    size_t       count;

    house_open(&h);
    snprintf(home, sizeof home, "HOME=%s", h.directory);
    snprintf(path, sizeof path, "%s/.claude-snapshots/snapshots.db", h.directory);
    snprintf(named, sizeof named, "SNAPSHOT_DB_PATH=%s/elsewhere.db", h.directory);
    snprintf(data, sizeof data, "XDG_DATA_HOME=%s/data", h.directory);
    char *environment[] = {home, named, data, NULL};
    assert_true(snapshot_old_places(environment, h.a, &places, &count));
    assert_int_equal(count, 0);

    snprintf(link_path, sizeof link_path, "%s/.claude-snapshots", h.directory);
    assert_int_equal(mkdir(link_path, 0700), 0);
    run_sql(path, OLD_TABLE);
    assert_true(snapshot_old_places(environment, h.a, &places, &count));
    assert_int_equal(count, 1);
    assert_string_equal(places[0], path);

    snprintf(link_path, sizeof link_path, "%s/elsewhere.db", h.directory);
    assert_int_equal(symlink(path, link_path), 0);
    snprintf(link_path, sizeof link_path, "%s/data", h.directory);
    assert_int_equal(mkdir(link_path, 0700), 0);
    snprintf(link_path, sizeof link_path, "%s/data/claude-snapshots", h.directory);
    assert_int_equal(mkdir(link_path, 0700), 0);
    snprintf(link_path, sizeof link_path, "%s/data/claude-snapshots/snapshots.db", h.directory);
    run_sql(link_path, OLD_TABLE);
    assert_true(snapshot_old_places(environment, h.a, &places, &count));
    assert_int_equal(count, 2);
    assert_string_equal(places[0], path);
    assert_string_equal(places[1], link_path);
    char *nothing[] = {NULL};
    assert_true(snapshot_old_places(nothing, h.a, &places, &count));
    assert_int_equal(count, 0);
    house_clear(&h);
}

TEST(text_is_made_fit)
{
    struct arena *a = arena_new(KIB(4), MIB(1));

    assert_true(text_is_clean(STR("plain\ttext\nß ✓ 𝄞")));
    assert_false(text_is_clean(STR("\x1b")));
    assert_false(text_is_clean(STR("\xc2\x9b")));
    assert_false(text_is_clean(STR("\xed\xa0\x80")));
    assert_true(text_is_clean(STR("\xc2\xa0")));
    assert_str(text_clean(STR("\r\n\r\n\rx\xf0\x9d\x84"), a), "\n\n\nx\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_str(text_clean(STR(""), a), "");
    arena_free(a);
}

TEST(whatever_bytes_come_text_is_fit_afterwards_and_what_was_fit_is_unchanged)
{
    struct arena *a      = arena_new(KIB(4), MIB(1));
    uint64_t      random = 7;
    char          bytes[40];

    for (int i = 0; i < 20000; i++) {
        random     = random * 6364136223846793005u + 1442695040888963407u;
        size_t len = (random >> 33) % sizeof bytes;
        for (size_t k = 0; k < len; k++) {
            random   = random * 6364136223846793005u + 1442695040888963407u;
            bytes[k] = "abc \n\r\t\x1b\x7f\xc2\x85\xe2\x9c\x93\xed\xa0\x80\xf0\x9f\x98\x80\xff"[(random >> 33) % 23];
        }
        struct str text = str_of(bytes, len), fit = text_clean(text, a);
        if (!text_is_clean(fit) || (text_is_clean(text) && !str_eq(text, fit)) || (len > 0 && fit.len == 0))
            fail_msg("round %d: %zu bytes became %zu", i, len, fit.len);
        arena_reset(a);
    }
    arena_free(a);
}
