#include "base/settings.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "test.h"

/* A variable of an environment, which is not const in C. */
#define VARIABLE(text) ((char[]){text})

/* The error of reading `text`, or "". */
static const char *
yaml_error(struct settings *s, struct str text)
{
    static struct error err;

    err = (struct error){0};
    settings_clear(s);
    assert_true(settings_init(s, &err));
    settings_read_yaml(s, text, "gatehouse.yaml", &err);
    return err.text;
}

TEST(every_default_is_allowed_and_printed_as_it_is_written)
{
    struct settings s   = {0};
    struct error    err = {0};
    struct buffer   out = {.max = 256};

    assert_true(settings_init(&s, &err));
    for (const struct setting *setting = settings_table; setting->name != NULL; setting++) {
        buffer_reset(&out);
        assert_true(settings_print_value(&s, setting, &out));
        assert_true(str_eq(buffer_str(&out), str_from(setting->initial)));
        assert_true(setting->help != NULL && settings_find(str_from(setting->name), &err) == setting);
    }
    assert_int_equal(s.http.header_bytes, 65536);
    assert_int_equal(s.session.idle, MINUTES(10));
    assert_int_equal(s.retention.age, 30 * 24 * 60 * MINUTES(1));
    assert_int_equal(s.log.level, LOG_INFO);
    assert_int_equal(s.capture.on_full, ON_FULL_PASS);
    assert_true(s.http.peer_uid && !s.admin.mcp_commands);
    buffer_clear(&out);
    settings_clear(&s);
}

TEST(choices_are_in_the_order_of_their_enums)
{
    struct settings s = {0};

    assert_string_equal(yaml_error(&s, STR("log.level: debug\ncapture.on_full: refuse\n")), "");
    assert_int_equal(s.log.level, LOG_DEBUG);
    assert_int_equal(s.capture.on_full, ON_FULL_REFUSE);
    assert_string_equal(yaml_error(&s, STR("log.level: error\n")), "");
    assert_int_equal(s.log.level, LOG_ERROR);
    settings_clear(&s);
}

TEST(sizes_and_durations_have_units)
{
    uint64_t  bytes = 0;
    mono_time time  = 0;

    assert_true(size_parse(STR("64KiB"), &bytes) && bytes == 65536);
    assert_true(size_parse(STR(" 10 MiB "), &bytes) && bytes == 10485760);
    assert_true(size_parse(STR("5GiB"), &bytes) && bytes == 5ULL << 30);
    assert_true(size_parse(STR("512"), &bytes) && bytes == 512);
    assert_false(size_parse(STR("64KB"), &bytes));
    assert_false(size_parse(STR("1.5MiB"), &bytes));
    assert_false(size_parse(STR("99999999999TiB"), &bytes));
    assert_false(size_parse(STR("MiB"), &bytes));
    assert_true(duration_parse(STR("500ms"), &time) && time == 500000);
    assert_true(duration_parse(STR("10s"), &time) && time == SECONDS(10));
    assert_true(duration_parse(STR("10min"), &time) && time == MINUTES(10));
    assert_true(duration_parse(STR("2h"), &time) && time == MINUTES(120));
    assert_true(duration_parse(STR("0"), &time) && time == 0);
    assert_false(duration_parse(STR("10"), &time));
    assert_false(duration_parse(STR("-1s"), &time));
    assert_false(duration_parse(STR("200000000d"), &time));
}

TEST(the_file_may_nest_keys_or_dot_them)
{
    struct settings s = {0};

    assert_string_equal(yaml_error(&s, STR("# mine\nport: 4444\nhttp:\n  idle: 30s\n  peer_uid: off\n"
                                           "  allowed_hosts: [gate.example, 'b.example:8080']\nretention.age: 7d\n")),
                        "");
    assert_int_equal(s.port, 4444);
    assert_int_equal(s.http.idle, SECONDS(30));
    assert_false(s.http.peer_uid);
    assert_str(s.http.allowed_hosts, "gate.example,b.example:8080");
    assert_int_equal(s.retention.age, 7 * 1440 * MINUTES(1));
    assert_string_equal(yaml_error(&s, STR("http.allowed_hosts: ' a.example ,, b.example,'")), "");
    assert_str(s.http.allowed_hosts, "a.example,b.example");
    assert_string_equal(yaml_error(&s, STR("")), "");
    assert_string_equal(yaml_error(&s, STR("# nothing yet\n")), "");
    assert_string_equal(yaml_error(&s, STR("---\n...\n")), "");
    settings_clear(&s);
}

TEST(an_error_says_where_what_and_what_is_allowed)
{
    struct settings s = {0};

    assert_string_equal(
        yaml_error(&s, STR("port: 1\nhttp:\n  idle: 30\n")),
        "gatehouse.yaml:3 http.idle is \"30\"; it must be a duration like 500ms, 10s, 10min or 30d, from 1s "
        "to 1d");
    assert_string_equal(yaml_error(&s, STR("port: 70000\n")),
                        "gatehouse.yaml:1 port is \"70000\"; it must be a number from 0 to 65535");
    assert_string_equal(
        yaml_error(&s, STR("http.body_bytes: 1B")),
        "gatehouse.yaml:1 http.body_bytes is \"1B\"; it must be a size like 64KiB or 10MiB, from 1KiB to 1GiB");
    assert_string_equal(yaml_error(&s, STR("\nlog.level: loud")),
                        "gatehouse.yaml:2 log.level is \"loud\"; it must be error, warn, info or debug");
    assert_string_equal(yaml_error(&s, STR("http:\n  idel: 30s\n")),
                        "gatehouse.yaml:2: there is no setting \"http.idel\"; did you mean \"http.idle\"?");
    assert_string_equal(yaml_error(&s, STR("mumble: 1\n")),
                        "gatehouse.yaml:1: there is no setting \"mumble\"; all of them: gatehouse help settings");
    assert_string_equal(yaml_error(&s, STR("port: 1\nport: 2\n")),
                        "gatehouse.yaml:2 \"port\" stands here a second time (first in line 1): remove one");
    assert_string_equal(yaml_error(&s, STR("http: {idle: 2s}\nhttp.idle: 3s\n")),
                        "gatehouse.yaml:2 \"http.idle\" stands here a second time (first in line 1): remove one");
    assert_string_equal(yaml_error(&s, STR("home: /tmp\n")),
                        "gatehouse.yaml:1 home decides where this file is: set it by --home or the environment");
    assert_string_equal(yaml_error(&s, STR("http.idle: [1s, 2s]\n")),
                        "gatehouse.yaml:1 http.idle takes one value, no list");
    settings_clear(&s);
}

TEST(what_else_yaml_can_do_is_refused)
{
    static const char *const texts[] = {
        "port: &a 1\n",
        "port: *a\n",
        "port: !!int 1\n",
        "!x {port: 1}\n",
        "%YAML 1.1\n---\nport: 1\n",
        "port: 1\n---\nport: 2\n",
        "a: {b: {c: {d: {e: 1}}}}\n",
        "- port\n",
        "port\n",
        "? [a]\n: 1\n",
        "http.allowed_hosts: [{a: 1}]\n",
        "port: \"1\n",
        "\xff\xfe",
        "port: \"1\\0\"\n",
        "\tport: 1\n",
    };
    struct settings s = {0};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *error = yaml_error(&s, str_from(texts[i]));
        if (strncmp(error, "gatehouse.yaml:", 15) != 0)
            fail_msg("%zu: \"%s\"", i, error);
    }
    struct buffer flood = {.max = KIB(64)};
    while (buffer_append(&flood, STR("[")))
        ;
    assert_true(yaml_error(&s, buffer_str(&flood))[0] != '\0');
    buffer_clear(&flood);
    settings_clear(&s);
}

TEST(the_command_line_wins_over_the_environment_over_the_file)
{
    char                   directory[]   = "/tmp/gatehouse-settings.XXXXXX";
    char                   path[64]      = "";
    char                   home[80]      = "";
    struct setting_flag    flags[]       = {{STR("port"), STR("3")}};
    char                  *environment[] = {home,
                                            VARIABLE("GATEHOUSE_PORT=2"),
                                            VARIABLE("GATEHOUSE_HTTP_IDLE=2s"),
                                            VARIABLE("GATEHOUSE_DRAIN="),
                                            VARIABLE("PORT=9"),
                                            NULL};
    struct settings_source from          = {environment, flags, 1};
    struct settings        s             = {0};
    struct error           err           = {0};

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/gatehouse.yaml", directory);
    snprintf(home, sizeof home, "GATEHOUSE_HOME=%s/", directory);
    assert_true(file_replace(path, STR("port: 1\nhttp.idle: 1s\ndrain: 1s\n"), 0600, &err));
    assert_true(settings_load(&s, &from, &err));
    assert_int_equal(s.port, 3);
    assert_int_equal(s.http.idle, SECONDS(2));
    assert_int_equal(s.drain, SECONDS(1));
    assert_true(str_eq(s.home, str_from(directory)));
    settings_clear(&s);

    flags[0] = (struct setting_flag){STR("prot"), STR("3")};
    assert_false(settings_load(&s, &from, &err));
    assert_string_equal(err.text, "--prot: there is no setting \"prot\"; did you mean \"port\"?");
    flags[0]       = (struct setting_flag){STR("port"), STR("3")};
    environment[2] = VARIABLE("GATEHOUSE_HTTP_IDLE=soon");
    assert_false(settings_load(&s, &from, &err));
    assert_int_equal(strncmp(err.text, "GATEHOUSE_HTTP_IDLE is \"soon\"; it must be", 41), 0);
    assert_null(s.arena);
    unlink(path);
    rmdir(directory);
}

TEST(the_home_is_absolute)
{
    char                  *environment[] = {VARIABLE("HOME=/home/ada"), NULL};
    struct setting_flag    flag          = {STR("home"), STR("~/x")};
    struct settings_source from          = {environment, NULL, 0};
    struct settings        s             = {0};
    struct error           err           = {0};

    assert_true(settings_load(&s, &from, &err));
    assert_str(s.home, "/home/ada/.gatehouse");
    settings_clear(&s);
    from = (struct settings_source){environment, &flag, 1};
    assert_true(settings_load(&s, &from, &err));
    assert_str(s.home, "/home/ada/x");
    settings_clear(&s);
    flag.value = STR("some/where");
    assert_true(settings_load(&s, &from, &err));
    assert_true(s.home.data[0] == '/' && str_ends(s.home, STR("/some/where")));
    settings_clear(&s);
    from.environment = NULL;
    flag.value       = STR("~/x");
    assert_false(settings_load(&s, &from, &err));
}

TEST(values_that_do_not_fit_together_are_refused)
{
    struct setting_flag flags[] = {{STR("home"), STR("/nowhere")}, {STR("memory.max"), STR("32MiB")}};
    struct settings     s       = {0};
    struct error        err     = {0};

    assert_false(settings_load(&s, &(struct settings_source){NULL, flags, 2}, &err));
    assert_string_equal(err.text,
                        "message.max is larger than memory.max: one message could never fit; raise memory.max");
}

TEST(a_foreign_variable_is_noticed)
{
    char *environment[] = {VARIABLE("GATEHOUSE_HOME=/x"), VARIABLE("GATEHOUSE_HTTP_IDEL=1s"), NULL};

    assert_string_equal(settings_unknown_variable(environment), "GATEHOUSE_HTTP_IDEL=1s");
    environment[1] = NULL;
    assert_null(settings_unknown_variable(environment));
}

TEST(the_page_in_docs_is_the_table)
{
    struct buffer page = {.max = MIB(1)}, kept = {.max = MIB(1)};
    char          path[512];
    struct error  err = {0};

    snprintf(path, sizeof path, "%.*s../../../docs/settings.md", (int)(strrchr(__FILE__, '/') - __FILE__ + 1),
             __FILE__);
    assert_true(settings_print_markdown(&page));
    if (getenv("GATEHOUSE_WRITE_DOCS") != NULL)
        assert_true(file_replace(path, buffer_str(&page), 0644, &err));
    assert_true(file_read(path, &kept, &err));
    if (!str_eq(buffer_str(&page), buffer_str(&kept)))
        fail_msg("docs/settings.md is not what the table says: run this test with GATEHOUSE_WRITE_DOCS=1");
    buffer_clear(&page);
    buffer_clear(&kept);

    assert_true(settings_print_help(&page));
    assert_true(str_find(buffer_str(&page), STR("http.header_bytes")) >= 0);
    buffer_clear(&page);
}
