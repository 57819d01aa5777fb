#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <yyjson.h>

#include "base/file.h"
#include "cli/connect/connect.h"
#include "cli_fixture.h"

/* A person: their directory is `home.path`, and the home of Gatehouse where it usually is. */
struct person {
    struct home home;
    char        user[100], self[PATH_MAX], before[PATH_MAX];
};

static void
person_open(struct person *p)
{
    home_open(&p->home);
    snprintf(p->user, sizeof p->user, "HOME=%s", p->home.path);
    snprintf(p->home.variable, sizeof p->home.variable, "GATEHOUSE_HOME=%s/.gatehouse", p->home.path);
    p->home.variable_too = p->user;
    ssize_t len          = readlink("/proc/self/exe", p->self, sizeof p->self - 1);
    assert_true(len > 0);
    p->self[len] = '\0';
    assert_non_null(getcwd(p->before, sizeof p->before));
    assert_int_equal(chdir(p->home.path), 0); /* the directory of VS Code */
}

static void
person_close(struct person *p)
{
    assert_int_equal(chdir(p->before), 0);
    home_close(&p->home);
}

static const char *
place(const struct person *p, const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", p->home.path, name);
    return path;
}

static void
directory(const struct person *p, const char *name)
{
    assert_int_equal(mkdir(place(p, name), 0700), 0);
}

static void
put(const struct person *p, const char *name, const char *text)
{
    struct error err = {0};

    assert_true(file_replace(place(p, name), str_from(text), 0640, &err));
}

/* "" when there is none. Good until the next. */
static const char *
got(const struct person *p, const char *name)
{
    static char   text[64 * 1024];
    struct buffer all = {.max = sizeof text - 1};

    file_read(place(p, name), &all, NULL);
    snprintf(text, sizeof text, "%.*s", STR_ARG(buffer_str(&all)));
    buffer_clear(&all);
    return text;
}

static bool
is_there(const struct person *p, const char *name)
{
    return access(place(p, name), F_OK) == 0;
}

#define connect_to(p, ...) run_words(&(p)->home, (const char *const[]){"connect", __VA_ARGS__, NULL})

static int
run_words(struct home *h, const char *const *words)
{
    return home_run(h, (char *const *)(uintptr_t)words);
}

/* The text with %s being this program. */
#define assert_file(p, name, ...)                                                                                      \
    do {                                                                                                               \
        char wanted_[8192];                                                                                            \
        snprintf(wanted_, sizeof wanted_, __VA_ARGS__);                                                                \
        assert_string_equal(got(p, name), wanted_);                                                                    \
    } while (0)

#define URL "http://localhost:3333/s/snapshots/mcp"

/* ---- a file for each client ---- */

TEST(claude_desktop_gets_a_command_and_the_directory_it_lacks)
{
    struct person p;

    person_open(&p);
    assert_int_equal(connect_to(&p, "claude-desktop"), EXIT_DONE);
    assert_string_equal(p.home.out, "Added snapshots to ~/.config/Claude/claude_desktop_config.json\n");
    assert_said(p.home.err, ".config/Claude was not there, and is now");
    assert_said(p.home.err, "Quit Claude Desktop and start it again.");
    assert_file(&p, ".config/Claude/claude_desktop_config.json",
                "{\n  \"mcpServers\": {\n    \"snapshots\": {\n      \"command\": \"%s\",\n"
                "      \"args\": [\"stdio\", \"snapshots\"]\n    }\n  }\n}\n",
                p.self);
    assert_false(is_there(&p, ".config/Claude/claude_desktop_config.json.backup"));
    person_close(&p);
}

TEST(claude_desktop_is_found_where_xdg_or_macos_has_it)
{
    struct person p;
    char          xdg[100];

    person_open(&p);
    snprintf(xdg, sizeof xdg, "XDG_CONFIG_HOME=%s/elsewhere", p.home.path);
    p.home.variable_also = xdg;
    assert_int_equal(connect_to(&p, "claude-desktop"), EXIT_DONE);
    assert_said(got(&p, "elsewhere/Claude/claude_desktop_config.json"), "\"snapshots\"");
    directory(&p, "Library");
    directory(&p, "Library/Application Support");
    assert_int_equal(connect_to(&p, "claude-desktop"), EXIT_DONE);
    assert_said(got(&p, "Library/Application Support/Claude/claude_desktop_config.json"), "\"snapshots\"");
    person_close(&p);
}

TEST(claude_code_gets_a_url_of_type_http)
{
    struct person p;
    struct stat   info;

    person_open(&p);
    assert_int_equal(connect_to(&p, "claude-code"), EXIT_DONE);
    assert_string_equal(p.home.out, "Added snapshots to ~/.claude.json\n");
    assert_said(p.home.err, "No gateway runs now. Start it:  gatehouse serve");
    assert_file(&p, ".claude.json",
                "{\n  \"mcpServers\": {\n    \"snapshots\": {\n      \"type\": \"http\",\n      \"url\": \"" URL
                "\"\n    }\n  }\n}\n");
    assert_int_equal(stat(place(&p, ".claude.json"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    person_close(&p);
}

TEST(cursor_gets_a_url_alone_and_vscode_its_own_key)
{
    struct person p;

    person_open(&p);
    directory(&p, ".cursor");
    directory(&p, ".vscode");
    assert_int_equal(connect_to(&p, "cursor"), EXIT_DONE);
    assert_file(&p, ".cursor/mcp.json",
                "{\n  \"mcpServers\": {\n    \"snapshots\": {\n      \"url\": \"" URL "\"\n    }\n  }\n}\n");
    assert_int_equal(connect_to(&p, "vscode", "snapshots"), EXIT_DONE);
    assert_file(&p, ".vscode/mcp.json",
                "{\n  \"servers\": {\n    \"snapshots\": {\n      \"type\": \"http\",\n      \"url\": \"" URL
                "\"\n    }\n  }\n}\n");
    person_close(&p);
}

TEST(any_client_may_be_given_a_command_which_says_where_an_unusual_home_is)
{
    struct person p;
    struct home  *h = &p.home;

    person_open(&p);
    assert_int_equal(connect_to(&p, "claude-code", "--stdio"), EXIT_DONE);
    assert_file(&p, ".claude.json",
                "{\n  \"mcpServers\": {\n    \"snapshots\": {\n      \"type\": \"stdio\",\n      \"command\": \"%s\",\n"
                "      \"args\": [\"stdio\", \"snapshots\"]\n    }\n  }\n}\n",
                p.self);
    snprintf(h->variable, sizeof h->variable, "GATEHOUSE_HOME=%s/else", h->path);
    assert_int_equal(connect_to(&p, "claude-code", "--stdio"), EXIT_DONE);
    assert_said(h->out, "Changed snapshots in ~/.claude.json\n");
    assert_said(got(&p, ".claude.json"), "\"args\": [\"stdio\", \"snapshots\", \"--home\", \"/");
    person_close(&p);
}

TEST(servers_of_the_registry_are_written_together)
{
    struct person p;

    person_open(&p);
    directory(&p, ".gatehouse");
    put(&p, ".gatehouse/mcp.json", "{\"mcpServers\": {\"weather\": {\"url\": \"http://localhost:9000/mcp\"}}}");
    assert_int_equal(connect_to(&p, "claude-code", "weather", "snapshots"), EXIT_DONE);
    assert_string_equal(p.home.out, "Added weather to ~/.claude.json\nAdded snapshots to ~/.claude.json\n");
    assert_said(got(&p, ".claude.json"), "http://localhost:3333/s/weather/mcp");
    assert_said(got(&p, ".claude.json"), URL);
    assert_int_equal(connect_to(&p, "claude-desktop", "weather"), EXIT_FAILED);
    assert_said(p.home.err, "weather is not built in");
    assert_said(p.home.err, "npx -y mcp-remote http://localhost:3333/s/weather/mcp");
    assert_int_equal(connect_to(&p, "claude-code", "weather", "--stdio"), EXIT_FAILED);
    assert_said(p.home.err, "gatehouse connect claude-code weather");
    assert_int_equal(connect_to(&p, "claude-code", "snapshots", "wether"), EXIT_NOT_FOUND);
    assert_said(p.home.err, "did you mean \"weather\"?");
    person_close(&p);
}

/* ---- other people's files ---- */

#define COMMENTED                                                                                                      \
    "// mine\n{\n\t\"theme\": \"dark\", /* at night */\n\t\"mcpServers\": {\n\t\t// the files\n"                       \
    "\t\t\"files\": { \"command\": \"npx\" },\n\t},\n\t\"last\": 1e3\n}"

TEST(only_the_entry_changes_and_what_was_there_is_kept)
{
    struct person p;
    struct stat   info;

    person_open(&p);
    directory(&p, ".cursor");
    put(&p, ".cursor/mcp.json", COMMENTED);
    assert_int_equal(connect_to(&p, "cursor"), EXIT_DONE);
    assert_string_equal(p.home.out, "Added snapshots to ~/.cursor/mcp.json\n"
                                    "  As it was before:  ~/.cursor/mcp.json.backup\n");
    assert_string_equal(got(&p, ".cursor/mcp.json"),
                        "// mine\n{\n\t\"theme\": \"dark\", /* at night */\n\t\"mcpServers\": {\n\t\t// the files\n"
                        "\t\t\"files\": { \"command\": \"npx\" },\n\t\t\"snapshots\": {\"url\": \"" URL
                        "\"},\n\t},\n\t\"last\": 1e3\n}");
    assert_string_equal(got(&p, ".cursor/mcp.json.backup"), COMMENTED);
    assert_int_equal(stat(place(&p, ".cursor/mcp.json"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(stat(place(&p, ".cursor/mcp.json.backup"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);

    assert_int_equal(connect_to(&p, "cursor", "--remove"), EXIT_DONE);
    assert_string_equal(got(&p, ".cursor/mcp.json"), COMMENTED);
    assert_string_equal(got(&p, ".cursor/mcp.json.backup"), COMMENTED); /* the older stays */
    assert_said(got(&p, ".cursor/mcp.json.backup.2"), "snapshots");
    assert_int_equal(connect_to(&p, "cursor"), EXIT_DONE); /* kept already: no third */
    assert_said(p.home.out, "~/.cursor/mcp.json.backup\n");
    assert_false(is_there(&p, ".cursor/mcp.json.backup.3"));
    person_close(&p);
}

TEST(the_first_copies_stay_however_often_it_is_changed)
{
    struct person p;
    char          text[32], name[32];

    person_open(&p);
    for (int i = 1; i <= CONNECT_COPIES + 3; i++) {
        snprintf(text, sizeof text, "{\"run\": %d}", i);
        put(&p, ".claude.json", text);
        assert_int_equal(connect_to(&p, "claude-code"), EXIT_DONE);
    }
    assert_string_equal(got(&p, ".claude.json.backup"), "{\"run\": 1}");
    assert_string_equal(got(&p, ".claude.json.backup.8"), "{\"run\": 8}");
    assert_string_equal(got(&p, ".claude.json.backup.9"), text); /* the last before it was changed */
    snprintf(name, sizeof name, ".claude.json.backup.%d", CONNECT_COPIES + 1);
    assert_false(is_there(&p, name));
    person_close(&p);
}

TEST(what_the_client_writes_meanwhile_is_not_lost)
{
    struct person       p;
    struct error        err = {0};
    char                path[PATH_MAX], copy[PATH_MAX];
    struct connect_file f = {.path = path, .client = &connect_clients[1]};

    person_open(&p);
    put(&p, ".claude.json", "{}");
    snprintf(path, sizeof path, "%s", place(&p, ".claude.json"));
    assert_true(connect_file_read(&f, &err));
    assert_true(connect_file_set(&f, STR("snapshots"), STR("{}"), &err));
    put(&p, ".claude.json", "{\"theirs\": 1}");
    assert_false(connect_file_save(&f, copy, sizeof copy, &err));
    assert_int_equal(err.code, ERROR_BUSY);
    assert_string_equal(got(&p, ".claude.json"), "{\"theirs\": 1}");
    connect_file_clear(&f);
    person_close(&p);
}

TEST(the_second_run_says_it_is_there_and_writes_nothing)
{
    struct person p;
    struct stat   first, second;

    person_open(&p);
    assert_int_equal(connect_to(&p, "claude-code"), EXIT_DONE);
    assert_int_equal(stat(place(&p, ".claude.json"), &first), 0);
    assert_int_equal(connect_to(&p, "claude-code"), EXIT_DONE);
    assert_string_equal(p.home.out, "Nothing to do: snapshots is there already, in ~/.claude.json\n");
    assert_string_equal(p.home.err, "");
    assert_int_equal(stat(place(&p, ".claude.json"), &second), 0);
    assert_true(first.st_ino == second.st_ino);
    assert_false(is_there(&p, ".claude.json.backup"));
    person_close(&p);
}

TEST(a_file_that_cannot_be_understood_stays_as_it_is)
{
    static const struct {
        const char *text, *why;
    } each[] = {
        {"{\"mcpServers\": {\n\"a\": }", ".claude.json:2 is no JSON"},
        {"\xEF\xBB\xBF{", "is no JSON"},
        {"[1, 2]", "holds no object"},
        {"{\"mcpServers\": [1]}", "\"mcpServers\" is no object"},
        {"{\"mcpServers\": {},\n \"mcpServers\": {}}", ".claude.json:2: \"mcpServers\" stands there a second time"},
        {"{\"mcpServers\": {\"snapshots\": {\"url\": \"" URL "1\"}, \"snapshots\": {}}}", "stands there a second time"},
    };
    struct person p;

    person_open(&p);
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        put(&p, ".claude.json", each[i].text);
        assert_int_equal(connect_to(&p, "claude-code", "--replace"), EXIT_FAILED);
        assert_said(p.home.err, each[i].why);
        assert_string_equal(p.home.out, "");
        assert_string_equal(got(&p, ".claude.json"), each[i].text);
        assert_false(is_there(&p, ".claude.json.backup"));
    }
    person_close(&p);
}

TEST(an_empty_file_is_filled_and_comments_alone_stay)
{
    struct person p;

    person_open(&p);
    put(&p, ".claude.json", "");
    assert_int_equal(connect_to(&p, "claude-code"), EXIT_DONE);
    assert_said(got(&p, ".claude.json"), URL);
    assert_false(is_there(&p, ".claude.json.backup"));
    put(&p, ".claude.json", "// nothing yet");
    assert_int_equal(connect_to(&p, "claude-code"), EXIT_DONE);
    assert_true(str_starts(str_from(got(&p, ".claude.json")), STR("// nothing yet\n{\n")));
    assert_string_equal(got(&p, ".claude.json.backup"), "// nothing yet");
    person_close(&p);
}

TEST(another_server_of_that_name_goes_only_when_told_to)
{
    static const char other[] = "{\"mcpServers\": {\"snapshots\": {\"command\": \"mine\", \"env\": {\"KEY\": \"x\"}}}}";
    struct person     p;

    person_open(&p);
    put(&p, ".claude.json", other);
    assert_int_equal(connect_to(&p, "claude-code"), EXIT_FAILED);
    assert_said(p.home.err, "another server under the name \"snapshots\"");
    assert_said(p.home.err, "gatehouse connect claude-code snapshots --replace");
    assert_int_equal(connect_to(&p, "claude-code", "--remove"), EXIT_FAILED);
    assert_said(p.home.err, "is not of Gatehouse");
    assert_string_equal(got(&p, ".claude.json"), other);
    assert_int_equal(connect_to(&p, "claude-code", "--replace"), EXIT_DONE);
    assert_string_equal(got(&p, ".claude.json"),
                        "{\"mcpServers\": {\"snapshots\": {\"type\": \"http\", \"url\": \"" URL "\"}}}");
    assert_string_equal(got(&p, ".claude.json.backup"), other);
    person_close(&p);
}

TEST(ours_with_another_way_is_changed_and_keeps_what_else_it_has)
{
    struct person p;

    person_open(&p);
    put(&p, ".claude.json",
        "{\"mcpServers\": {\"snapshots\": {\"url\": \"http://127.0.0.1:4000/s/snapshots/mcp\", \"timeout\": 5}}}");
    assert_int_equal(connect_to(&p, "claude-code"), EXIT_DONE);
    assert_said(p.home.out, "Changed snapshots in ~/.claude.json\n");
    assert_string_equal(got(&p, ".claude.json"), "{\"mcpServers\": {\"snapshots\": {\"type\": \"http\", \"url\": \"" URL
                                                 "\", \"timeout\": 5}}}");
    person_close(&p);
}

TEST(what_is_removed_must_be_there)
{
    struct person p;

    person_open(&p);
    assert_int_equal(connect_to(&p, "claude-code", "--remove"), EXIT_NOT_FOUND);
    assert_said(p.home.err, "Claude Code has no server \"snapshots\"");
    assert_false(is_there(&p, ".claude.json"));
    assert_int_equal(connect_to(&p, "claude-code"), EXIT_DONE);
    assert_int_equal(connect_to(&p, "claude-code", "--remove"), EXIT_DONE);
    assert_said(p.home.out, "Removed snapshots from ~/.claude.json\n");
    assert_string_equal(got(&p, ".claude.json"), "{\n  \"mcpServers\": {}\n}\n");
    assert_int_equal(connect_to(&p, "claude-code", "--remove", "--replace"), EXIT_TYPED_WRONG);
    assert_int_equal(connect_to(&p, "--remove"), EXIT_TYPED_WRONG);
    assert_said(p.home.err, "which client?");
    person_close(&p);
}

/* ---- the old snapshot server ---- */

#define OLD                                                                                                            \
    "{\n  \"mcpServers\": {\n    \"snapshot\": {\n      \"command\": \"node\",\n"                                      \
    "      \"args\": [\"/opt/snapshot-mcp-server/dist/index.js\"],\n"                                                  \
    "      \"env\": {\n        \"SNAPSHOT_DB_PATH\": \"/data/s.db\"\n      }\n    }\n  }\n}\n"

TEST(the_old_server_is_offered_to_be_replaced_and_its_database_goes_over)
{
    static const char file[] = ".config/Claude/claude_desktop_config.json";
    struct person     p;

    person_open(&p);
    directory(&p, ".config");
    directory(&p, ".config/Claude");
    put(&p, file, OLD);
    assert_int_equal(connect_to(&p, "claude-desktop"), EXIT_DONE);
    assert_said(p.home.err, "The old snapshot server stands there too, as \"snapshot\"");
    assert_said(p.home.err, "gatehouse connect claude-desktop snapshots --replace");
    assert_said(got(&p, file), "\"snapshot\": {");
    assert_int_equal(connect_to(&p, "claude-desktop", "--replace"), EXIT_DONE);
    assert_said(p.home.out, "Put snapshots in the place of what was there");
    assert_file(&p, ".config/Claude/claude_desktop_config.json",
                "{\n  \"mcpServers\": {\n    \"snapshots\": {\n      \"command\": \"%s\",\n"
                "      \"args\": [\"stdio\", \"snapshots\"],\n      \"env\": {\n"
                "        \"SNAPSHOT_DB_PATH\": \"/data/s.db\"\n      }\n    }\n  }\n}\n",
                p.self);
    assert_string_equal(got(&p, ".config/Claude/claude_desktop_config.json.backup"), OLD);
    assert_int_equal(connect_to(&p, "claude-desktop"), EXIT_DONE); /* the variable stays */
    assert_said(p.home.out, "is there already");
    person_close(&p);
}

TEST(a_url_cannot_take_the_old_database_over_so_the_import_is_named)
{
    struct person p;

    person_open(&p);
    put(&p, ".claude.json", OLD);
    assert_int_equal(connect_to(&p, "claude-code", "--replace"), EXIT_DONE);
    assert_said(p.home.err, "gatehouse snapshots import /data/s.db");
    assert_null(strstr(got(&p, ".claude.json"), "\"snapshot\":"));
    assert_said(got(&p, ".claude.json"), URL);
    person_close(&p);
}

TEST(another_server_with_a_like_name_is_none_of_the_old)
{
    struct person p;

    person_open(&p);
    put(&p, ".claude.json",
        "{\"mcpServers\": {\"vm\": {\"command\": \"vm-snapshot-mcp-server\"}, \"snapshot\": {\"command\": \"cam\"}}}");
    assert_int_equal(connect_to(&p, "claude-code", "--replace"), EXIT_DONE);
    assert_said(got(&p, ".claude.json"), "\"vm\":");
    assert_said(got(&p, ".claude.json"), "\"snapshot\":");
    person_close(&p);
}

/* ---- looking only ---- */

TEST(a_dry_run_shows_the_entry_and_writes_nothing)
{
    struct person p;

    person_open(&p);
    put(&p, ".claude.json", "{}");
    assert_int_equal(connect_to(&p, "claude-code", "--dry-run"), EXIT_DONE);
    assert_string_equal(p.home.out, "Would add snapshots to ~/.claude.json\n"
                                    "  \"snapshots\": {\"type\":\"http\",\"url\":\"" URL "\"}\n");
    assert_string_equal(got(&p, ".claude.json"), "{}");
    assert_int_equal(connect_to(&p, "claude-desktop", "--dry-run"), EXIT_DONE);
    assert_int_equal(connect_to(&p, "cursor", "--dry-run"), EXIT_NOT_FOUND); /* what would fail does */
    assert_false(is_there(&p, ".config"));
    assert_false(is_there(&p, ".gatehouse"));
    assert_false(is_there(&p, ".claude.json.backup"));
    person_close(&p);
}

TEST(programs_get_json)
{
    struct person p;

    person_open(&p);
    put(&p, ".claude.json", "{}");
    assert_int_equal(connect_to(&p, "claude-code", "--json"), EXIT_DONE);
    yyjson_doc *doc  = yyjson_read(p.home.out, strlen(p.home.out), 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    assert_true(yyjson_equals_str(yyjson_obj_get(root, "client"), "claude-code"));
    assert_true(yyjson_equals_str(yyjson_obj_get(root, "file"), place(&p, ".claude.json")));
    assert_true(yyjson_equals_str(yyjson_obj_get(root, "backup"), place(&p, ".claude.json.backup")));
    assert_true(yyjson_get_bool(yyjson_obj_get(root, "changed")));
    yyjson_val *server = yyjson_arr_get_first(yyjson_obj_get(root, "servers"));
    assert_true(yyjson_equals_str(yyjson_obj_get(server, "is"), "added"));
    assert_true(yyjson_equals_str(yyjson_obj_get(yyjson_obj_get(server, "entry"), "url"), URL));
    yyjson_doc_free(doc);
    person_close(&p);
}

TEST(without_a_client_it_lists_them)
{
    struct person p;

    person_open(&p);
    assert_int_equal(connect_to(&p, "claude-code"), EXIT_DONE);
    directory(&p, ".cursor");
    put(&p, ".cursor/mcp.json", "{\"mcpServers\": {\"snapshot\": {\"env\": {\"SNAPSHOT_DB_PATH\": \"a\"}}}}");
    directory(&p, ".vscode");
    put(&p, ".vscode/mcp.json", "{");
    assert_int_equal(run_words(&p.home, (const char *const[]){"connect", NULL}), EXIT_DONE);
    assert_said(p.home.out, "claude-desktop  no file yet");
    assert_said(p.home.out, "claude-code     snapshots ");
    assert_said(p.home.out, "~/.claude.json");
    assert_said(p.home.out, "cursor          -; old: snapshot");
    assert_said(p.home.out, "vscode          wrong");
    assert_said(p.home.out, "is no JSON");
    assert_int_equal(connect_to(&p, "--json"), EXIT_DONE);
    yyjson_doc *doc = yyjson_read(p.home.out, strlen(p.home.out), 0);
    assert_int_equal(yyjson_arr_size(yyjson_doc_get_root(doc)), 4);
    yyjson_val *code = yyjson_arr_get(yyjson_doc_get_root(doc), 1);
    assert_true(yyjson_equals_str(yyjson_arr_get_first(yyjson_obj_get(code, "servers")), "snapshots"));
    yyjson_doc_free(doc);
    person_close(&p);
}

/* ---- what is not as it should be ---- */

TEST(a_client_that_is_not_known_or_never_started_is_said)
{
    struct person p;

    person_open(&p);
    assert_int_equal(connect_to(&p, "curser"), EXIT_NOT_FOUND);
    assert_said(p.home.err, "did you mean \"cursor\"?");
    assert_int_equal(connect_to(&p, "cursor"), EXIT_NOT_FOUND);
    assert_said(p.home.err, "Cursor has no directory");
    assert_false(is_there(&p, ".cursor"));
    p.home.variable_too = NULL;
    assert_int_equal(connect_to(&p, "claude-code"), EXIT_NOT_FOUND);
    assert_said(p.home.err, "HOME");
    person_close(&p);
}

TEST(a_directory_that_may_not_be_written_leaves_all_as_it_was)
{
    struct person p;
    bool          root = geteuid() == 0; /* whom no mode stops */

    person_open(&p);
    directory(&p, ".cursor");
    put(&p, ".cursor/mcp.json", "{}");
    assert_int_equal(chmod(place(&p, ".cursor/mcp.json"), 0644), 0);
    assert_int_equal(chmod(place(&p, ".cursor"), 0555), 0);
    if (root) {
        assert_int_equal(chown(p.home.path, 65534, 65534), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    int code = connect_to(&p, "cursor");
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(code, EXIT_NOT_ALLOWED);
    assert_said(p.home.err, "keeping ");
    assert_string_equal(p.home.out, "");
    assert_string_equal(got(&p, ".cursor/mcp.json"), "{}");
    assert_int_equal(chmod(place(&p, ".cursor"), 0755), 0);
    person_close(&p);
}

TEST(a_link_stays_and_what_it_leads_to_is_changed)
{
    struct person p;
    struct stat   info;

    person_open(&p);
    put(&p, "real.json", "{}");
    assert_int_equal(symlink("real.json", place(&p, ".claude.json")), 0);
    assert_int_equal(connect_to(&p, "claude-code"), EXIT_DONE);
    assert_int_equal(lstat(place(&p, ".claude.json"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_said(got(&p, "real.json"), URL);
    person_close(&p);
}
