/* tests/unit/child/support.h: a loop with children, and one recorder of what a child says. */
#ifndef GATEHOUSE_TESTS_CHILD_SUPPORT_H
#define GATEHOUSE_TESTS_CHILD_SUPPORT_H

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "child/child.h"
#include "child/test_paths.h"

struct house {
    struct loop      loop;
    struct children *children;
};

/* What one child said. */
struct record {
    struct child    *child;
    struct buffer    out; /* lines of stdout, each with '|' behind */
    struct buffer    err;
    size_t           lines;
    size_t           bytes;
    size_t           oversize; /* bytes of the last skipped line */
    size_t           drained;
    pid_t            pid;
    bool             started;
    bool             ended;
    struct child_end end;
};

static inline void
record_started(void *owner, pid_t pid)
{
    struct record *r = owner;

    r->started = true;
    r->pid     = pid;
}

static inline void
record_line(void *owner, struct str line)
{
    struct record *r = owner;

    r->lines++;
    r->bytes += line.len;
    if (buffer_append(&r->out, line))
        buffer_append_char(&r->out, '|');
}

static inline void
record_oversize(void *owner, size_t bytes)
{
    ((struct record *)owner)->oversize = bytes;
}

static inline void
record_stderr(void *owner, struct str line)
{
    struct record *r = owner;

    if (buffer_append(&r->err, line))
        buffer_append_char(&r->err, '|');
}

static inline void
record_drained(void *owner)
{
    ((struct record *)owner)->drained++;
}

static inline void
record_ended(void *owner, const struct child_end *end)
{
    struct record *r = owner;

    r->ended = true;
    r->end   = *end;
    r->child = NULL;
}

static const struct child_events record_events = {
    .on_started  = record_started,
    .on_line     = record_line,
    .on_oversize = record_oversize,
    .on_stderr   = record_stderr,
    .on_drained  = record_drained,
    .on_ended    = record_ended,
};

static char *const test_env[] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"MARK=given"}, NULL};

/* Runs the loop until `condition` holds, for ten seconds at most: slow machines are slow, broken code is told. */
#define RUN_UNTIL(h, condition)                                                                                        \
    for (mono_time run_end_ = clock_mono() + SECONDS(10); !(condition) && clock_mono() < run_end_;)                    \
    loop_turn(&(h)->loop, MILLISECONDS(20))

static inline void
open_house(struct house *h)
{
    struct error err = {0};

    if (!loop_init(&h->loop, &err) || (h->children = children_new(&h->loop, TEST_HELPER, &err)) == NULL)
        fprintf(stderr, "no house: %s\n", err.text);
}

static inline void
close_house(struct house *h)
{
    RUN_UNTIL(h, children_count(h->children) == 0);
    children_free(h->children);
    loop_clear(&h->loop);
}

static inline bool
start(struct house *h, struct record *r, struct child_spec spec, struct error *err)
{
    *r = (struct record){.out = {.max = MIB(1)}, .err = {.max = MIB(4)}};
    if (spec.env == NULL)
        spec.env = test_env;
    r->child = child_start(h->children, &spec, &record_events, r, err);
    return r->child != NULL;
}

#define ARGV(...)                                                                                                      \
    (char *const[])                                                                                                    \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }
#define TEXT(literal) ((char[]){literal})

static inline void
clear_record(struct record *r)
{
    buffer_clear(&r->out);
    buffer_clear(&r->err);
}

/* Processes, zombies aside, with `token` among their arguments. */
static inline size_t
count_processes(const char *token)
{
    char           path[300], text[4096];
    size_t         count = 0;
    DIR           *proc  = opendir("/proc");
    struct dirent *entry;

    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        ssize_t got = read(fd, text, sizeof text);
        close(fd);
        count += got > 0 && memmem(text, (size_t)got, token, strlen(token)) != NULL;
    }
    if (proc != NULL)
        closedir(proc);
    return count;
}

/* A token that no other test uses, not even another run of this one. */
static inline void
make_token(char out[64])
{
    static int made;

    snprintf(out, 64, "gatehouse-test-%d-%d", (int)getpid(), ++made);
}

static inline size_t
count_descriptors(void)
{
    size_t count = 0;
    DIR   *fds   = opendir("/proc/self/fd");

    while (fds != NULL && readdir(fds) != NULL)
        count++;
    if (fds != NULL)
        closedir(fds);
    return count;
}

#endif
