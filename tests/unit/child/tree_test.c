#include "child/tree.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child/support.h"
#include "test.h"

static struct tree fast, slow;

/* A child with two children. */
static pid_t
grow(void)
{
    int   ready[2];
    char  byte;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        if (fork() > 0)
            fork();
        (void)!write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static int
compare(const void *a, const void *b)
{
    return *(const pid_t *)a - *(const pid_t *)b;
}

TEST(both_ways_of_walking_find_the_same)
{
    pid_t kept = grow(), dropped = grow();

    tree_walk(&fast, &dropped, 1);
    tree_walk_by_scan(&slow, &dropped, 1);
    assert_int_equal(fast.count, 3);
    assert_int_equal(slow.count, 3);
    assert_int_equal(fast.pids[0], kept);
    qsort(fast.pids, 3, sizeof(pid_t), compare);
    qsort(slow.pids, 3, sizeof(pid_t), compare);
    assert_memory_equal(fast.pids, slow.pids, 3 * sizeof(pid_t));
    tree_walk_children(&fast);
    assert_int_equal(fast.count, 2);

    tree_kill(&fast, &dropped, 1);
    assert_int_equal(waitpid(kept, NULL, 0), kept);
    assert_int_equal(waitpid(dropped, NULL, WNOHANG), 0);
    tree_kill(&fast, NULL, 0);
    assert_int_equal(waitpid(dropped, NULL, 0), dropped);
}
