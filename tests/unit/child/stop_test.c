#include <sys/prctl.h>

#include "child/support.h"
#include "test.h"

static struct house house;

/* For those that are to use it up, and for those that need some of it on a loaded machine. */
#define SHORT_GRACE  MILLISECONDS(100)
#define MIDDLE_GRACE MILLISECONDS(400)

static bool
start_peer(struct record *r, const char *mode, const char *token)
{
    struct error err = {0};
    char         mode_copy[32], token_copy[64];

    snprintf(mode_copy, sizeof mode_copy, "%s", mode);
    snprintf(token_copy, sizeof token_copy, "%s", token);
    struct child_spec spec = {.argv = ARGV(TEXT(TEST_PEER), mode_copy, token_copy)};
    if (strcmp(mode, "deaf") == 0 || strcmp(mode, "hide") == 0)
        spec.grace = SHORT_GRACE;
    else if (strcmp(mode, "term") == 0)
        spec.grace = MIDDLE_GRACE;
    return start(&house, r, spec, &err);
}

/* Starts it and waits for its first line. */
static void
have_peer(struct record *r, const char *mode, const char *token)
{
    assert_true(start_peer(r, mode, token));
    RUN_UNTIL(&house, r->lines == 1);
    assert_int_equal(r->lines, 1);
}

TEST(one_that_leaves_when_its_stdin_ends_is_not_signalled)
{
    struct record r;

    open_house(&house);
    have_peer(&r, "polite", "");
    child_stop(r.child);
    child_stop(r.child);
    RUN_UNTIL(&house, r.ended);
    assert_str(buffer_str(&r.out), "ready|bye|");
    assert_int_equal(r.end.status, 0);
    close_house(&house);
    clear_record(&r);
}

TEST(one_that_stays_gets_sigterm_and_its_last_words_arrive)
{
    struct record r;

    open_house(&house);
    have_peer(&r, "term", "");
    child_stop(r.child);
    RUN_UNTIL(&house, r.ended);
    assert_str(buffer_str(&r.out), "ready|terminated|");
    assert_int_equal(r.end.status, 7);
    close_house(&house);
    clear_record(&r);
}

TEST(one_that_ignores_both_is_killed_with_all_below)
{
    struct record r;
    char          token[64];

    make_token(token);
    open_house(&house);
    have_peer(&r, "deaf", token);
    assert_int_equal(count_processes(token), 3); /* its helper's arguments have the token too */
    mono_time began = clock_mono();
    child_stop(r.child);
    RUN_UNTIL(&house, r.ended);
    assert_true(clock_mono() - began >= MILLISECONDS(200));
    assert_int_equal(r.end.signal, SIGKILL);
    assert_string_equal(r.end.words, "was stopped: was killed by SIGKILL");
    assert_int_equal(count_processes(token), 0);
    close_house(&house);
    clear_record(&r);
}

TEST(hidden_grandchildren_are_gone_when_the_end_is_told)
{
    struct record r;
    char          token[64];

    make_token(token);
    open_house(&house);
    have_peer(&r, "hide", token);
    assert_int_equal(count_processes(token), 12); /* a helper, the command, five and five */
    child_kill(r.child);
    RUN_UNTIL(&house, r.ended);
    assert_int_equal(count_processes(token), 0);
    close_house(&house);
    clear_record(&r);
}

TEST(what_a_command_leaves_behind_is_ended_after_a_moment)
{
    struct record r;
    struct error  err = {0};
    char          token[64], script[200];

    make_token(token);
    snprintf(script, sizeof script, "(sleep 77; echo %s) & (sleep 0.01; echo late) & echo started; exit 4", token);
    open_house(&house);
    mono_time began = clock_mono();
    assert_true(start(&house, &r, (struct child_spec){.argv = ARGV(TEXT("sh"), TEXT("-c"), script)}, &err));
    RUN_UNTIL(&house, r.ended);
    assert_true(clock_mono() - began < SECONDS(5)); /* a loaded machine; the bound is 0.8 s */
    assert_str(buffer_str(&r.out), "started|late|");
    assert_string_equal(r.end.words, "exited with status 4");
    assert_int_equal(count_processes(token), 0);
    close_house(&house);
    clear_record(&r);
}

TEST(one_that_closes_its_stdout_is_stopped)
{
    struct record r;
    struct error  err = {0};

    open_house(&house);
    assert_true(start(&house, &r,
                      (struct child_spec){.argv  = ARGV(TEXT("sh"), TEXT("-c"), TEXT("exec >&-; exec sleep 77")),
                                          .grace = MIDDLE_GRACE},
                      &err));
    RUN_UNTIL(&house, r.ended);
    assert_false(r.end.asked);
    assert_string_equal(r.end.words, "closed its stdout and was stopped: was killed by SIGTERM");
    close_house(&house);
    clear_record(&r);
}

TEST(a_tree_that_forks_without_end_ends)
{
    struct record r;
    struct error  err = {0};
    char          token[64];

    make_token(token);
    open_house(&house);
    struct child_spec spec = {.argv = ARGV(TEXT(TEST_PEER), TEXT("run-away"), TEXT("4"), token)};
    assert_true(start(&house, &r, spec, &err));
    RUN_UNTIL(&house, r.lines == 1);
    child_kill(r.child);
    RUN_UNTIL(&house, r.ended);
    assert_true(r.ended);
    assert_int_equal(count_processes(token), 0);
    close_house(&house);
    clear_record(&r);
}

/* The pid of the helper: the parent of the command. */
static pid_t
helper_of(pid_t command)
{
    char path[64], text[512];

    snprintf(path, sizeof path, "/proc/%d/stat", (int)command);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(got > 0);
    text[got] = '\0';
    return (pid_t)strtol(strrchr(text, ')') + 4, NULL, 10);
}

TEST(the_orphans_of_a_killed_helper_are_ended_and_no_other_child)
{
    struct record r, other;
    char          token[64], other_token[64];

    make_token(token);
    make_token(other_token);
    pid_t foreign = fork();
    if (foreign == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* of a test that fails */
        for (;;)
            pause();
    }
    open_house(&house);
    have_peer(&other, "hide", other_token);
    have_peer(&r, "hide", token);
    kill(helper_of(r.pid), SIGKILL);
    RUN_UNTIL(&house, r.ended && count_processes(token) == 0);
    assert_true(r.ended);
    assert_string_equal(r.end.words, "was killed with its helper");
    assert_int_equal(count_processes(token), 0);
    assert_false(other.ended);
    assert_int_equal(count_processes(other_token), 12);
    assert_int_equal(kill(foreign, 0), 0);
    kill(foreign, SIGKILL);
    child_kill(other.child);
    close_house(&house);
    assert_int_equal(count_processes(other_token), 0);
    clear_record(&r);
    clear_record(&other);
}

TEST(a_stopped_helper_does_not_keep_its_tree_alive)
{
    struct record r;
    char          token[64];

    make_token(token);
    open_house(&house);
    have_peer(&r, "hide", token);
    kill(helper_of(r.pid), SIGSTOP);
    child_kill(r.child);
    RUN_UNTIL(&house, r.ended && count_processes(token) == 0);
    assert_true(r.ended);
    assert_int_equal(count_processes(token), 0);
    close_house(&house);
    clear_record(&r);
}

static void
abandon_at_line(void *owner, struct str line)
{
    struct record *r = owner;

    record_line(owner, line);
    child_abandon(r->child);
}

TEST(an_abandoned_child_says_nothing_any_more)
{
    struct record       r    = {.out = {.max = KIB(1)}};
    struct child_events with = record_events;
    struct child_spec   spec = {.argv = ARGV(TEXT("sh"), TEXT("-c"), TEXT("echo one; echo two; cat")), .env = test_env};

    with.on_line = abandon_at_line;
    open_house(&house);
    r.child = child_start(house.children, &spec, &with, &r, NULL);
    assert_non_null(r.child);
    RUN_UNTIL(&house, children_count(house.children) == 0);
    assert_str(buffer_str(&r.out), "one|");
    assert_false(r.ended);
    close_house(&house);
    clear_record(&r);
}

static void
kill_at_line(void *owner, struct str line)
{
    struct record *r = owner;

    record_line(owner, line);
    child_kill(r->child);
    child_stop(r->child);
}

TEST(a_child_may_be_killed_in_its_own_callback)
{
    struct record       r    = {.out = {.max = KIB(1)}};
    struct child_events with = record_events;
    struct child_spec   spec = {.argv = ARGV(TEXT("sh"), TEXT("-c"), TEXT("echo one; cat")), .env = test_env};

    with.on_line = kill_at_line;
    open_house(&house);
    r.child = child_start(house.children, &spec, &with, &r, NULL);
    assert_non_null(r.child);
    RUN_UNTIL(&house, r.ended);
    assert_true(r.end.asked);
    assert_int_equal(r.end.signal, SIGKILL);
    close_house(&house);
    clear_record(&r);
}

static void
note_stopped(void *arg)
{
    *(bool *)arg = true;
}

TEST(all_are_stopped_at_once_and_none_is_started_after)
{
    struct record r[8], none;
    struct error  err  = {0};
    bool          done = false;

    open_house(&house);
    for (int i = 0; i < 8; i++)
        have_peer(&r[i], i % 2 == 0 ? "deaf" : "polite", "");
    mono_time began = clock_mono();
    children_stop_all(house.children, note_stopped, &done);
    assert_false(start(&house, &none, (struct child_spec){.argv = ARGV(TEXT("cat"))}, &err));
    RUN_UNTIL(&house, done);
    assert_true(clock_mono() - began < SECONDS(5));
    for (int i = 0; i < 8; i++) {
        assert_true(r[i].ended);
        clear_record(&r[i]);
    }
    close_house(&house);

    done = false;
    open_house(&house);
    children_stop_all(house.children, note_stopped, &done);
    RUN_UNTIL(&house, done);
    assert_true(done);
    close_house(&house);
}

TEST(a_child_cannot_signal_us_where_the_kernel_can_forbid_it)
{
    struct record r;
    struct error  err = {0};
    char          self[16];

    snprintf(self, sizeof self, "%d", (int)getpid());
    open_house(&house);
    assert_true(start(&house, &r, (struct child_spec){.argv = ARGV(TEXT(TEST_PEER), TEXT("kill"), self)}, &err));
    RUN_UNTIL(&house, r.ended);
    assert_int_equal(r.end.status, children_are_scoped() ? 1 : 0);
    assert_true(start(
        &house, &r, (struct child_spec){.argv = ARGV(TEXT(TEST_PEER), TEXT("kill"), self), .unconfined = true}, &err));
    RUN_UNTIL(&house, r.ended);
    assert_int_equal(r.end.status, 0);
    close_house(&house);
    clear_record(&r);
}
