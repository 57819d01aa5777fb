#include "child/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STOP_ROUNDS = 16,
    SCAN_MAX    = 32768, /* processes of the machine that the slow way looks at */
};

static bool
is_among(pid_t pid, const pid_t *pids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

static void
add(struct tree *t, pid_t pid, const pid_t *except, size_t except_count)
{
    if (t->count < TREE_MAX && !is_among(pid, except, except_count))
        t->pids[t->count++] = pid;
}

/* Adds the pids of one `children` file: decimal numbers, a space behind each. False: there is no such file. */
static bool
add_from_file(struct tree *t, const char *path, const pid_t *except, size_t except_count)
{
    char    text[4096];
    pid_t   pid = 0;
    ssize_t got;
    int     fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    while ((got = read(fd, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (text[i] - '0');
            } else if (pid > 0) {
                add(t, pid, except, except_count);
                pid = 0;
            }
        }
    }
    close(fd);
    return true;
}

/* The children of every thread of `pid`. False when the kernel does not tell. */
static bool
add_children(struct tree *t, pid_t pid, const pid_t *except, size_t except_count)
{
    char           path[64];
    bool           told = false;
    struct dirent *entry;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        return false;
    while ((entry = readdir(tasks)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.12s/children", (int)pid, entry->d_name);
        told |= add_from_file(t, path, except, except_count);
    }
    closedir(tasks);
    return told;
}

void
tree_walk(struct tree *t, const pid_t *except, size_t except_count)
{
    t->count = 0;
    if (!add_children(t, getpid(), except, except_count)) {
        tree_walk_by_scan(t, except, except_count);
        return;
    }
    for (size_t i = 0; i < t->count; i++) /* the list is its own queue: no recursion, however deep the tree */
        add_children(t, t->pids[i], except, except_count);
}

struct relation {
    pid_t pid;
    pid_t parent;
};

static struct relation all[SCAN_MAX]; /* touched on kernels that make us read them */

/* The fourth field of /proc/PID/stat; the second is a name in parentheses that may hold anything. 0: it is gone. */
static pid_t
parent_of(pid_t pid)
{
    char path[64], text[512];

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return 0;
    text[got]         = '\0';
    const char *after = strrchr(text, ')');
    if (after == NULL || strlen(after) < 5)
        return 0;
    return (pid_t)strtol(after + 4, NULL, 10);
}

/* Fills `all`. */
static size_t
list_processes(void)
{
    DIR           *proc  = opendir("/proc");
    size_t         count = 0;
    struct dirent *entry;

    if (proc == NULL)
        return 0;
    while (count < SCAN_MAX && (entry = readdir(proc)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 0)
            continue;
        all[count] = (struct relation){pid, parent_of(pid)};
        count += all[count].parent > 0;
    }
    closedir(proc);
    return count;
}

void
tree_walk_by_scan(struct tree *t, const pid_t *except, size_t except_count)
{
    size_t count = list_processes();
    pid_t  self  = getpid();

    t->count = 0;
    for (size_t i = 0; i < count; i++)
        if (all[i].parent == self)
            add(t, all[i].pid, except, except_count);
    for (size_t done = 0; done < t->count; done++)
        for (size_t i = 0; i < count; i++)
            if (all[i].parent == t->pids[done])
                add(t, all[i].pid, NULL, 0);
}

void
tree_walk_children(struct tree *t)
{
    t->count = 0;
    if (add_children(t, getpid(), NULL, 0))
        return;
    size_t count = list_processes();
    for (size_t i = 0; i < count; i++)
        if (all[i].parent == getpid())
            add(t, all[i].pid, NULL, 0);
}

void
tree_signal(const struct tree *t, int signal)
{
    for (size_t i = 0; i < t->count; i++)
        kill(t->pids[i], signal);
}

void
tree_kill(struct tree *t, const pid_t *except, size_t except_count)
{
    pid_t  newest = 0; /* the last pid of a walk changes when something new appears */
    size_t before = 0;

    for (int round = 0; round < STOP_ROUNDS; round++) {
        tree_walk(t, except, except_count);
        if (t->count == 0)
            return;
        tree_signal(t, SIGSTOP);
        if (round > 0 && t->count == before && t->pids[t->count - 1] == newest)
            break;
        before = t->count;
        newest = t->pids[t->count - 1];
    }
    tree_signal(t, SIGKILL);
}

void
tree_reap(struct tree *t, const pid_t *except, size_t except_count)
{
    tree_walk_children(t);
    for (size_t i = 0; i < t->count; i++)
        if (!is_among(t->pids[i], except, except_count))
            waitpid(t->pids[i], NULL, WNOHANG);
}
