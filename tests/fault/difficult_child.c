/* tests/fault/difficult_child.c: an MCP server that is hard to get rid of. What it does is a tool's name:
 *
 *   echo       gives `text` back
 *   pid        its process id
 *   quiet      never answers
 *   hide       starts a process that has left its session, its group and its parent, and ignores what would end it
 *   stubborn   from now on it ignores SIGTERM, and the end of its stdin
 *   bomb       forks without end in the cgroup at `text`; without one, until 300 that have hidden are there
 *   ask        asks its client for roots and answers when the client has
 *   chatter    says something to a client that may not listen now
 *   die        exits with status 3, crash by SIGSEGV; neither answers */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json.h"

enum { BOMB = 300, PAUSE_US = 50000 };

static bool         is_stubborn;
static struct bytes out;

static void
answer(struct span id, const char *result)
{
    bytes_add(&out, SPAN("{\"jsonrpc\":\"2.0\",\"id\":"));
    bytes_add(&out, id);
    bytes_add(&out, SPAN(",\"result\":"));
    bytes_add(&out, (struct span){result, strlen(result)});
    bytes_add(&out, SPAN("}\n"));
}

static void
answer_text(struct span id, struct span text)
{
    char result[4096];

    snprintf(result, sizeof result, "{\"content\":[{\"type\":\"text\",\"text\":\"%.*s\"}]}", (int)text.len, text.data);
    answer(id, result);
}

/* Its parents are gone when this returns. */
static void
hide(void)
{
    pid_t middle = fork();

    if (middle == 0) {
        setsid();
        if (fork() == 0) {
            setsid();
            signal(SIGTERM, SIG_IGN);
            signal(SIGINT, SIG_IGN);
            signal(SIGHUP, SIG_IGN);
            close(STDIN_FILENO);
            close(STDOUT_FILENO);
            close(STDERR_FILENO);
            for (;;)
                pause();
        }
        _exit(0);
    }
    if (middle > 0)
        waitpid(middle, NULL, 0);
}

static void
fork_without_end(void)
{
    signal(SIGTERM, SIG_IGN);
    setsid();
    for (;;)
        if (fork() < 0)
            usleep(PAUSE_US); /* the limit: somebody may die and make room */
}

/* Puts itself into the cgroup, so that everything that it starts counts there. */
static void
bomb(struct span cgroup)
{
    char  path[1024];
    FILE *f = NULL;

    if (cgroup.len > 0) {
        snprintf(path, sizeof path, "%.*s/cgroup.procs", (int)cgroup.len, cgroup.data);
        f = fopen(path, "w");
    }
    bool is_bound = f != NULL && fprintf(f, "%d\n", (int)getpid()) > 0;
    is_bound      = f != NULL && fclose(f) == 0 && is_bound;
    if (is_bound && fork() == 0)
        fork_without_end();
    for (int i = 0; !is_bound && i < BOMB; i++)
        hide();
}

static void
call(struct span id, struct span message)
{
    struct span tool = {0}, text = {0};

    json_string_at(message, "params.name", &tool);
    json_string_at(message, "params.arguments.text", &text);
    if (span_equal(tool, SPAN("quiet")))
        return;
    if (span_equal(tool, SPAN("die")))
        exit(3);
    if (span_equal(tool, SPAN("crash"))) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (span_equal(tool, SPAN("ask"))) {
        bytes_add(&out, SPAN("{\"jsonrpc\":\"2.0\",\"id\":\"roots-"));
        bytes_add(&out, id); /* a number: Gatehouse wrote it */
        bytes_add(&out, SPAN("\",\"method\":\"roots/list\"}\n"));
        return;
    }
    char pid[16];
    if (span_equal(tool, SPAN("pid")))
        text = (struct span){pid, (size_t)snprintf(pid, sizeof pid, "%d", (int)getpid())};
    if (span_equal(tool, SPAN("hide")))
        hide();
    if (span_equal(tool, SPAN("bomb")))
        bomb(text);
    if (span_equal(tool, SPAN("stubborn"))) {
        is_stubborn = true;
        signal(SIGTERM, SIG_IGN);
    }
    answer_text(id, text);
    if (span_equal(tool, SPAN("chatter")))
        bytes_add(&out, SPAN("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n"));
}

static void
take(struct span line)
{
    struct span id, method;

    if (!json_at(line, "id", &id))
        return;
    if (!json_string_at(line, "method", &method)) {
        if (id.len > sizeof "\"roots-\"" - 1)
            answer_text((struct span){id.data + 7, id.len - 8}, SPAN("asked"));
    } else if (span_equal(method, SPAN("initialize"))) {
        answer(id,
               "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{\"listChanged\":true},\"logging\":{}},"
               "\"serverInfo\":{\"name\":\"difficult\",\"version\":\"1\"}}");
    } else if (span_equal(method, SPAN("tools/call"))) {
        call(id, line);
    } else {
        answer(id, "{}");
    }
}

static bool
write_out(void)
{
    while (out.len > 0) {
        ssize_t len = write(STDOUT_FILENO, out.data, out.len);
        if (len < 0 && errno != EINTR)
            return false;
        bytes_drop(&out, len < 0 ? 0 : (size_t)len);
    }
    return true;
}

/* The lines of `in` that are whole. */
static void
take_lines(struct bytes *in)
{
    const char *end;

    while (in->len > 0 && (end = memchr(in->data, '\n', in->len)) != NULL) {
        size_t len = (size_t)(end - in->data);
        take((struct span){in->data, len});
        bytes_drop(in, len + 1);
    }
}

int
main(void)
{
    struct bytes in = {0};
    ssize_t      len;

    signal(SIGCHLD, SIG_DFL);
    while ((len = read(STDIN_FILENO, bytes_room(&in, 4096), 4096)) > 0) {
        in.len += (size_t)len;
        take_lines(&in);
        if (!write_out())
            break;
    }
    while (is_stubborn)
        pause();
    return 0;
}
