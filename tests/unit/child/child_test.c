#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "child/support.h"
#include "test.h"

#define SH(script) ARGV(TEXT("sh"), TEXT("-c"), TEXT(script))

static struct house house;

static void
run(struct record *r, struct child_spec spec)
{
    struct error err = {0};

    open_house(&house);
    if (!start(&house, r, spec, &err))
        fail_msg("not started: %s", err.text);
    RUN_UNTIL(&house, r->ended);
    assert_true(r->ended);
    close_house(&house);
}

TEST(what_is_written_comes_back_line_by_line)
{
    struct record r;
    struct error  err = {0};

    open_house(&house);
    assert_true(start(&house, &r, (struct child_spec){.argv = ARGV(TEXT("cat"))}, &err));
    assert_true(child_write(r.child, STR("{\"id\": 1}")));
    assert_true(child_write(r.child, STR("{\r\"id\":\n2}")));
    assert_true(child_write(r.child, STR_NONE));
    RUN_UNTIL(&house, r.lines == 3);
    assert_str(buffer_str(&r.out), "{\"id\": 1}|{ \"id\": 2}||");
    assert_true(r.started);
    assert_int_equal(child_pid(r.child), r.pid);
    assert_true(child_started_at(r.child) <= clock_mono());
    child_stop(r.child);
    assert_false(child_write(r.child, STR("late")));
    RUN_UNTIL(&house, r.ended);
    assert_true(r.end.asked);
    assert_int_equal(r.end.status, 0);
    assert_string_equal(r.end.words, "was stopped: exited with status 0");
    close_house(&house);
    clear_record(&r);
}

TEST(a_last_line_without_newline_is_a_line)
{
    struct record r;

    run(&r, (struct child_spec){.argv = SH("printf 'one\\r\\ntwo'")});
    assert_str(buffer_str(&r.out), "one|two|");
    assert_int_equal(r.end.status, 0);
    assert_false(r.end.asked);
    clear_record(&r);
}

TEST(a_line_over_the_limit_is_skipped_and_told)
{
    struct record r;

    run(&r, (struct child_spec){.argv     = SH("echo before; head -c 300000 /dev/zero | tr '\\0' x; echo; echo after"),
                                .line_max = 100000});
    assert_str(buffer_str(&r.out), "before|after|");
    assert_int_equal(r.oversize, 300000);
    clear_record(&r);
}

TEST(an_end_is_told_with_status_or_signal)
{
    struct record r;

    run(&r, (struct child_spec){.argv = SH("exit 3")});
    assert_int_equal(r.end.status, 3);
    assert_string_equal(r.end.words, "exited with status 3");
    clear_record(&r);
    run(&r, (struct child_spec){.argv = SH("kill -SEGV $$")});
    assert_int_equal(r.end.status, -1);
    assert_int_equal(r.end.signal, SIGSEGV);
    assert_string_equal(r.end.words, "was killed by SIGSEGV");
    clear_record(&r);
}

TEST(a_command_that_cannot_be_started_says_why)
{
    struct record r;
    char          plain[] = "/tmp/gatehouse-plain.XXXXXX";

    run(&r, (struct child_spec){.argv = ARGV(TEXT("gatehouse-no-such"))});
    assert_false(r.started);
    assert_int_equal(r.end.exec_errno, ENOENT);
    assert_string_equal(r.end.words, "could not be started: gatehouse-no-such: not found in PATH");
    run(&r, (struct child_spec){.argv = ARGV(TEXT("/no/such"))});
    assert_string_equal(r.end.words, "could not be started: /no/such: no such file");
    run(&r, (struct child_spec){.argv = ARGV(TEXT("cat")), .cwd = "/no/such/place"});
    assert_string_equal(r.end.words, "could not be started: its working directory /no/such/place: does not exist");

    int fd = mkstemp(plain);
    assert_int_equal(write(fd, "#!/no/such/node\n", 16), 16);
    close(fd);
    run(&r, (struct child_spec){.argv = ARGV(plain)});
    assert_int_equal(r.end.exec_errno, EACCES);
    assert_non_null(strstr(r.end.words, "permission denied"));
    chmod(plain, 0700);
    run(&r, (struct child_spec){.argv = ARGV(plain)});
    assert_non_null(strstr(r.end.words, "the interpreter that it asks for does not exist"));
    unlink(plain);
}

TEST(a_command_gets_its_directory_its_environment_and_nothing_of_ours)
{
    struct record r;

    setenv("GATEHOUSE_TEST_SECRET", "x", 1);
    run(&r, (struct child_spec){.argv = ARGV(TEXT("env")), .cwd = "/"});
    assert_str(buffer_str(&r.out), "PATH=/usr/bin:/bin|MARK=given|");
    clear_record(&r);
    run(&r, (struct child_spec){.argv = SH("/bin/pwd"), .cwd = "/usr"});
    assert_str(buffer_str(&r.out), "/usr|");
    clear_record(&r);
    int leak = open("/dev/null", O_RDONLY); /* not closed on exec */
    run(&r, (struct child_spec){.argv = ARGV(TEXT(TEST_PEER), TEXT("fds"))});
    close(leak);
    assert_str(buffer_str(&r.out), "0 1 2 |");
    clear_record(&r);
    signal(SIGUSR1, SIG_IGN);
    run(&r, (struct child_spec){.argv = ARGV(TEXT(TEST_PEER), TEXT("signals"))});
    assert_str(buffer_str(&r.out), "mask 0 ignored 0 leader 1 blocking 1|");
    clear_record(&r);
}

static void
join(void *arg, struct str line)
{
    buffer_append(arg, line);
    buffer_append_char(arg, ' ');
}

static void
keep_stderr_at_end(void *owner, const struct child_end *end)
{
    struct record *r = owner;

    child_stderr_each(r->child, join, &r->out);
    record_ended(owner, end);
}

TEST(the_last_lines_of_stderr_are_kept_each_cut)
{
    struct record       r    = {.out = {.max = MIB(4)}, .err = {.max = MIB(4)}};
    struct child_events with = record_events;
    struct child_spec spec = {.argv = SH("head -c 20000 /dev/zero | tr '\\0' y >&2; echo >&2; seq 199 >&2; seq 3 >&2"),
                              .env  = test_env};

    with.on_ended = keep_stderr_at_end;
    open_house(&house);
    r.child = child_start(house.children, &spec, &with, &r, NULL);
    assert_non_null(r.child);
    RUN_UNTIL(&house, r.ended);
    struct str kept = buffer_str(&r.out), heard = buffer_str(&r.err);
    assert_true(str_starts(kept, STR("3 4 5 ")));
    assert_true(str_ends(kept, STR(" 199 1 2 3 ")));
    assert_int_equal(str_index(heard, '|'), CHILD_STDERR_CUT);
    close_house(&house);
    clear_record(&r);
}

TEST(a_queue_that_is_full_refuses_and_says_when_it_has_room)
{
    struct record     r;
    struct error      err = {0};
    static char       big[100000];
    struct child_spec spec = {.argv = SH("read go; cat >/dev/null"), .queue_max = 150000};

    memset(big, 'x', sizeof big);
    open_house(&house);
    assert_true(start(&house, &r, spec, &err));
    assert_true(child_write(r.child, str_of(big, sizeof big)));
    assert_false(child_write(r.child, str_of(big, sizeof big)));
    assert_int_equal(child_queued(r.child), sizeof big + 1);
    RUN_UNTIL(&house, r.drained > 0);
    assert_int_equal(r.drained, 1);
    assert_true(child_write(r.child, str_of(big, sizeof big)));
    child_stop(r.child); /* what is queued is still written */
    RUN_UNTIL(&house, r.ended);
    assert_int_equal(r.end.status, 0);
    close_house(&house);
    clear_record(&r);
}

TEST(a_flood_arrives_whole_and_another_child_is_heard_meanwhile)
{
    struct record flood, calm;
    struct error  err = {0};

    open_house(&house);
    assert_true(start(&house, &flood,
                      (struct child_spec){.argv = ARGV(TEXT(TEST_PEER), TEXT("flood"), TEXT("16777216"))}, &err));
    assert_true(start(&house, &calm, (struct child_spec){.argv = ARGV(TEXT("cat"))}, &err));
    assert_true(child_write(calm.child, STR("heard")));
    RUN_UNTIL(&house, calm.lines == 1);
    assert_int_equal(calm.lines, 1);
    RUN_UNTIL(&house, flood.ended);
    assert_int_equal(flood.bytes, 16777216 / 64 * 63);
    child_kill(calm.child);
    close_house(&house);
    assert_int_equal(calm.end.signal, SIGKILL);
    clear_record(&flood);
    clear_record(&calm);
}

TEST(two_hundred_children_leave_no_descriptor_and_no_process)
{
    struct record r[50];
    struct error  err = {0};
    size_t        before;

    open_house(&house);
    before = count_descriptors();
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 50; i++) {
            assert_true(start(&house, &r[i], (struct child_spec){.argv = ARGV(TEXT("cat"))}, &err));
            assert_true(child_write(r[i].child, STR("here")));
        }
        for (int i = 0; i < 50; i++) {
            RUN_UNTIL(&house, r[i].lines == 1);
            assert_str(buffer_str(&r[i].out), "here|");
            child_stop(r[i].child);
        }
        RUN_UNTIL(&house, children_count(house.children) == 0);
        for (int i = 0; i < 50; i++) {
            assert_true(r[i].ended);
            assert_int_equal(r[i].end.status, 0);
            clear_record(&r[i]);
        }
    }
    assert_int_equal(count_descriptors(), before);
    close_house(&house);
}

TEST(without_descriptors_nothing_is_started_and_nothing_leaks)
{
    struct record r;
    struct error  err = {0};
    struct rlimit limit, low;

    open_house(&house);
    getrlimit(RLIMIT_NOFILE, &limit);
    size_t before = count_descriptors();
    for (rlim_t more = 0; more < 9; more++) { /* each of the nine that a start opens fails once */
        low = (struct rlimit){.rlim_cur = (rlim_t)before + more, .rlim_max = limit.rlim_max};
        setrlimit(RLIMIT_NOFILE, &low);
        bool started = start(&house, &r, (struct child_spec){.argv = ARGV(TEXT("cat"))}, &err);
        setrlimit(RLIMIT_NOFILE, &limit);
        if (started) {
            child_kill(r.child);
            RUN_UNTIL(&house, children_count(house.children) == 0);
            loop_turn(&house.loop, 0);
        } else {
            assert_int_equal(err.code, ERROR_FULL);
        }
        assert_int_equal(count_descriptors(), before);
    }
    assert_int_equal(children_count(house.children), 0);
    close_house(&house);
}

TEST(a_command_may_open_1024_descriptors_and_raise_that_itself)
{
    struct record r;
    struct rlimit was, high;
    char          wanted[64];

    getrlimit(RLIMIT_NOFILE, &was);
    high = (struct rlimit){was.rlim_max, was.rlim_max};
    assert_true(high.rlim_max > 1024);
    setrlimit(RLIMIT_NOFILE, &high); /* as the gateway does for itself */
    run(&r, (struct child_spec){.argv = SH("ulimit -Sn; ulimit -Hn")});
    snprintf(wanted, sizeof wanted, "1024|%llu|", (unsigned long long)was.rlim_max);
    assert_true(str_eq(buffer_str(&r.out), str_from(wanted)));
    clear_record(&r);

    high.rlim_cur = 512; /* never raised */
    setrlimit(RLIMIT_NOFILE, &high);
    run(&r, (struct child_spec){.argv = SH("ulimit -Sn")});
    assert_str(buffer_str(&r.out), "512|");
    clear_record(&r);
    setrlimit(RLIMIT_NOFILE, &was);
}

TEST(the_helper_is_looked_for_beside_the_program)
{
    char         path[16];
    struct error err = {0};

    assert_false(children_find_helper(path, sizeof path, &err)); /* a short buffer is not overrun */
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_true(loop_init(&house.loop, &err));
    assert_null(children_new(&house.loop, "/no/such/helper", &err));
    assert_non_null(strstr(err.text, "/no/such/helper"));
    loop_clear(&house.loop);
}
