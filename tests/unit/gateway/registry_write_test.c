#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "gateway/registry/registry.h"
#include "test.h"

struct home {
    char directory[64];
    char path[80];
};

static struct home
make_home(const char *text)
{
    struct home  h   = {.directory = "/tmp/gatehouse-write.XXXXXX"};
    struct error err = {0};

    assert_non_null(mkdtemp(h.directory));
    snprintf(h.path, sizeof h.path, "%s/mcp.json", h.directory);
    if (text != NULL)
        assert_true(file_replace(h.path, str_from(text), 0600, &err));
    return h;
}

static void
remove_home(struct home *h)
{
    char lock[96];

    snprintf(lock, sizeof lock, "%s.lock", h->path);
    unlink(lock);
    unlink(h->path);
    assert_int_equal(rmdir(h->directory), 0); /* nothing else was left behind */
}

static void
assert_file(const struct home *h, const char *wanted)
{
    struct buffer text = {.max = MIB(1)};
    struct error  err  = {0};

    assert_true(file_read(h->path, &text, &err));
    if (!str_eq(buffer_str(&text), str_from(wanted)))
        fail_msg("got:\n%.*s\nwanted:\n%s", STR_ARG(buffer_str(&text)), wanted);
    buffer_clear(&text);
}

TEST(the_first_server_makes_the_file)
{
    struct home  h   = make_home(NULL);
    struct error err = {0};
    struct stat  info;

    assert_true(registry_add(h.path, STR("files"),
                             STR("{\"type\":\"stdio\",\"command\":\"npx\",\"args\":[\"-y\",\"p\"]}"), &err));
    assert_file(&h,
                "{\n  \"mcpServers\": {\n    \"files\": {\n      \"type\": \"stdio\",\n      \"command\": \"npx\",\n"
                "      \"args\": [\"-y\", \"p\"]\n    }\n  }\n}\n");
    assert_int_equal(stat(h.path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_true(registry_remove(h.path, STR("files"), &err));
    assert_file(&h, "{\n  \"mcpServers\": {}\n}\n");
    remove_home(&h);
}

TEST(a_server_joins_the_object_that_is_there)
{
    static const char *const texts[][2] = {
        {"{}", "{\n  \"mcpServers\": {\n    \"a\": {\n      \"url\": \"http://h/\"\n    }\n  }\n}"},
        {"// mine", "// mine\n{\n  \"mcpServers\": {\n    \"a\": {\n      \"url\": \"http://h/\"\n    }\n  }\n}\n"},
        {"{\n    \"inputs\": []\n}\n", "{\n    \"inputs\": [],\n    \"mcpServers\": {\n        \"a\": {\n            "
                                       "\"url\": \"http://h/\"\n        }\n    }\n}\n"},
        {"{\"servers\":{}, \"x\": 1}", "{\"servers\":{\"a\":{\"url\":\"http://h/\"}}, \"x\": 1}"},
        {"{\"servers\": {}, \"mcpServers\": {}}",
         "{\"servers\": {}, \"mcpServers\": {\"a\": {\"url\": \"http://h/\"}}}"},
        {"\xEF\xBB\xBF{\"servers\": {}}\r\n", "\xEF\xBB\xBF{\"servers\": {\"a\": {\"url\": \"http://h/\"}}}\r\n"},
    };
    struct error err = {0};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct home h = make_home(texts[i][0]);
        assert_true(registry_add(h.path, STR("a"), STR("{\"url\": \"http://h/\"}"), &err));
        assert_file(&h, texts[i][1]);
        remove_home(&h);
    }
}

#define BEFORE                                                                                                         \
    "{\n\t// ours\n\t\"servers\": {\n\t\t\"a\": {\n\t\t\t\"url\": \"http://a/\", // why\n\t\t\t\"gallery\": "          \
    "true,\n\t\t},\n"                                                                                                  \
    "\t\t\"old one\": {\"command\": \"x\"}, // b\n\t\t\"c\": {\"command\": \"x\", \"disabled\": true}\n\t}\n}\n"

TEST(a_change_leaves_what_it_does_not_name)
{
    struct home  h   = make_home(BEFORE);
    struct error err = {0};

    assert_true(registry_change(h.path, STR("a"),
                                STR("{\"url\": \"http://b/\", \"headers\": {\"A\": \"1\"}, \"timeout\": 10}"), &err));
    assert_file(
        &h,
        "{\n\t// ours\n\t\"servers\": {\n\t\t\"a\": {\n\t\t\t\"url\": \"http://b/\", // why\n\t\t\t\"gallery\": true,\n"
        "\t\t\t\"headers\": {\n\t\t\t\t\"A\": \"1\"\n\t\t\t},\n\t\t\t\"timeout\": 10,\n\t\t},\n"
        "\t\t\"old one\": {\"command\": \"x\"}, // b\n\t\t\"c\": {\"command\": \"x\", \"disabled\": true}\n\t}\n}\n");
    assert_true(registry_change(
        h.path, STR("a"), STR("{\"url\": \"http://a/\", \"headers\": null, \"timeout\": null, \"cwd\": null}"), &err));
    assert_file(&h, BEFORE);
    assert_true(registry_change(h.path, STR("c"), STR("{\"enabled\": true}"), &err));
    assert_true(registry_remove(h.path, STR("old one"), &err));
    assert_true(registry_replace(h.path, STR("a"), STR("{\"command\": \"y\"}"), &err));
    assert_file(&h, "{\n\t// ours\n\t\"servers\": {\n\t\t\"a\": {\n\t\t\t\"command\": \"y\"\n\t\t},\n"
                    "\t\t// b\n\t\t\"c\": {\"command\": \"x\", \"disabled\": false}\n\t}\n}\n");
    remove_home(&h);
}

TEST(what_would_be_wrong_is_not_written)
{
    struct home  h   = make_home(BEFORE);
    struct error err = {0};

    assert_false(registry_add(h.path, STR("a"), STR("{\"command\": \"x\"}"), &err));
    assert_int_equal(err.code, ERROR_EXISTS);
    assert_string_equal(err.text, "\"a\" is there already");
    assert_false(registry_remove(h.path, STR("b"), &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_false(registry_change(h.path, STR("b"), STR("{\"timeout\": 1}"), &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_false(registry_replace(h.path, STR("b"), STR("{}"), &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_false(registry_add(h.path, STR("b c"), STR("{\"command\": \"x\"}"), &err));
    assert_string_equal(err.text, "a name may not hold a space: rename it to \"b-c\"");
    assert_false(registry_add(h.path, STR("b"), STR("{\"type\": \"http\"}"), &err));
    assert_string_equal(err.text, "a server of type http needs \"url\": add \"url\": \"http://…/mcp\"");
    assert_false(registry_add(h.path, STR("b"), STR("{\"command\": \"x\", \"env\": {\"A\": \"${input:key}\"}}"), &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.text,
                        "${input:key} would ask you, and nobody is there to answer: write ${env:NAME} and set "
                        "NAME where Gatehouse starts, or use envFile");
    assert_false(registry_change(h.path, STR("a"), STR("{\"headers\": {\"A\": \"-${command:x}\"}}"), &err));
    assert_string_equal(err.text, "${command:x} is the editor's and means nothing here: write the value itself");
    assert_false(registry_add(h.path, STR("b"), STR("{\"command\": "), &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_false(registry_change(h.path, STR("a"), STR("{}"), &err));
    assert_string_equal(err.text, "there is nothing to change");
    assert_false(registry_change(h.path, STR("a"), STR("{\"url\": null, \"command\": \"x\"}"), &err));
    assert_string_equal(err.text, "a server's type can't change: remove it and add it again");
    assert_false(registry_change(h.path, STR("a"), STR("{\"url\": \"nonsense\"}"), &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_file(&h, BEFORE);
    remove_home(&h);

    h = make_home("{\"servers\": {");
    assert_false(registry_add(h.path, STR("b"), STR("{\"command\": \"x\"}"), &err));
    assert_int_equal(strncmp(err.text, "mcp.json:1:", 11), 0);
    assert_file(&h, "{\"servers\": {");
    remove_home(&h);
}

TEST(variables_need_not_be_set_where_a_server_is_added)
{
    struct home  h   = make_home("{\"servers\":{}}");
    struct error err = {0};

    assert_true(
        registry_add(h.path, STR("a"), STR("{\"url\":\"http://${HOST_}/\",\"headers\":{\"A\":\"${NONE}\"}}"), &err));
    assert_file(&h, "{\"servers\":{\"a\":{\"url\":\"http://${HOST_}/\",\"headers\":{\"A\":\"${NONE}\"}}}}");
    remove_home(&h);
}

enum { PROCESSES = 4, SERVERS_EACH = 15 };

/* Another process that adds servers. */
static void
add_many(const char *path, int process)
{
    struct error err = {0};
    char         name[32];

    for (int i = 0; i < SERVERS_EACH; i++) {
        snprintf(name, sizeof name, "s%d-%d", process, i);
        if (!registry_add(path, str_from(name), STR("{\"command\": \"x\"}"), &err)) {
            fprintf(stderr, "%s: %s\n", name, err.text);
            _exit(1);
        }
    }
    _exit(0);
}

TEST(no_update_is_lost_between_processes)
{
    struct home h = make_home("{\n  \"mcpServers\": {}\n}\n");
    pid_t       children[PROCESSES];
    int         status = 0;

    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            add_many(h.path, i);
    }
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    struct registry *r = registry_load(&(struct registry_source){.path = h.path}, NULL);
    assert_int_equal(r->count, PROCESSES * SERVERS_EACH);
    for (size_t i = 0; i < r->count; i++)
        assert_string_equal(r->entries[i].error, "");
    registry_unref(r);
    remove_home(&h);
}

static bool
is_still_empty(void *arg)
{
    struct home  *h   = arg;
    struct error  err = {0};
    struct buffer now = {.max = MIB(1)};

    assert_true(file_read(h->path, &now, &err));
    bool same = str_eq(buffer_str(&now), STR("{}"));
    buffer_clear(&now);
    return same;
}

TEST(a_file_that_changed_meanwhile_is_not_replaced)
{
    struct home  h   = make_home("{ }");
    struct error err = {0};

    assert_false(file_replace_if(h.path, STR("new"), 0600, is_still_empty, &h, &err));
    assert_int_equal(err.code, ERROR_BUSY);
    assert_file(&h, "{ }");
    assert_true(file_replace(h.path, STR("{}"), 0600, &err));
    assert_true(file_replace_if(h.path, STR("new"), 0600, is_still_empty, &h, &err));
    assert_file(&h, "new");
    remove_home(&h);
}

/* In the place of libc's: a person saves an edit while ours is on its way, between its reading and its renaming. */
static const struct home *edited;

int
fsync(int fd)
{
    const struct home *h   = edited;
    struct error       err = {0};

    edited = NULL;
    if (h != NULL)
        assert_true(
            file_replace(h->path, STR("{\"mcpServers\": {\"by-hand\": {\"url\": \"http://h/\"}}}"), 0600, &err));
    return (int)syscall(SYS_fsync, fd);
}

TEST(an_edit_by_hand_that_comes_between_is_kept)
{
    struct home  h   = make_home("{\"mcpServers\": {}}");
    struct error err = {0};

    edited = &h;
    assert_true(registry_add(h.path, STR("ours"), STR("{\"command\": \"x\"}"), &err));
    struct registry *r = registry_load(&(struct registry_source){.path = h.path}, NULL);
    assert_int_equal(r->count, 2);
    assert_non_null(registry_find(r, STR("by-hand")));
    assert_non_null(registry_find(r, STR("ours")));
    registry_unref(r);
    remove_home(&h);
}

#define OFF                                                                                                            \
    "{\n  \"mcpServers\": {\n    \"snapshots\": {\n      \"type\": \"built-in\",\n      \"enabled\": false\n    }\n  " \
    "}\n}\n"

TEST(what_is_built_in_is_removed_by_an_entry_and_added_by_taking_it_away)
{
    struct home  h   = make_home(NULL);
    struct error err = {0};

    assert_false(registry_add(h.path, STR("snapshots"), STR("{}"), &err));
    assert_int_equal(err.code, ERROR_EXISTS);
    assert_true(registry_remove(h.path, STR("snapshots"), &err));
    assert_file(&h, OFF);
    assert_false(registry_remove(h.path, STR("snapshots"), &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_string_equal(err.text, "\"snapshots\" is built in, and removed already");
    assert_true(registry_add(h.path, STR("snapshots"), STR("{\"type\": \"built-in\"}"), &err));
    assert_file(&h, "{\n  \"mcpServers\": {}\n}\n");
    assert_true(registry_remove(h.path, STR("snapshots"), &err));
    assert_true(registry_add(h.path, STR("snapshots"), STR("{}"), &err));
    assert_file(&h, "{\n  \"mcpServers\": {}\n}\n");
    remove_home(&h);
}

TEST(a_persons_server_takes_the_place_of_what_is_built_in_and_gives_it_back)
{
    struct home  h   = make_home("{\"servers\": {}}");
    struct error err = {0};

    assert_true(registry_add(h.path, STR("snapshots"), STR("{\"url\":\"http://h/\"}"), &err));
    assert_false(registry_add(h.path, STR("snapshots"), STR("{}"), &err));
    assert_int_equal(err.code, ERROR_EXISTS);
    assert_true(registry_remove(h.path, STR("snapshots"), &err));
    assert_file(&h, "{\"servers\": {}}");
    assert_true(registry_remove(h.path, STR("snapshots"), &err));
    assert_true(registry_add(h.path, STR("snapshots"), STR("{\"url\":\"http://h/\"}"), &err));
    assert_file(&h, "{\"servers\": {\"snapshots\": {\"url\": \"http://h/\"}}}");
    remove_home(&h);
}

TEST(what_is_built_in_gets_an_entry_when_it_is_changed)
{
    struct home  h   = make_home("{\"servers\": {}} // mine");
    struct error err = {0};

    assert_true(registry_change(h.path, STR("snapshots"), STR("{\"timeout\": 10}"), &err));
    assert_file(&h, "{\"servers\": {\"snapshots\": {\"type\": \"built-in\", \"timeout\": 10}}} // mine");
    assert_true(registry_change(h.path, STR("snapshots"), STR("{\"enabled\": false, \"timeout\": null}"), &err));
    assert_file(&h, "{\"servers\": {\"snapshots\": {\"type\": \"built-in\", \"enabled\": false}}} // mine");
    assert_false(registry_change(h.path, STR("snapshots"), STR("{\"type\": \"http\", \"url\": \"http://h/\"}"), &err));
    assert_string_equal(err.text, "a server's type can't change: remove it and add it again");
    remove_home(&h);
}
