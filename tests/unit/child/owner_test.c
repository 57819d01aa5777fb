#include <spawn.h>
#include <sys/wait.h>

#include "child/support.h"
#include "test.h"

/* Starts the owner program with `token`, and waits until its children have hidden theirs. */
static pid_t
start_owner(char *token)
{
    int                        out[2];
    pid_t                      pid;
    char                       word[8];
    posix_spawn_file_actions_t actions;

    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    assert_int_equal(posix_spawn(&pid, TEST_OWNER, &actions, NULL, ARGV(TEXT(TEST_OWNER), token), test_env), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    assert_int_equal(read(out[0], word, sizeof word), 5);
    close(out[0]);
    return pid;
}

static void
kill_owner(int signal)
{
    char token[64];

    make_token(token);
    pid_t owner = start_owner(token);
    assert_true(count_processes(token) >= 3 * 7 + 1);
    kill(owner, signal);
    waitpid(owner, NULL, 0);
    for (int i = 0; i < 200 && count_processes(token) > 0; i++)
        usleep(10000);
    assert_int_equal(count_processes(token), 0);
}

TEST(nothing_is_left_when_the_owner_is_killed)
{
    kill_owner(SIGKILL);
}

TEST(nothing_is_left_when_the_owner_crashes)
{
    kill_owner(SIGABRT);
}
