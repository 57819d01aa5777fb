#include <spawn.h>
#include <sys/wait.h>

#include "child/support.h"
#include "test.h"

/* Starts the owner program, and waits until it has its children. */
static pid_t
start_owner(char *mode, char *token)
{
    int                        out[2];
    pid_t                      pid;
    char                       word[8];
    posix_spawn_file_actions_t actions;

    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    assert_int_equal(posix_spawn(&pid, TEST_OWNER, &actions, NULL, ARGV(TEXT(TEST_OWNER), mode, token), test_env), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    assert_int_equal(read(out[0], word, sizeof word), 5);
    close(out[0]);
    return pid;
}

static void
assert_all_gone(const char *token)
{
    for (int i = 0; i < 500 && count_processes(token) > 0; i++)
        usleep(10000);
    assert_int_equal(count_processes(token), 0);
}

static void
kill_owner(int signal)
{
    char token[64];

    make_token(token);
    pid_t owner = start_owner(TEXT("hide"), token);
    assert_int_equal(count_processes(token), 1 + 3 * 12);
    kill(owner, signal);
    waitpid(owner, NULL, 0);
    assert_all_gone(token);
}

TEST(nothing_is_left_when_the_owner_is_killed)
{
    kill_owner(SIGKILL);
}

TEST(nothing_is_left_when_the_owner_crashes)
{
    kill_owner(SIGABRT);
}

static size_t
kill_helpers(pid_t owner)
{
    char   path[64], text[256] = "";
    char  *at     = text;
    size_t killed = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)owner, (int)owner);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof text - 1) > 0)
        for (long pid; (pid = strtol(at, &at, 10)) > 0; killed++)
            kill((pid_t)pid, SIGKILL);
    close(fd);
    return killed;
}

TEST(a_command_dies_with_its_helper_when_nobody_is_left_to_end_it)
{
    char token[64];

    make_token(token);
    pid_t owner = start_owner(TEXT("term"), token);
    kill(owner, SIGSTOP);
    assert_int_equal(kill_helpers(owner), 3);
    kill(owner, SIGKILL);
    waitpid(owner, NULL, 0);
    assert_all_gone(token);
}
