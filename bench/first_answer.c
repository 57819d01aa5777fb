/* bench/first_answer.c: how long a program takes from being started to answering its first MCP call.
 *
 *   first_answer --url http://127.0.0.1:PORT/path [--timeout S] -- COMMAND [ARGUMENT...]
 *
 * Starts the command, tries to connect every 0.2 ms, then opens a session and makes one call. Prints the microseconds
 * from before the start to the call's answer; ends the command with SIGTERM and waits for it. */
#include "client.h"

#include "json.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Its stdout and stderr would mix with ours. */
static pid_t
start(char **command)
{
    posix_spawn_file_actions_t actions;
    pid_t                      pid = -1;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0); /* O_WRONLY */
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0);
    if (posix_spawnp(&pid, command[0], &actions, NULL, command, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static bool
first_answer(struct client *c, double limit)
{
    struct span message, text;

    while (!client_connect(c, true)) {
        struct timespec pause = {.tv_nsec = 200000};
        if (now() > limit) {
            snprintf(c->why, sizeof c->why, "nothing listens");
            return false;
        }
        nanosleep(&pause, NULL);
    }
    if (!client_open(c))
        return false;
    if (!client_exchange(c, (struct rpc){"tools/call", "echo"},
                         SPAN("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\","
                              "\"arguments\":{\"text\":\"hello\"}}}")))
        return false;
    if (!client_message(&c->in, &message) || !json_string_at(message, "result.content.0.text", &text) ||
        !span_equal(text, SPAN("hello"))) {
        snprintf(c->why, sizeof c->why, "the call was answered %d, without its text", c->in.status);
        return false;
    }
    return true;
}

/* SIGTERM, and SIGKILL to what takes longer than 15 s. */
static void
end(pid_t pid)
{
    struct timespec pause = {.tv_nsec = 5000000};
    double          limit = now() + 15;

    kill(pid, SIGTERM);
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (now() > limit)
            kill(pid, SIGKILL);
        nanosleep(&pause, NULL);
    }
}

int
main(int argc, char **argv)
{
    struct target target  = {0};
    struct client client  = {0};
    double        timeout = 30;
    int           i       = 1;

    for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
        if (strcmp(argv[i], "--url") == 0 && target_parse(&target, argv[i + 1]))
            continue;
        if (strcmp(argv[i], "--timeout") == 0)
            timeout = strtod(argv[i + 1], NULL);
        else
            break;
    }
    if (i + 1 >= argc || strcmp(argv[i], "--") != 0 || target.port == 0) {
        fprintf(stderr,
                "usage: first_answer --url http://127.0.0.1:PORT/path [--timeout S] -- COMMAND [ARGUMENT...]\n");
        return 2;
    }

    double began = now();
    pid_t  pid   = start(argv + i + 1);
    if (pid < 0) {
        fprintf(stderr, "first_answer: cannot start %s\n", argv[i + 1]);
        return 1;
    }
    client_init(&client, &target);
    bool   ok    = first_answer(&client, began + timeout);
    double ended = now();

    if (ok)
        printf("%.0f\n", (ended - began) * 1e6);
    else
        fprintf(stderr, "first_answer: %s\n", client.why);
    client_clear(&client);
    end(pid);
    return ok ? 0 : 1;
}
