#include <fcntl.h>
#include <pty.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <yyjson.h>

#include "base/file.h"
#include "cli_fixture.h"

/* `snapshots(&h, "list", "--json")`: literals are not written to. */
#define snapshots(h, ...) run_words((h), (const char *const[]){"snapshots", __VA_ARGS__, NULL})

static int
run_words(struct home *h, const char *const *words)
{
    return home_run(h, (char *const *)(uintptr_t)words);
}

static bool
is_there(const struct home *h, const char *name)
{
    char        path[200];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", h->path, name);
    return stat(path, &st) == 0;
}

/* What was said, as JSON; the caller frees it. */
static yyjson_doc *
said_json(const struct home *h)
{
    yyjson_doc *doc = yyjson_read(h->out, strlen(h->out), 0);

    if (doc == NULL)
        fail_msg("no JSON: %s", h->out);
    return doc;
}

static size_t
json_count(const struct home *h)
{
    yyjson_doc *doc   = said_json(h);
    size_t      count = yyjson_arr_size(yyjson_doc_get_root(doc));

    assert_true(yyjson_is_arr(yyjson_doc_get_root(doc)));
    yyjson_doc_free(doc);
    return count;
}

static void
fill(struct home *h)
{
    home_open(h);
    assert_int_equal(snapshots(h, "save", "The login works", "--context", "Tokens expire after 5 minutes, see auth.c",
                               "--next", "Make it a setting", "--name", "auth", "--project", "gatehouse", "--tag",
                               "wip", "--tag", "login", "--importance", "4"),
                     EXIT_DONE);
    assert_string_equal(h->out, "Saved snapshot #1 (auth)\n");
    assert_int_equal(snapshots(h, "save", "The bird flies", "--context", "Over the hedge\nand away"), EXIT_DONE);
    assert_string_equal(h->out, "Saved snapshot #2\n");
    assert_string_equal(h->err, "");
}

#define PROMPT                                                                                                         \
    "Resuming: The login works\n\nContext:\nTokens expire after 5 minutes, see auth.c\n\nNext:\nMake it a setting"

/* ---- nothing yet ---- */

TEST(an_empty_memory_invites_and_looking_makes_none)
{
    struct home h;

    home_open(&h);
    assert_int_equal(snapshots(&h, "list"), EXIT_DONE);
    assert_string_equal(h.out, "");
    assert_said(h.err, "No snapshots yet.");
    assert_said(h.err, "gatehouse stdio snapshots");
    assert_said(h.err, "gatehouse snapshots save");
    assert_int_equal(snapshots(&h, "list", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "[]\n");
    assert_string_equal(h.err, "");
    assert_int_equal(snapshots(&h, "search", "x", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "[]\n");
    assert_int_equal(snapshots(&h, "names"), EXIT_DONE);
    assert_string_equal(h.out, "");
    assert_int_equal(snapshots(&h, "show"), EXIT_NOT_FOUND);
    assert_said(h.err, "No snapshots yet.");
    assert_int_equal(snapshots(&h, "show", "7"), EXIT_NOT_FOUND);
    assert_int_equal(snapshots(&h, "versions", "7"), EXIT_NOT_FOUND);
    assert_int_equal(snapshots(&h, "update", "7", "--next", "x"), EXIT_NOT_FOUND);
    assert_int_equal(snapshots(&h, "delete", "7"), EXIT_NOT_FOUND);
    assert_int_equal(snapshots(&h, "restore", "7"), EXIT_NOT_FOUND);
    assert_int_equal(snapshots(&h, "backup"), EXIT_NOT_FOUND);
    assert_int_equal(snapshots(&h, "verify"), EXIT_NOT_FOUND);
    assert_int_equal(snapshots(&h, "backups"), EXIT_DONE);
    assert_said(h.err, "gatehouse snapshots backup");
    assert_int_equal(snapshots(&h, "backups", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "[]\n");
    assert_false(is_there(&h, "users"));
    home_close(&h);
}

TEST(the_old_servers_database_is_pointed_at)
{
    struct home h;
    char        path[100], variable[140];

    home_open(&h);
    snprintf(path, sizeof path, "%s/old.db", h.path);
    snprintf(variable, sizeof variable, "SNAPSHOT_DB_PATH=%s", path);
    assert_true(file_replace(path, STR("SQLite"), 0600, NULL));
    h.variable_too = variable;
    assert_int_equal(snapshots(&h, "list"), EXIT_DONE);
    assert_said(h.err, "gatehouse snapshots import ");
    assert_said(h.err, path);
    home_close(&h);
}

/* ---- saving ---- */

TEST(what_is_saved_is_listed_shown_and_found)
{
    struct home h;

    fill(&h);
    assert_int_equal(snapshots(&h, "list"), EXIT_DONE);
    assert_said(h.out, "ID  SAVED");
    assert_said(h.out, "The login works");
    assert_said(h.out, "login wip");
    assert_true(strstr(h.out, "The bird flies") < strstr(h.out, "The login works"));
    assert_null(strchr(h.out, '\033'));
    assert_string_equal(h.err, "");
    assert_int_equal(snapshots(&h, "list", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&h), 2);
    assert_int_equal(snapshots(&h, "list", "--project", "gatehouse", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&h), 1);
    assert_int_equal(snapshots(&h, "list", "--tag", "login", "--since", "1h", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&h), 1);
    assert_int_equal(snapshots(&h, "list", "--limit", "1", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&h), 1);
    assert_int_equal(snapshots(&h, "show", "auth"), EXIT_DONE);
    assert_said(h.out, "#1 auth   gatehouse   ");
    assert_said(h.out, "gatehouse " GATEHOUSE_VERSION);
    assert_said(h.out, "importance 4   tags login wip");
    assert_said(h.out, PROMPT "\n");
    assert_int_equal(snapshots(&h, "show", "#1", "--raw"), EXIT_DONE);
    assert_string_equal(h.out, PROMPT);
    assert_int_equal(snapshots(&h, "show", "--raw"), EXIT_DONE);
    assert_string_equal(h.out, "Resuming: The bird flies\n\nContext:\nOver the hedge\nand away");
    assert_int_equal(snapshots(&h, "show", "--project", "gatehouse", "--raw"), EXIT_DONE);
    assert_string_equal(h.out, PROMPT);
    assert_int_equal(snapshots(&h, "show", "1", "--max-tokens", "500"), EXIT_DONE);
    assert_said(h.out, "Tokens expire");
    home_close(&h);
}

TEST(one_as_json_says_who_saved_it)
{
    struct home h;

    fill(&h);
    assert_int_equal(snapshots(&h, "show", "1", "--json"), EXIT_DONE);
    yyjson_doc *doc  = said_json(&h);
    yyjson_val *root = yyjson_doc_get_root(doc);
    assert_int_equal(yyjson_get_int(yyjson_obj_get(root, "id")), 1);
    assert_string_equal(yyjson_get_str(yyjson_obj_get(root, "summary")), "The login works");
    assert_said(h.out, "\"gatehouse\"");
    assert_said(h.out, "Tokens expire");
    yyjson_doc_free(doc);
    home_close(&h);
}

TEST(a_context_comes_from_an_option_a_file_or_a_pipe)
{
    struct home h;
    char        path[100];

    home_open(&h);
    snprintf(path, sizeof path, "%s/context", h.path);
    assert_true(file_replace(path, STR("  from a file\n\n"), 0600, NULL));
    assert_int_equal(snapshots(&h, "save", "File", path), EXIT_DONE);
    assert_int_equal(snapshots(&h, "show", "--raw"), EXIT_DONE);
    assert_string_equal(h.out, "Resuming: File\n\nContext:\n  from a file");
    h.typed = "piped\r\nin\n";
    assert_int_equal(snapshots(&h, "save", "Pipe", "-", "--json"), EXIT_DONE);
    assert_said(h.out, "\"id\":2");
    assert_int_equal(snapshots(&h, "show", "--raw"), EXIT_DONE);
    assert_string_equal(h.out, "Resuming: Pipe\n\nContext:\npiped\nin");
    h.typed = "{\"files\": [\"a.c\"], \"why\": \"it was slow\"}";
    assert_int_equal(snapshots(&h, "save", "Parts", "-", "--structured"), EXIT_DONE);
    assert_int_equal(snapshots(&h, "show", "--raw"), EXIT_DONE);
    assert_string_equal(h.out, "Resuming: Parts\n\nContext:\nFiles:\n- a.c\n\nwhy:\nit was slow");
    home_close(&h);
}

TEST(what_cannot_be_saved_is_refused_and_leaves_nothing)
{
    struct home h;

    fill(&h);
    assert_int_equal(snapshots(&h, "save", "No context"), EXIT_TYPED_WRONG);
    assert_said(h.err, "--context");
    assert_int_equal(snapshots(&h, "save", "Twice", "-", "--context", "x"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "save", "", "--context", "x"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "save", "x", "--context", ""), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "save", "x", "--context", "a\033[31mb"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "save", "x", "--context", "\xff\xfe"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "save", "x", "--context", "x", "--importance", "9"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "save", "x", "--context", "x", "--importance", "much"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "save", "x", "--context", "[1]", "--structured"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "save", "x", "--context", "{", "--structured"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "save", "x", "/no/such/file"), EXIT_NOT_FOUND);
    assert_int_equal(snapshots(&h, "list", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&h), 2);
    home_close(&h);
}

TEST(what_is_too_large_is_refused)
{
    struct home h;
    char       *large = malloc((1 << 20) + 2);

    home_open(&h);
    assert_non_null(large);
    memset(large, 'x', (1 << 20) + 1);
    large[(1 << 20) + 1] = '\0';
    h.typed              = large;
    assert_int_equal(snapshots(&h, "save", "Large", "-"), EXIT_FAILED);
    assert_int_equal(snapshots(&h, "list", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "[]\n");
    free(large);
    home_close(&h);
}

/* ---- versions ---- */

TEST(an_update_makes_a_version_and_keeps_what_it_does_not_name)
{
    struct home h;

    fill(&h);
    assert_int_equal(snapshots(&h, "update", "auth", "--summary", "The login is done", "--next", ""), EXIT_DONE);
    assert_string_equal(h.out, "Snapshot #1 (auth) is now version 2\n");
    assert_int_equal(snapshots(&h, "show", "1", "--raw"), EXIT_DONE);
    assert_string_equal(h.out, "Resuming: The login is done\n\nContext:\nTokens expire after 5 minutes, see auth.c");
    assert_int_equal(snapshots(&h, "show", "1"), EXIT_DONE);
    assert_said(h.out, "tags login wip");
    assert_said(h.out, "version 2; first saved ");
    assert_int_equal(snapshots(&h, "show", "auth", "--version", "1", "--raw"), EXIT_DONE);
    assert_string_equal(h.out, PROMPT);
    assert_int_equal(snapshots(&h, "versions", "1"), EXIT_DONE);
    assert_true(strstr(h.out, "The login is done") < strstr(h.out, "The login works"));
    assert_int_equal(snapshots(&h, "versions", "1", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&h), 2);
    assert_int_equal(snapshots(&h, "show", "1", "--version", "3"), EXIT_NOT_FOUND);
    assert_said(h.err, "has no version 3; its newest is 2");
    assert_int_equal(snapshots(&h, "show", "--version", "1"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "show", "1", "--version", "no"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "update", "1"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "update", "1", "--json"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "update", "1", "--summary", ""), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "update", "1", "--tag", "", "--name", "", "--json"), EXIT_DONE);
    assert_int_equal(snapshots(&h, "tags"), EXIT_DONE);
    assert_string_equal(h.out, "");
    assert_int_equal(snapshots(&h, "update", "99", "--next", "x"), EXIT_NOT_FOUND);
    home_close(&h);
}

/* ---- finding ---- */

TEST(words_are_found_where_they_stand)
{
    struct home h;

    fill(&h);
    assert_int_equal(snapshots(&h, "search", "TOKENS", "minutes"), EXIT_DONE);
    assert_said(h.out, "#1 auth");
    assert_said(h.out, "«Tokens» expire");
    assert_null(strstr(h.out, "bird"));
    assert_int_equal(snapshots(&h, "search", "\"the hedge\""), EXIT_DONE);
    assert_said(h.out, "#2");
    assert_int_equal(snapshots(&h, "search", "tok*", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&h), 1);
    assert_said(h.out, "\"excerpt\":");
    assert_null(strstr(h.out, "\\u0002"));
    assert_int_equal(snapshots(&h, "search", "nowhere"), EXIT_DONE);
    assert_string_equal(h.out, "");
    assert_said(h.err, "No snapshot has nowhere.");
    assert_int_equal(snapshots(&h, "search", "nowhere", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "[]\n");
    assert_int_equal(snapshots(&h, "search", "\"(*"), EXIT_TYPED_WRONG); /* not a word in it */
    assert_int_equal(snapshots(&h, "search", "(tokens"), EXIT_DONE);
    assert_said(h.out, "#1");
    assert_int_equal(snapshots(&h, "search", "x", "--limit", "0"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "search"), EXIT_TYPED_WRONG);
    home_close(&h);
}

TEST(a_word_that_no_snapshot_has_gets_the_nearest)
{
    struct home h;

    fill(&h);
    assert_int_equal(snapshots(&h, "show", "auht"), EXIT_NOT_FOUND);
    assert_said(h.err, "no snapshot has the name \"auht\"; did you mean \"auth\"?");
    assert_int_equal(snapshots(&h, "list", "--project", "gatehose"), EXIT_NOT_FOUND);
    assert_said(h.err, "did you mean \"gatehouse\"?");
    assert_int_equal(snapshots(&h, "search", "x", "--tag", "logn"), EXIT_NOT_FOUND);
    assert_said(h.err, "did you mean \"login\"?");
    assert_int_equal(snapshots(&h, "export", "--tag", "logn"), EXIT_NOT_FOUND);
    assert_string_equal(h.out, "");
    assert_int_equal(snapshots(&h, "show", "99"), EXIT_NOT_FOUND);
    assert_said(h.err, "there is no snapshot #99");
    assert_int_equal(snapshots(&h, "list", "--since", "soon"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "list", "--limit", "many"), EXIT_TYPED_WRONG);
    home_close(&h);
}

TEST(names_projects_and_tags_are_printed_a_line_each)
{
    struct home h;

    fill(&h);
    assert_int_equal(snapshots(&h, "names"), EXIT_DONE);
    assert_string_equal(h.out, "auth\n");
    assert_int_equal(snapshots(&h, "projects"), EXIT_DONE);
    assert_string_equal(h.out, "gatehouse\n");
    assert_int_equal(snapshots(&h, "tags"), EXIT_DONE);
    assert_string_equal(h.out, "login\nwip\n");
    assert_int_equal(snapshots(&h, "tags", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&h), 2);
    home_close(&h);
}

/* ---- the bin ---- */

TEST(what_is_deleted_comes_back_from_the_bin)
{
    struct home h;

    fill(&h);
    assert_int_equal(snapshots(&h, "delete", "1", "#2"), EXIT_DONE);
    assert_string_equal(h.out, "Deleted snapshots #1, #2\n");
    assert_said(h.err, "gatehouse snapshots restore 1 2");
    assert_int_equal(snapshots(&h, "list", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "[]\n");
    assert_int_equal(snapshots(&h, "list", "--bin"), EXIT_DONE);
    assert_said(h.out, "DELETED");
    assert_said(h.out, "The login works");
    assert_int_equal(snapshots(&h, "show", "1"), EXIT_NOT_FOUND);
    assert_said(h.err, "lies in the bin");
    assert_said(h.err, "gatehouse snapshots restore 1");
    assert_int_equal(snapshots(&h, "show", "1", "--bin"), EXIT_DONE);
    assert_said(h.out, "in the bin since ");
    assert_int_equal(snapshots(&h, "delete", "1"), EXIT_NOT_FOUND);
    assert_int_equal(snapshots(&h, "restore", "1", "77", "--json"), EXIT_NOT_FOUND);
    assert_string_equal(h.out, "{\"restored\":[1]}\n");
    assert_int_equal(snapshots(&h, "restore", "1"), EXIT_NOT_FOUND);
    assert_said(h.err, "is not in the bin");
    assert_int_equal(snapshots(&h, "show", "auth", "--raw"), EXIT_DONE);
    assert_string_equal(h.out, PROMPT);
    assert_int_equal(snapshots(&h, "delete", "auth"), EXIT_TYPED_WRONG);
    assert_said(h.err, "gatehouse snapshots delete 1");
    assert_int_equal(snapshots(&h, "show", "1", "--raw"), EXIT_DONE);
    home_close(&h);
}

/* ---- copies ---- */

TEST(a_backup_is_made_proved_and_put_back)
{
    struct home h;
    char        copy[100], day[11];

    fill(&h);
    snprintf(copy, sizeof copy, "%s/copy.db", h.path);
    assert_int_equal(snapshots(&h, "backup", copy), EXIT_DONE);
    assert_said(h.out, "Backed up to ");
    assert_int_equal(snapshots(&h, "backup", copy), EXIT_FAILED); /* it is never written over */
    assert_int_equal(snapshots(&h, "verify", copy), EXIT_DONE);
    assert_said(h.out, "is whole: 2 snapshots");
    assert_int_equal(snapshots(&h, "backup", "--json"), EXIT_DONE);
    assert_said(h.out, "\"bytes\":");
    assert_int_equal(snapshots(&h, "backups", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&h), 1);
    snprintf(day, sizeof day, "%.10s", strstr(h.out, "backups/snapshots-") + strlen("backups/snapshots-"));
    assert_int_equal(snapshots(&h, "backups"), EXIT_DONE);
    assert_said(h.out, day);
    assert_int_equal(snapshots(&h, "save", "Later", "--context", "x"), EXIT_DONE);
    assert_int_equal(snapshots(&h, "restore", day), EXIT_TYPED_WRONG); /* nobody can be asked */
    assert_said(h.err, "--yes");
    assert_int_equal(snapshots(&h, "restore", day, "--yes"), EXIT_DONE);
    assert_said(h.out, "What was there before: ");
    assert_said(h.out, "snapshots.db.before-");
    assert_int_equal(snapshots(&h, "list", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&h), 2);
    assert_int_equal(snapshots(&h, "restore", copy, "--yes", "--json"), EXIT_DONE);
    assert_said(h.out, "\"kept\":\"");
    assert_int_equal(snapshots(&h, "restore", "1999-01-01", "--yes"), EXIT_NOT_FOUND);
    assert_int_equal(snapshots(&h, "restore", "/no/such.db", "--yes"), EXIT_NOT_FOUND);
    assert_int_equal(snapshots(&h, "restore", copy, "1"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "verify", "--json"), EXIT_DONE);
    assert_said(h.out, "\"whole\":true,\"count\":2,");
    home_close(&h);
}

TEST(a_damaged_copy_is_told_and_not_put_back)
{
    struct home h;
    char        copy[100];

    fill(&h);
    snprintf(copy, sizeof copy, "%s/copy.db", h.path);
    assert_true(file_replace(copy, STR("SQLite format 3\0and no more of it"), 0600, NULL));
    assert_int_equal(snapshots(&h, "verify", copy), EXIT_FAILED);
    assert_string_equal(h.out, "");
    assert_int_equal(snapshots(&h, "verify", copy, "--json"), EXIT_FAILED);
    assert_said(h.out, "\"whole\":false,\"error\":\"");
    assert_int_equal(snapshots(&h, "restore", copy, "--yes"), EXIT_FAILED);
    assert_int_equal(snapshots(&h, "list", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&h), 2);
    home_close(&h);
}

static int
restore_with(struct home *h, const char *copy, const char *answer)
{
    int master, slave;

    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    assert_int_equal(write(master, answer, strlen(answer)), strlen(answer));
    h->keyboard = fdopen(slave, "r+");
    assert_non_null(h->keyboard);
    int code = snapshots(h, "restore", copy);
    fclose(h->keyboard);
    h->keyboard = NULL;
    close(master);
    return code;
}

TEST(on_a_terminal_it_asks_before_a_backup_takes_the_place)
{
    struct home h;
    char        copy[100];

    fill(&h);
    snprintf(copy, sizeof copy, "%s/copy.db", h.path);
    assert_int_equal(snapshots(&h, "backup", copy), EXIT_DONE);
    assert_int_equal(snapshots(&h, "delete", "1"), EXIT_DONE);
    assert_int_equal(restore_with(&h, copy, "n\n"), EXIT_DONE);
    assert_said(h.err, "2 snapshots, the newest of ");
    assert_said(h.err, "[y/N]");
    assert_said(h.err, "All is as it was.");
    assert_string_equal(h.out, "");
    assert_int_equal(snapshots(&h, "show", "1"), EXIT_NOT_FOUND);
    assert_int_equal(restore_with(&h, copy, "y\n"), EXIT_DONE);
    assert_int_equal(snapshots(&h, "show", "1"), EXIT_DONE);
    home_close(&h);
}

/* ---- out and in ---- */

TEST(what_is_exported_comes_in_elsewhere_once)
{
    struct home h, other;
    char        path[100];

    fill(&h);
    home_open(&other);
    snprintf(path, sizeof path, "%s/memory.json", h.path);
    assert_int_equal(snapshots(&h, "export", path), EXIT_DONE);
    assert_said(h.out, "Wrote 2 snapshots to ");
    assert_int_equal(snapshots(&h, "export", path), EXIT_FAILED);
    assert_int_equal(snapshots(&other, "import", path), EXIT_DONE);
    assert_string_equal(other.out, "Took in 2 snapshots\n");
    assert_int_equal(snapshots(&other, "show", "auth", "--raw"), EXIT_DONE);
    assert_string_equal(other.out, PROMPT);
    assert_int_equal(snapshots(&other, "import", path, "--json"), EXIT_DONE);
    assert_string_equal(other.out, "{\"imported\":0,\"present\":2,\"refused\":0}\n");
    assert_int_equal(snapshots(&h, "export", "--project", "gatehouse"), EXIT_DONE);
    yyjson_doc *doc = said_json(&h);
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(doc), "snapshots")), 1);
    yyjson_doc_free(doc);
    assert_int_equal(snapshots(&h, "import", path, "--json"), EXIT_DONE); /* where it came from */
    assert_string_equal(h.out, "{\"imported\":0,\"present\":2,\"refused\":0}\n");
    assert_int_equal(snapshots(&h, "export", "--project", "gatehouse"), EXIT_DONE);
    other.typed = h.out;
    assert_int_equal(snapshots(&other, "import", "-"), EXIT_DONE);
    assert_string_equal(other.out, "Took in 0 snapshots; 1 was there already\n");
    home_close(&other);
    home_close(&h);
}

TEST(what_gets_another_id_comes_in_once_too)
{
    struct home h, other;
    char        path[100];

    fill(&h);
    home_open(&other);
    snprintf(path, sizeof path, "%s/memory.json", h.path);
    assert_int_equal(snapshots(&other, "save", "My own first", "--context", "x"), EXIT_DONE);
    assert_int_equal(snapshots(&h, "export", path), EXIT_DONE);
    assert_int_equal(snapshots(&other, "import", path), EXIT_DONE);
    assert_string_equal(other.out, "Took in 2 snapshots\n");
    assert_int_equal(snapshots(&other, "import", path), EXIT_DONE);
    assert_string_equal(other.out, "Took in 0 snapshots; 2 were there already\n");
    assert_int_equal(snapshots(&other, "list", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&other), 3);
    home_close(&other);
    home_close(&h);
}

TEST(an_object_that_was_given_comes_through_an_export)
{
    struct home h, other;

    home_open(&h);
    home_open(&other);
    assert_int_equal(snapshots(&h, "save", "Parts", "--structured", "--context", "{\"files\":[\"a.c\"],\"n\":1}"),
                     EXIT_DONE);
    assert_int_equal(snapshots(&h, "export"), EXIT_DONE);
    other.typed = h.out;
    assert_int_equal(snapshots(&other, "import", "-"), EXIT_DONE);
    assert_int_equal(snapshots(&other, "show", "--json"), EXIT_DONE);
    assert_said(other.out, "\"structured\":{\"files\":[\"a.c\"],\"n\":1}");
    home_close(&other);
    home_close(&h);
}

TEST(what_is_no_snapshot_is_refused_and_the_rest_taken)
{
    struct home h;

    home_open(&h);
    h.typed = "[{\"summary\": \"Good\", \"context\": \"x\"}, {\"summary\": 7}]";
    assert_int_equal(snapshots(&h, "import", "-"), EXIT_FAILED);
    assert_string_equal(h.out, "Took in 1 snapshot; 1 refused\n");
    assert_said(h.err, "number 2: ");
    h.typed = "not JSON at all";
    assert_int_equal(snapshots(&h, "import", "-"), EXIT_FAILED);
    h.typed = "{\"other\": 1}";
    assert_int_equal(snapshots(&h, "import", "-"), EXIT_FAILED);
    assert_int_equal(snapshots(&h, "import", "/no/such/file"), EXIT_NOT_FOUND);
    assert_int_equal(snapshots(&h, "list", "--json"), EXIT_DONE);
    assert_int_equal(json_count(&h), 1);
    home_close(&h);
}

TEST(the_old_servers_database_is_taken_in)
{
    struct home h;
    sqlite3    *old;
    char        path[100];

    home_open(&h);
    snprintf(path, sizeof path, "%s/old.db", h.path);
    assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(old,
                     "CREATE TABLE snapshots (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, summary TEXT NOT NULL,"
                     " context TEXT NOT NULL, next_steps TEXT, created_at TEXT NOT NULL DEFAULT (datetime('now')));"
                     "INSERT INTO snapshots (name, summary, context) VALUES ('auth', 'Old', 'From 1.0')",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(old);
    assert_int_equal(snapshots(&h, "import", path), EXIT_DONE);
    assert_string_equal(h.out, "Took in 1 snapshot\n");
    assert_int_equal(snapshots(&h, "import", path), EXIT_DONE);
    assert_string_equal(h.out, "Took in 0 snapshots; 1 was there already\n");
    assert_int_equal(snapshots(&h, "show", "auth", "--raw"), EXIT_DONE);
    assert_string_equal(h.out, "Resuming: Old\n\nContext:\nFrom 1.0");
    home_close(&h);
}

TEST(an_export_without_anything_is_an_export)
{
    struct home h;

    home_open(&h);
    assert_int_equal(snapshots(&h, "export"), EXIT_DONE);
    yyjson_doc *doc = said_json(&h);
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(doc), "snapshots")), 0);
    yyjson_doc_free(doc);
    home_close(&h);
}

TEST(what_an_update_changed_is_shown_line_by_line)
{
    struct home h;

    fill(&h);
    assert_int_equal(snapshots(&h, "diff", "1"), EXIT_TYPED_WRONG);
    assert_said(h.err, "snapshot #1 as it was first saved has none before it");
    assert_int_equal(snapshots(&h, "update", "1", "--next", "Write\nthe tests", "--tag", "wip"), EXIT_DONE);
    assert_int_equal(snapshots(&h, "diff", "auth"), EXIT_DONE);
    assert_said(h.out, "--- #1 auth version 1   ");
    assert_said(h.out, "+++ #1 auth version 2   ");
    assert_said(h.out, " Project: gatehouse\n-Tag: login\n Tag: wip\n Importance: 4\n \n...\n");
    assert_said(h.out, " Next:\n-Make it a setting\n+Write\n+the tests\n");
    assert_int_equal(snapshots(&h, "diff", "1:2", "auth:1"), EXIT_DONE);
    assert_said(h.out, "-Write\n-the tests\n+Make it a setting\n");
    assert_int_equal(snapshots(&h, "diff", "1", "2", "--json"), EXIT_DONE);
    yyjson_doc *doc = said_json(&h);
    assert_int_equal(yyjson_get_int(yyjson_ptr_get(yyjson_doc_get_root(doc), "/before/version")), 2);
    assert_int_equal(yyjson_get_int(yyjson_ptr_get(yyjson_doc_get_root(doc), "/after/id")), 2);
    yyjson_doc_free(doc);
    assert_said(h.out, "{\"sign\":\"-\",\"text\":\"Name: auth\"}");
    assert_int_equal(snapshots(&h, "diff", "2", "2"), EXIT_DONE);
    assert_string_equal(h.out, "");
    assert_string_equal(h.err, "They say the same.\n");
    assert_int_equal(snapshots(&h, "diff", "1:3"), EXIT_NOT_FOUND);
    assert_said(h.err, "has no version 3");
    assert_int_equal(snapshots(&h, "diff", "1", "7"), EXIT_NOT_FOUND);
    home_close(&h);
}

/* ---- what is old ---- */

TEST(what_would_go_is_shown_and_goes_when_it_is_said_twice)
{
    struct home h;

    fill(&h);
    assert_int_equal(
        snapshots(&h, "save", "The login is done", "--context", "x", "--name", "auth", "--project", "gatehouse"),
        EXIT_DONE);
    assert_int_equal(snapshots(&h, "prune", "--keep", "1", "--dry-run"), EXIT_DONE);
    assert_said(h.out, "ID  CHANGED");
    assert_said(h.out, "The login works");
    assert_null(strstr(h.out, "The bird flies"));
    assert_string_equal(h.err, "Would put 1 of 3 snapshots into the bin, for 30 days: --dry-run\n");
    assert_int_equal(snapshots(&h, "prune", "--keep", "1"), EXIT_TYPED_WRONG);
    assert_said(h.err, "say --yes too when nobody can be asked");
    assert_int_equal(snapshots(&h, "prune", "--keep", "1", "--json"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "prune", "--older-than", "0s", "--dry-run", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "{\"would_delete\":[1,2,3]}\n");
    assert_int_equal(snapshots(&h, "prune", "--older-than", "0s", "--keep", "1", "--dry-run", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "{\"would_delete\":[1,2]}\n");
    assert_int_equal(snapshots(&h, "prune", "--keep", "1", "--yes"), EXIT_DONE);
    assert_string_equal(h.out, "Deleted 1 snapshot\n");
    assert_said(h.err, "In the bin for 30 days.");
    assert_int_equal(snapshots(&h, "prune", "--keep", "1", "--yes"), EXIT_DONE);
    assert_string_equal(h.out, "");
    assert_string_equal(h.err, "There is nothing that may go.\n");
    assert_int_equal(snapshots(&h, "restore", "1"), EXIT_DONE);
    assert_int_equal(snapshots(&h, "prune", "--keep", "1", "--yes", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "{\"deleted\":[1]}\n");
    home_close(&h);
}

TEST(on_a_terminal_it_asks_before_anything_goes)
{
    struct home h;
    int         keyboard, screen;

    fill(&h);
    assert_int_equal(openpty(&keyboard, &screen, NULL, NULL, NULL), 0);
    h.keyboard = fdopen(screen, "r");
    assert_int_equal(write(keyboard, "n\ny\n", 4), 4);
    assert_int_equal(snapshots(&h, "prune", "--older-than", "0s"), EXIT_DONE);
    assert_said(h.out, "The bird flies");
    assert_said(h.err, "Put 2 of 2 snapshots into the bin, for 30 days? [y/N] All is as it was.");
    assert_int_equal(snapshots(&h, "prune", "--older-than", "0s"), EXIT_DONE);
    assert_said(h.out, "Deleted 2 snapshots\n");
    fclose(h.keyboard);
    close(keyboard);
    h.keyboard = NULL;
    home_close(&h);
}

TEST(what_may_go_is_typed_or_set)
{
    static char keep[] = "GATEHOUSE_SNAPSHOTS_KEEP=1", age[] = "GATEHOUSE_SNAPSHOTS_RETENTION=1ms";
    struct home h;

    fill(&h);
    assert_int_equal(snapshots(&h, "prune", "--yes"), EXIT_TYPED_WRONG);
    assert_said(h.err, "what may go is not said, and not set");
    assert_said(h.err, "gatehouse snapshots prune --older-than 90d");
    h.variable_too = keep;
    assert_int_equal(snapshots(&h, "prune", "--dry-run", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "{\"would_delete\":[]}\n");
    h.variable_too = age;
    assert_int_equal(snapshots(&h, "prune", "--dry-run", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "{\"would_delete\":[1,2]}\n");
    assert_int_equal(snapshots(&h, "prune", "--older-than", "1d", "--dry-run", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "{\"would_delete\":[]}\n");
    h.variable_too = NULL;
    assert_int_equal(snapshots(&h, "prune", "--older-than", "soon"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "prune", "--keep", "0"), EXIT_TYPED_WRONG);
    assert_int_equal(snapshots(&h, "prune", "--keep", "1", "--project", "gatehose", "--yes"), EXIT_NOT_FOUND);
    assert_said(h.err, "did you mean \"gatehouse\"?");
    home_close(&h);
    home_open(&h);
    assert_int_equal(snapshots(&h, "prune", "--keep", "1", "--yes"), EXIT_DONE);
    assert_int_equal(snapshots(&h, "prune", "--keep", "1", "--yes", "--json"), EXIT_DONE);
    assert_string_equal(h.out, "{\"deleted\":[]}\n");
    assert_false(is_there(&h, "users"));
    home_close(&h);
}

/* ---- how it looks ---- */

static size_t
widest(const char *text)
{
    size_t most = 0, width = 0;

    for (; *text != '\0'; text++) {
        width = *text == '\n' ? 0 : width + ((*text & 0xc0) != 0x80);
        most  = width > most ? width : most;
    }
    return most;
}

TEST(a_terminal_gets_what_fits_and_a_pipe_all)
{
    static char columns[] = "COLUMNS=50", plain[] = "NO_COLOR=1";
    struct home h;

    fill(&h);
    assert_int_equal(snapshots(&h, "save", "A summary that is much longer than any terminal of fifty columns is wide",
                               "--context", "one two three four five six seven eight nine ten eleven twelve hedgehogs"),
                     EXIT_DONE);
    assert_int_equal(snapshots(&h, "list"), EXIT_DONE);
    assert_said(h.out, "of fifty columns is wide\n");
    h.columns      = columns;
    h.variable_too = plain;
    assert_int_equal(snapshots(&h, "list"), EXIT_DONE);
    assert_true(widest(h.out) <= 50);
    assert_null(strchr(h.out, '\033'));
    assert_said(h.err, "3 snapshots.   One in full: gatehouse snapshots show 3");
    assert_int_equal(snapshots(&h, "search", "hedgehogs"), EXIT_DONE);
    assert_true(widest(h.out) <= 50);
    assert_said(h.out, "«hedgehogs»");
    h.variable_too = NULL;
    assert_int_equal(snapshots(&h, "search", "hedgehogs"), EXIT_DONE);
    assert_said(h.out, "\033[1mhedgehogs\033[0m");
    assert_int_equal(snapshots(&h, "search", "hedgehogs", "--color", "never"), EXIT_DONE);
    assert_null(strchr(h.out, '\033'));
    assert_int_equal(snapshots(&h, "show", "1"), EXIT_DONE);
    assert_said(h.out, "\033[1m#1 auth\033[0m");
    h.columns = NULL;
    assert_int_equal(snapshots(&h, "show", "1"), EXIT_DONE);
    assert_null(strchr(h.out, '\033'));
    home_close(&h);
}

TEST(a_text_that_would_turn_the_screen_around_is_made_printable)
{
    struct home h;

    home_open(&h);
    assert_int_equal(snapshots(&h, "save", "a\u202eb", "--context", "c\u202ed\te\nf", "--name", "n\u2066m"), EXIT_DONE);
    assert_int_equal(snapshots(&h, "show"), EXIT_DONE);
    assert_null(strstr(h.out, "\u202e"));
    assert_null(strstr(h.out, "\u2066"));
    assert_said(h.out, "\\u202e");
    assert_int_equal(snapshots(&h, "list"), EXIT_DONE);
    assert_null(strstr(h.out, "\u202e"));
    assert_int_equal(snapshots(&h, "names"), EXIT_DONE);
    assert_null(strstr(h.out, "\u2066"));
    assert_int_equal(snapshots(&h, "search", "f"), EXIT_DONE);
    assert_null(strstr(h.out, "\u202e"));
    assert_int_equal(snapshots(&h, "show", "--raw"), EXIT_DONE);
    assert_said(h.out, "c\u202ed\te\nf");
    home_close(&h);
}

/* Another user's home; as root one must become somebody else to see that. */
TEST(a_memory_that_may_not_be_read_is_not_allowed)
{
    struct home h;

    fill(&h);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    else
        assert_int_equal(chmod(h.path, 0), 0);
    int list = snapshots(&h, "list"), show = snapshots(&h, "show", "1"), verify = snapshots(&h, "verify");
    if (geteuid() == 65534)
        assert_int_equal(seteuid(0), 0);
    else
        assert_int_equal(chmod(h.path, 0700), 0);
    assert_int_equal(list, EXIT_NOT_ALLOWED);
    assert_int_equal(show, EXIT_NOT_ALLOWED);
    assert_int_equal(verify, EXIT_NOT_ALLOWED);
    home_close(&h);
}
