#include "gateway/registry/registry.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "test.h"

#define VARIABLE(text) ((char[]){text})

static struct registry *
parse_with(const char *text, char *const *environment, struct registry *previous)
{
    struct registry_source from = {.path = "/home/ada/.gatehouse/mcp.json", .environment = environment};
    struct registry       *r    = registry_parse(&from, str_from(text), previous);

    assert_non_null(r);
    return r;
}

static struct registry *
parse(const char *text)
{
    static char *const environment[] = {NULL};

    return parse_with(text, environment, NULL);
}

/* The error of the entry "a" whose value is `value`. */
static void
check_error(const char *value, const char *wanted)
{
    char text[2000];

    snprintf(text, sizeof text, "{\"mcpServers\": {\n\"a\": %s,\n\"good\": {\"url\": \"http://g/\"}}}", value);
    struct registry           *r = parse(text);
    const struct server_entry *e = registry_find(r, STR("a"));
    assert_non_null(e);
    assert_string_equal(e->error, wanted);
    assert_int_equal(e->kind, wanted[0] == '\0' ? SERVER_STDIO : SERVER_WRONG);
    assert_int_equal(registry_find(r, STR("good"))->kind, SERVER_HTTP);
    registry_unref(r);
}

TEST(the_form_of_fiberplane)
{
    struct registry *r =
        parse("{\"mcpServers\": {\"weather\": {\"type\": \"http\", \"url\": \"http://localhost:9000/mcp\","
              " \"headers\": {\"X-Team\": \"a\", \"authorization\": \"Bearer b\"}},\n"
              "\"files\": {\"type\": \"stdio\", \"command\": \"npx\", \"args\": [\"-y\", \"p\"], \"env\": {\"A\": "
              "\"1\", \"B\": 2},"
              " \"cwd\": \"/tmp\", \"timeout\": 1500, \"sessionMode\": \"isolated\", \"enabled\": false}}}");

    assert_int_equal(r->file_error.code, ERROR_NONE);
    assert_int_equal(r->count, 2);
    const struct server_entry *http = registry_find(r, STR("weather")), *files = registry_find(r, STR("files"));
    assert_int_equal(http->kind, SERVER_HTTP);
    assert_str(http->url, "http://localhost:9000/mcp");
    assert_int_equal(http->address.port, 9000);
    assert_true(http->enabled && http->timeout == SECONDS(30) && http->line == 1 && files->line == 2);
    assert_int_equal(http->header_count, 2);
    assert_false(http->headers[0].secret);
    assert_true(http->headers[1].secret);
    assert_int_equal(files->kind, SERVER_STDIO);
    assert_string_equal(files->argv[0], "npx");
    assert_string_equal(files->argv[2], "p");
    assert_null(files->argv[3]);
    assert_int_equal(files->env_count, 2);
    assert_str(files->env[1].value, "2");
    assert_string_equal(files->cwd, "/tmp");
    assert_true(files->isolated && !files->enabled && files->timeout == MILLISECONDS(1500));
    assert_ptr_equal(files->written, files);
    assert_null(registry_find(r, STR("Files")));
    assert_ptr_equal(registry_nearest(r, STR("wheather")), http);
    registry_unref(r);
}

TEST(the_forms_of_claude_cursor_and_vs_code)
{
    struct registry *r = parse("// mine\n{ \"$schema\": \"x\", \"inputs\": [],\n"
                               "  \"servers\": { /* VS Code */\n"
                               "    \"a\": {\"command\": \"x\", \"autoApprove\": [\"y\"], \"description\": \"z\",},\n"
                               "    \"b\": {\"url\": \"https://h.example/mcp\", \"disabled\": true},\n"
                               "    \"c\": {\"type\": \"streamable-http\", \"url\": \"http://h/\"},\n"
                               "    \"d\": {\"type\": \"streamableHttp\", \"url\": \"http://h/1\"},\n  },\n"
                               "  \"mcpServers\": {\"e\": {\"command\": \"x\"}}\n}");

    assert_int_equal(r->file_error.code, ERROR_NONE);
    assert_int_equal(r->count, 5);
    for (size_t i = 0; i < r->count; i++) {
        assert_string_equal(r->entries[i].error, "");
        assert_string_equal(r->entries[i].note, "");
        assert_int_equal(r->entries[i].kind, i == 0 || i == 4 ? SERVER_STDIO : SERVER_HTTP);
        assert_int_equal(r->entries[i].enabled, i != 1);
    }
    assert_int_equal(registry_find(r, STR("c"))->line, 6);
    registry_unref(r);
}

TEST(what_is_wrong_with_an_entry_is_said_with_line_and_mend)
{
    check_error("{\"type\": \"sse\"}", "mcp.json:2 a server of type http needs \"url\": add \"url\": \"http://…/mcp\"");
    check_error(
        "{}", "mcp.json:2 neither \"url\" nor \"command\" is there: add \"url\": \"http://…/mcp\", or \"command\" and "
              "\"args\"");
    check_error("{\"url\": \"http://h/\", \"command\": \"x\"}",
                "mcp.json:2 there are both \"url\" and \"command\": keep the one that is meant, or say it by \"type\"");
    check_error("[]", "mcp.json:2 a server must be an object, like {\"url\": \"http://localhost:9000/mcp\"}");
    check_error("{\n\"type\": \"grpc\"}", "mcp.json:3 this \"type\" is unknown: write \"http\", \"sse\" or \"stdio\"");
    check_error("{\"type\": 1500, \"command\": \"x\"}",
                "mcp.json:2 this \"type\" is unknown: write \"http\", \"sse\" or \"stdio\"");
    check_error("{\"type\": \"http\"}",
                "mcp.json:2 a server of type http needs \"url\": add \"url\": \"http://…/mcp\"");
    check_error("{\"command\": \"x\",\n\n\"timeout\": \"30\"}",
                "mcp.json:4 \"timeout\" must be milliseconds, a whole number from 1 to 86400000 without quotes");
    check_error("{\"command\": \"x\", \"sessionMode\": 1}",
                "mcp.json:2 \"sessionMode\" must be \"shared\" or \"isolated\"");
    check_error("{\"command\": \"x\", \"enabled\": \"no\"}",
                "mcp.json:2 \"enabled\" must be true or false, without quotes");
    check_error("{\"command\": \"x\", \"args\": \"y\"}",
                "mcp.json:2 \"args\" must be a list of texts, like [\"-y\", \"a-package\"]");
    check_error("{\"command\": \"x\", \"args\": [1]}",
                "mcp.json:2 each of \"args\" must be a text: write it in quotes");
    check_error("{\"command\": \"x\", \"env\": {\"A\": []}}",
                "mcp.json:2 \"A\" in \"env\" must be a text: write it in quotes");
    check_error("{\"command\": \"x\\u0000\"}", "mcp.json:2 this may not hold a NUL character: remove \\u0000");
    check_error("{\"command\": \"x\",\n\"command\": \"y\"}",
                "mcp.json:2 \"command\" stands twice in this entry, again in line 3: remove one");
    check_error("{\"url\": \"http://h/\", \"headers\": {\"Host\": \"x\"}}",
                "mcp.json:2 Gatehouse sets the header Host itself: remove it here");
    check_error("{\"url\": \"http://h/\", \"headers\": {\"A\": \"b\\nc\"}}",
                "mcp.json:2 the value of the header A holds a line end or control character: remove it");
    check_error(
        "{\"url\": \"http://h/\", \"headers\": {\"A\": \"${input:key}\"}}",
        "mcp.json:2 ${input:key} would ask you, and nobody is there to answer: write ${env:NAME} and set NAME where "
        "Gatehouse starts, or use envFile");
    check_error("{\"command\": \"x\", \"cwd\": \"${workspaceFolder}/x\"}",
                "mcp.json:2 ${workspaceFolder} is the editor's and means nothing here: write the value itself");
    check_error("{\"command\": \"${TOOL}\"}",
                "mcp.json:2 the variable TOOL is not set: set it where Gatehouse starts, or write ${TOOL:-default}");
    check_error("{\"command\": \"x\", \"args\": [\"${TOOL:-}\"]}", "");
    check_error("{\"command\": \"x\", \"args\": null, \"env\": null, \"timeout\": null}", "");

    struct registry *r = parse("{\"mcpServers\": {\"a\": {\"url\": \"ftp://x\"}}}");
    assert_int_equal(strncmp(r->entries[0].error, "mcp.json:1 url: ", 16), 0);
    registry_unref(r);
}

TEST(a_wrong_name_gets_one_that_would_do)
{
    static const char *const names[][2] = {
        {"old one", "a name may not hold a space: rename it to \"old-one\""},
        {"a/b", "a name may hold only letters, digits, - and _: rename it to \"a-b\""},
        {" x ", "a name may not hold a space: rename it to \"x\""},
        {"", "a name may not be empty: call it \"server\""},
        {"\xC3\xA9", "a name may not hold letters beyond a-z: rename it to \"server\""},
        {"..", "a name may hold only letters, digits, - and _: rename it to \"server\""},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
         "a name may have at most 64 letters: shorten it, for instance to "
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""},
    };
    struct error err = {0};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_false(registry_check_name(str_from(names[i][0]), &err));
        assert_string_equal(err.text, names[i][1]);
    }
    assert_true(registry_check_name(STR("aZ09_-"), &err));

    struct registry *r =
        parse("{\"mcpServers\": {\n\"old one\": {\"command\": \"x\"},\n\"ok\": {\"command\": \"x\"}}}");
    assert_string_equal(registry_find(r, STR("old one"))->error,
                        "mcp.json:2 a name may not hold a space: rename it to \"old-one\"");
    assert_string_equal(registry_find(r, STR("ok"))->error, "");
    registry_unref(r);
}

TEST(a_second_entry_of_a_name_is_listed_as_wrong_and_the_first_works)
{
    struct registry *r = parse("{\"mcpServers\": {\n\"a\": {\"command\": \"x\"},\n\"a\": {\"command\": \"y\"}},\n"
                               "\"servers\": {\"\\u0061\": {\"command\": \"z\"}}}");

    assert_int_equal(r->count, 3);
    assert_string_equal(registry_find(r, STR("a"))->argv[0], "x");
    assert_string_equal(r->entries[1].error,
                        "mcp.json:3 \"a\" is there already, in line 2: rename or remove one of the two");
    assert_string_equal(r->entries[2].error,
                        "mcp.json:4 \"a\" is there already, in line 2: rename or remove one of the two");
    assert_int_equal(r->entries[2].kind, SERVER_WRONG);
    registry_unref(r);
}

TEST(what_is_odd_but_works_is_noted)
{
    struct registry *r =
        parse("{\"mcpServers\": {\n\"files\": {\"command\": \"x\", \"evn\": {}},\n\"Files\": {\"command\": \"y\"},\n"
              "\"a\": {\"url\": \"http://Host:80/mcp\"},\n\"b\": {\"url\": \"http://host/mcp/\"},\n"
              "\"c\": {\"command\": \"y\", \"timeout\": 60}}}");

    assert_string_equal(r->entries[0].note, "\"evn\" is not read; did you mean \"env\"?");
    assert_string_equal(r->entries[1].note, "only the case tells it from \"files\" in line 2");
    assert_string_equal(r->entries[3].note, "\"a\" in line 4 has the same URL");
    assert_string_equal(r->entries[4].note, "timeout is in milliseconds: 60 is 60 ms");
    for (size_t i = 0; i < r->count; i++)
        assert_string_equal(r->entries[i].error, "");
    assert_ptr_equal(registry_find_url(r, STR("HTTP://HOST/mcp")), &r->entries[2]);
    assert_null(registry_find_url(r, STR("https://host/mcp")));
    assert_null(registry_find_url(r, STR("nonsense")));
    registry_unref(r);
}

TEST(variables_come_from_our_environment_and_are_secret)
{
    char            *environment[] = {VARIABLE("TOKEN=t0k"), VARIABLE("HOME=/home/ada"), VARIABLE("EMPTY="), NULL};
    struct registry *r = parse_with("{\"servers\": {\"a\": {\"url\": \"http://${HOSTNAME_:-h}/${env:TOKEN}\", "
                                    "\"headers\": {\"X-A\": \"b ${TOKEN} c\", \"X-B\": \"d\"}},\n"
                                    "\"b\": {\"command\": \"~/bin/x\", \"args\": [\"${EMPTY}\", \"${EMPTY:-e}\", "
                                    "\"${userHome}/y\", \"$TOKEN ${1} ${x\"], \"cwd\": \"~\","
                                    " \"env\": {\"P\": \"${env:TOKEN}\"}}}}",
                                    environment, NULL);
    const struct server_entry *a = &r->entries[0], *b = &r->entries[1];

    assert_string_equal(a->error, "");
    assert_str(a->url, "http://h/t0k");
    assert_str(a->headers[0].value, "b t0k c");
    assert_true(a->headers[0].secret && !a->headers[1].secret);
    assert_str(a->written->url, "http://${HOSTNAME_:-h}/${env:TOKEN}");
    assert_str(a->written->headers[0].value, "b ${TOKEN} c");
    assert_string_equal(a->written->error, "");
    assert_string_equal(b->argv[0], "/home/ada/bin/x");
    assert_string_equal(b->argv[1], "");
    assert_string_equal(b->argv[2], "e");
    assert_string_equal(b->argv[3], "/home/ada/y");
    assert_string_equal(b->argv[4], "$TOKEN ${1} ${x");
    assert_string_equal(b->cwd, "/home/ada");
    assert_true(b->env[0].secret);
    registry_unref(r);
}

TEST(an_env_file_comes_before_env)
{
    char          directory[] = "/tmp/gatehouse-registry.XXXXXX";
    char          path[64], env[64];
    char         *environment[] = {VARIABLE("PATH=/bin"),
                                   VARIABLE("AWS_SECRET_ACCESS_KEY=x"),
                                   VARIABLE("https_proxy=p"),
                                   VARIABLE("XDG_RUNTIME_DIR=/r"),
                                   VARIABLE("LANG=C"),
                                   VARIABLE("odd"),
                                   NULL};
    struct error  err           = {0};
    struct arena *arena         = arena_new(KIB(4), KIB(64));

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/mcp.json", directory);
    snprintf(env, sizeof env, "%s/my.env", directory);
    assert_true(file_replace(env, STR("# c\n\nA=1\nexport B = \"two \\\"x\\\"\"\r\nC='$x' \nD=d # why\nLANG=de\n"),
                             0600, &err));
    assert_true(file_replace(
        path,
        STR("{\"servers\": {\"a\": {\"command\": \"x\", \"envFile\": \"my.env\", \"env\": {\"A\": \"9\"}},\n"
            "\"b\": {\"command\": \"x\", \"envFile\": \"none.env\"}}}"),
        0600, &err));
    struct registry_source     from = {path, environment};
    struct registry           *r    = registry_load(&from, NULL);
    const struct server_entry *a    = registry_find(r, STR("a"));
    assert_string_equal(a->error, "");
    assert_int_equal(r->file_count, 2);
    assert_string_equal(r->files[0], env);
    assert_int_equal(strncmp(registry_find(r, STR("b"))->error, "mcp.json:2 envFile: ", 20), 0);

    char *const             *all      = server_entry_environment(a, environment, arena);
    static const char *const wanted[] = {
        "PATH=/bin", "https_proxy=p", "XDG_RUNTIME_DIR=/r", "B=two \"x\"", "C=$x", "D=d", "LANG=de", "A=9"};
    assert_non_null(all);
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(all[i], wanted[i]);
    assert_null(all[8]);
    assert_int_equal(a->written->env_count, 1);
    assert_string_equal(a->written->env_file, "my.env");
    registry_unref(r);

    assert_true(file_replace(env, STR("A=1\nwhat is this\n"), 0600, &err));
    r = registry_load(&from, NULL);
    assert_true(str_find(str_from(registry_find(r, STR("a"))->error), STR("mcp.json:1 line 2 of the envFile ")) == 0);
    registry_unref(r);
    arena_free(arena);
    unlink(env);
    unlink(path);
    rmdir(directory);
}

TEST(a_broken_file_keeps_the_last_good_entries)
{
    struct registry *good  = parse("{\"mcpServers\": {\"a\": {\"command\": \"x\"}}}");
    struct registry *bad   = parse_with("{\"mcpServers\": {\n  \"a\": {\"command\": x}}}", NULL, good);
    struct registry *worse = parse_with("[]", NULL, bad);

    registry_unref(good);
    assert_int_equal(bad->file_error.code, ERROR_INVALID);
    assert_int_equal(strncmp(bad->file_error.text, "mcp.json:2:20 this is no JSON: ", 31), 0);
    registry_unref(bad);
    assert_int_equal(worse->count, 1);
    assert_string_equal(registry_find(worse, STR("a"))->argv[0], "x");
    assert_string_equal(worse->file_error.text, "mcp.json:1:1 the file must be an object: {\"mcpServers\": { … }}");
    registry_unref(worse);
}

TEST(servers_in_the_wrong_place_are_no_empty_registry)
{
    static const char *const texts[][2] = {
        {"{\"servers\": [{\"name\": \"a\"}]}",
         "mcp.json:1:13 this must be an object of servers by name: {\"files\": {\"command\": \"…\"}}"},
        {"{\"mcpservers\": {}}", "mcp.json:1:2 did you mean \"mcpServers\"? Rename it"},
        {"{\"a\": {\"command\": \"x\"}}",
         "mcp.json:1:2 a server stands directly in the file: put it into {\"mcpServers\": { … }}"},
    };
    static const char *const empty[] = {
        "", "\n", "// none\n", "{}", "{\"mcpServers\": {}}", "\xEF\xBB\xBF{}", "{\"globalShortcut\": \"x\"}"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct registry *r = parse(texts[i][0]);
        assert_string_equal(r->file_error.text, texts[i][1]);
        registry_unref(r);
    }
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        struct registry *r = parse(empty[i]);
        assert_string_equal(r->file_error.text, "");
        assert_int_equal(r->count, 0);
        registry_unref(r);
    }
    struct registry *marks = parse("\xEF\xBB\xBF\xEF\xBB\xBF"); /* one byte order mark is enough */
    assert_int_equal(strncmp(marks->file_error.text, "mcp.json:1:4 this is no JSON: ", 30), 0);
    registry_unref(marks);
    struct registry *none = registry_load(&(struct registry_source){.path = "/nonexistent/mcp.json"}, NULL);
    assert_int_equal(none->file_error.code, ERROR_NONE);
    registry_unref(none);
    struct registry *directory = registry_load(&(struct registry_source){.path = "/tmp"}, NULL);
    assert_int_not_equal(directory->file_error.code, ERROR_NONE);
    registry_unref(directory);
}

TEST(the_fingerprint_tells_what_matters)
{
    struct registry         *r        = parse("{\"mcpServers\": {\"a\": {\"command\": \"x\", \"args\": [\"1\"]}}}");
    static const char *const others[] = {
        "{\"command\": \"y\", \"args\": [\"1\"]}",
        "{\"command\": \"x\", \"args\": [\"2\"]}",
        "{\"command\": \"x\", \"args\": [\"1\"], \"env\": {\"A\": \"\"}}",
        "{\"command\": \"x\", \"args\": [\"1\"], \"cwd\": \"/\"}",
        "{\"command\": \"x\", \"args\": [\"1\"], \"timeout\": 1000}",
        "{\"command\": \"x\", \"args\": [\"1\"], \"sessionMode\": \"isolated\"}",
        "{\"command\": \"x\", \"args\": [\"1\"], \"enabled\": false}",
    };
    char text[300];

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(text, sizeof text, "{\"mcpServers\": {\"a\": %s}}", others[i]);
        struct registry *other = parse(text);
        assert_string_equal(other->entries[0].error, "");
        assert_true(other->entries[0].fingerprint != r->entries[0].fingerprint);
        registry_unref(other);
    }
    struct registry *same =
        parse("\n{\"servers\": { \"a\": {\"type\": \"stdio\", \"args\": [\"1\"], /* c */ \"command\": \"x\"}}}");
    assert_true(same->entries[0].fingerprint == r->entries[0].fingerprint);
    registry_unref(same);
    registry_unref(r);
}

TEST(credentials_are_known_by_their_names)
{
    static const char *const secret[] = {"Authorization", "cookie",      "X-Api-Key",    "OPENAI_API_KEY",
                                         "github_token",  "DB_PASSWORD", "client-secret"};
    static const char *const plain[]  = {"X-Team", "PATH", "Accept", "DEBUG"};

    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
        assert_true(registry_name_is_secret(str_from(secret[i])));
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        assert_false(registry_name_is_secret(str_from(plain[i])));
}

TEST(what_is_printed_is_read_back_the_same)
{
    struct registry *r   = parse("{\"mcpServers\": {\"a\": {\"command\": \"x\", \"args\": [\"\\\"\", \"b\"], \"env\": "
                                   "{\"A\": \"1\"}, \"cwd\": \"/t\","
                                   " \"timeout\": 5, \"sessionMode\": \"isolated\", \"disabled\": true},\n"
                                   "\"b\": {\"url\": \"http://h/\", \"headers\": {\"A\": \"b\"}}}}");
    struct buffer    out = {.max = KIB(4)};

    assert_true(buffer_append(&out, STR("{\"mcpServers\":{\"a\":")) && server_entry_print(&r->entries[0], &out) &&
                buffer_append(&out, STR(",\"b\":")) && server_entry_print(&r->entries[1], &out) &&
                buffer_append(&out, STR("}}\0")) && buffer_append_char(&out, '\0'));
    struct registry *again = parse(buffer_str(&out).data);
    assert_int_equal(again->count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(again->entries[i].fingerprint == r->entries[i].fingerprint);
    registry_unref(again);
    registry_unref(r);
    buffer_clear(&out);
}

TEST(a_file_that_is_suddenly_empty_ends_nothing)
{
    struct registry_source from = {.path = "mcp.json"};
    struct registry *first = registry_parse(&from, STR("{\"mcpServers\": {\"a\": {\"url\": \"http://h/\"}}}"), NULL);
    struct registry *next  = registry_parse(&from, STR(" \n"), first);
    struct registry *none  = registry_parse(&from, STR("{}"), first);
    struct registry *fresh = registry_parse(&from, STR(""), NULL);

    assert_int_equal(next->count, 1);
    assert_true(next->file_error.code != ERROR_NONE);
    assert_int_equal(none->count, 0);
    assert_int_equal(none->file_error.code, ERROR_NONE);
    assert_int_equal(fresh->file_error.code, ERROR_NONE);
    registry_unref(next);
    registry_unref(none);
    registry_unref(fresh);
    registry_unref(first);
}

TEST(a_file_that_cannot_be_read_keeps_the_servers_and_holds_them_once)
{
    struct registry_source from     = {.path = "/"}; /* a directory: it opens, and cannot be read */
    struct registry       *previous = parse("{\"mcpServers\": {\"a\": {\"url\": \"http://g/\"}}}");
    struct registry       *r        = registry_load(&from, previous);

    assert_non_null(r);
    assert_int_not_equal(r->file_error.code, ERROR_NONE);
    assert_non_null(registry_find(r, STR("a")));
    registry_unref(previous);
    registry_unref(r); /* what is left then is told by LeakSanitizer */
}

static struct registry *
parse_with_built_in(const char *text, struct registry *previous)
{
    static char *const           environment[] = {NULL};
    const struct registry_source from          = {.path = "mcp.json", .environment = environment, .has_built_in = true};
    struct registry             *r             = registry_parse(&from, str_from(text), previous);

    assert_non_null(r);
    return r;
}

TEST(what_is_built_in_is_there_without_an_entry)
{
    struct registry           *r = parse_with_built_in("{\"mcpServers\": {\"a\": {\"url\": \"http://h/\"}}}", NULL);
    const struct server_entry *e = registry_find(r, STR("snapshots"));

    assert_int_equal(r->count, 2);
    assert_int_equal(r->written, 1);
    assert_int_equal(registry_own(r), 1);
    assert_non_null(e);
    assert_int_equal(e->kind, SERVER_SERVICE);
    assert_true(e->enabled);
    assert_int_equal(e->line, 0);
    registry_unref(r);

    r = parse_with_built_in("", NULL);
    assert_int_equal(registry_find(r, STR("snapshots"))->kind, SERVER_SERVICE);
    registry_unref(r);
    r = parse_with_built_in("no JSON", NULL);
    assert_int_equal(r->file_error.code, ERROR_INVALID);
    assert_int_equal(registry_find(r, STR("snapshots"))->kind, SERVER_SERVICE);
    registry_unref(r);
    r = parse("{}");
    assert_null(registry_find(r, STR("snapshots")));
    registry_unref(r);
}

TEST(an_entry_says_otherwise_of_what_is_built_in)
{
    struct registry *bare = parse_with_built_in("{}", NULL);
    struct registry *said = parse_with_built_in("{\"mcpServers\": {\"snapshots\": {\"type\": \"built-in\"}}}", NULL);

    assert_int_equal(said->written, 1);
    assert_int_equal(registry_own(said), 0);
    assert_int_equal(registry_find(said, STR("snapshots"))->fingerprint,
                     registry_find(bare, STR("snapshots"))->fingerprint);
    registry_unref(said);

    said = parse_with_built_in("{\"servers\": {\"snapshots\": {\"enabled\": false, \"timeout\": 5}}}", bare);
    assert_int_equal(registry_find(said, STR("snapshots"))->kind, SERVER_SERVICE);
    assert_false(registry_find(said, STR("snapshots"))->enabled);
    assert_int_equal(registry_find(said, STR("snapshots"))->timeout, MILLISECONDS(5));
    registry_unref(said);

    said = parse_with_built_in("{\"servers\": {\"snapshots\": {\"url\": \"http://h/\"}}}", bare);
    assert_int_equal(registry_find(said, STR("snapshots"))->kind, SERVER_HTTP);
    assert_string_equal(registry_find(said, STR("snapshots"))->note,
                        "it stands in the place of the one that is built in");
    assert_int_equal(said->count, 1);
    registry_unref(said);
    registry_unref(bare);

    check_error("{\"type\": \"built-in\", \"url\": \"http://h/\"}",
                "mcp.json:2 what is built in has neither \"url\" nor \"command\": remove them, or the type");
    check_error("{\"type\": \"built-in\"}",
                "mcp.json:2 nothing of this name is built in: rename the entry, for instance to "
                "\"snapshots\", or write \"url\" or \"command\"");
}

TEST(a_file_that_is_emptied_is_no_change_but_of_one_that_had_nothing)
{
    struct registry *bare = parse_with_built_in("{}", NULL);
    struct registry *gone = parse_with_built_in("", bare);

    assert_int_equal(gone->file_error.code, ERROR_NONE);
    registry_unref(gone);
    registry_unref(bare);
}
