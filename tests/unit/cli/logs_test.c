#include "cli/logs/logs.h"
#include "cli_fixture.h"

#define HELLO "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"hello\"}]}}"
#define FAILED                                                                                                         \
    "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":\"ENOENT: "   \
    "no "                                                                                                              \
    "\\u001b[31mfile\"}]}}"
#define CALL                                                                                                           \
    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/"                                                                \
    "call\",\"params\":{\"name\":\"t\",\"arguments\":{\"city\":\"Oslo\"}}}"

static char logs[] = "logs", json[] = "--json", messages[] = "--messages", errors[] = "--errors", limit[] = "--limit",
            one[] = "1", server[] = "--server", text[] = "--text", clear[] = "--clear", yes[] = "--yes";

static uint64_t ids[3];

static void
fill(struct home *h)
{
    struct error err = {0};

    home_open(h);
    if (!traffic_open(&h->traffic, h->database, NULL, &err))
        fail_msg("%s", err.text);
    ids[0] = home_capture(h, "weather", "forecast", CALL, HELLO);
    ids[1] = home_capture(h, "files", "read_file", CALL, FAILED);
    ids[2] = home_capture(h, "files", "list_files", CALL, HELLO);
    traffic_close(h->traffic);
}

static size_t
lines(const char *said)
{
    size_t count = 0;

    for (; *said != '\0'; said++)
        count += *said == '\n';
    return count;
}

TEST(a_line_of_json_for_each_exchange_oldest_first)
{
    struct home h;
    char        id[40];

    fill(&h);
    assert_int_equal(run(&h, logs, json), EXIT_DONE);
    assert_int_equal(lines(h.out), 3);
    snprintf(id, sizeof id, "{\"id\":\"%llu\"", (unsigned long long)ids[0]);
    assert_true(str_starts(str_from(h.out), str_from(id)));
    assert_said(h.out, "\"jsonrpc_id\":\"7\",\"outcome\":\"ok\"");
    assert_null(strstr(h.out, "messages"));
    assert_int_equal(run(&h, logs, json, messages, limit, one), EXIT_DONE);
    assert_int_equal(lines(h.out), 1);
    assert_said(h.out, "\"target\":\"list_files\"");
    assert_said(h.out, "\"messages\":[{\"at_us\":");
    assert_said(h.out, "\"from\":\"client\",\"text\":\"{\\\"jsonrpc\\\"");
    assert_said(h.out, "\"from\":\"server\"");
    home_close(&h);
}

TEST(filters_leave_what_they_name)
{
    struct home h;

    fill(&h);
    assert_int_equal(run(&h, logs, errors), EXIT_DONE);
    assert_int_equal(lines(h.out), 2); /* the titles too */
    assert_said(h.out, "✗ ENOENT: no \\x1b[31mfile");
    assert_null(strchr(h.out, '\033'));
    assert_int_equal(run(&h, logs, json, server, (char[]){"weather"}), EXIT_DONE);
    assert_int_equal(lines(h.out), 1);
    assert_int_equal(run(&h, logs, json, text, (char[]){"enoent"}), EXIT_DONE);
    assert_int_equal(lines(h.out), 1);
    assert_said(h.out, "read_file");
    assert_int_equal(run(&h, logs, json, (char[]){"--since"}, (char[]){"soon"}), EXIT_TYPED_WRONG);
    home_close(&h);
}

TEST(a_name_that_was_never_seen_gets_the_nearest)
{
    struct home h;

    fill(&h);
    assert_int_equal(run(&h, logs, (char[]){"--method"}, (char[]){"tools/cal"}), EXIT_NOT_FOUND);
    assert_said(h.err, "no method \"tools/cal\" in the log; did you mean \"tools/call\"?");
    assert_said(h.err, "Seen: tools/call (3)");
    assert_int_equal(run(&h, logs, server, (char[]){"file"}), EXIT_NOT_FOUND);
    assert_said(h.err, "did you mean \"files\"?");
    assert_string_equal(h.out, "");
    home_close(&h);
}

TEST(one_call_is_found_by_the_end_of_its_id)
{
    struct home h;
    char        whole[24];

    fill(&h);
    snprintf(whole, sizeof whole, "%llu", (unsigned long long)ids[1]);
    assert_int_equal(run(&h, logs, whole), EXIT_DONE);
    assert_said(h.out, "✗ tools/call read_file   files   3.1 ms");
    assert_said(h.out, "  {\"city\":\"Oslo\"}\n");
    assert_said(h.out, "  ENOENT: no \\x1b[31mfile\n");
    assert_int_equal(run(&h, logs, whole + strlen(whole) - 12), EXIT_DONE);
    assert_said(h.out, "read_file");
    assert_int_equal(run(&h, logs, (char[]){"99999999999"}), EXIT_NOT_FOUND);
    assert_int_equal(run(&h, logs, (char[]){"abc"}), EXIT_TYPED_WRONG);
    home_close(&h);
}

TEST(clearing_asks_or_wants_yes)
{
    struct home h;

    fill(&h);
    assert_int_equal(run(&h, logs, clear), EXIT_TYPED_WRONG);
    assert_int_equal(run(&h, logs, clear, yes), EXIT_DONE);
    assert_said(h.out, "Deleted 3 calls");
    assert_int_equal(run(&h, logs, json), EXIT_DONE);
    assert_string_equal(h.out, "");
    home_close(&h);
}

TEST(without_a_gateway_and_a_database_commands_say_what_to_do)
{
    struct home h;

    home_open(&h);
    assert_int_equal(run(&h, logs), EXIT_DONE);
    assert_said(h.err, "gatehouse serve");
    assert_int_equal(run(&h, logs, json), EXIT_DONE);
    assert_string_equal(h.out, "");
    assert_int_equal(run(&h, (char[]){"status"}), EXIT_DONE);
    assert_said(h.out, "No gateway runs on");
    assert_int_equal(run(&h, (char[]){"list"}), EXIT_DONE);
    assert_said(h.err, "gatehouse add");
    assert_int_equal(run(&h, (char[]){"token"}), EXIT_NOT_FOUND);
    assert_int_equal(run(&h, (char[]){"remove"}, (char[]){"x"}), EXIT_NOT_FOUND);
    home_close(&h);
}

TEST(servers_are_added_listed_and_removed)
{
    struct home h;

    fill(&h);
    assert_int_equal(run(&h, (char[]){"add"}, (char[]){"files"}, (char[]){"--env"}, (char[]){"A=b c"}, (char[]){"--"},
                         (char[]){"npx"}, (char[]){"-y"}, (char[]){"my server"}),
                     EXIT_DONE);
    assert_said(h.out, "Added files (stdio).");
    assert_int_equal(run(&h, (char[]){"add"}, (char[]){"files"}, (char[]){"http://h/"}), EXIT_FAILED);
    assert_int_equal(run(&h, (char[]){"add"}, (char[]){"b"}, (char[]){"h:9"}), EXIT_TYPED_WRONG);
    assert_int_equal(run(&h, (char[]){"list"}), EXIT_DONE);
    assert_said(h.out, "files      stdio     not running      2       1  3.1 ms  npx -y 'my server'\n");
    assert_int_equal(run(&h, (char[]){"list"}, json), EXIT_DONE);
    assert_said(h.out, "\"calls\":2,\"errors\":1,\"p50_us\":3100");
    assert_int_equal(run(&h, (char[]){"remove"}, (char[]){"file"}), EXIT_NOT_FOUND);
    assert_said(h.err, "did you mean \"files\"?");
    assert_int_equal(run(&h, (char[]){"remove"}, (char[]){"files"}), EXIT_DONE);
    assert_int_equal(run(&h, (char[]){"list"}, (char[]){"--names"}), EXIT_DONE);
    assert_string_equal(h.out, "snapshots\n");
    home_close(&h);
}

TEST(an_id_is_as_short_as_it_stays_unique)
{
    uint64_t close[] = {1000000123, 2000000123, 3000000124};

    assert_int_equal(id_tail_digits(close, 3, 1), 10);
    assert_int_equal(id_tail_digits(close + 1, 2, 1), 1);
    assert_int_equal(id_tail_digits(close + 1, 2, 8), 8);
    assert_int_equal(id_tail_digits(NULL, 0, 8), 8);
}
