/* tests/unit/cli/cli_fixture.h: runs commands on a home of their own. */
#ifndef GATEHOUSE_TESTS_CLI_FIXTURE_H
#define GATEHOUSE_TESTS_CLI_FIXTURE_H

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "store/capture.h"
#include "test.h"

struct home {
    char            path[64], database[96], variable[96];
    struct traffic *traffic;
    char           *out, *err; /* of the last command */

    const char *typed;        /* what is piped into the next */
    FILE       *keyboard;     /* instead: a terminal; the test closes it */
    char       *columns;      /* "COLUMNS=60": it writes to a terminal */
    char       *variable_too; /* of the environment */
    char       *variable_also;
};

static inline void
home_open(struct home *h)
{
    *h = (struct home){.path = "/tmp/gatehouse-cli-XXXXXX"};
    assert_non_null(mkdtemp(h->path));
    snprintf(h->database, sizeof h->database, "%s/traffic.db", h->path);
    snprintf(h->variable, sizeof h->variable, "GATEHOUSE_HOME=%s", h->path);
}

static inline int
home_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static inline void
home_close(struct home *h)
{
    nftw(h->path, home_remove, 8, FTW_DEPTH | FTW_PHYS);
    free(h->out);
    free(h->err);
}

/* The exit code; `h->out` and `h->err` hold what was said. */
static inline int
home_run(struct home *h, char *const *words)
{
    size_t     count = 0, out_len, err_len;
    char      *env[] = {h->variable, NULL, NULL, NULL, NULL};
    struct cli cli   = {.environment = env, .is_terminal = h->columns != NULL};

    free(h->out);
    free(h->err);
    while (words[count] != NULL)
        count++;
    if (h->columns != NULL)
        env[1] = h->columns;
    env[h->columns != NULL ? 2 : 1] = h->variable_too;
    if (h->variable_too != NULL)
        env[h->columns != NULL ? 3 : 2] = h->variable_also;
    cli.in  = h->keyboard != NULL ? h->keyboard
              : h->typed != NULL  ? fmemopen((void *)(uintptr_t)h->typed, strlen(h->typed), "r")
                                  : fopen("/dev/null", "re");
    cli.out = open_memstream(&h->out, &out_len);
    cli.err = open_memstream(&h->err, &err_len);
    assert_true(cli.in != NULL && cli.out != NULL && cli.err != NULL);
    int code = cli_run(&cli, count, words);
    if (h->keyboard == NULL)
        fclose(cli.in);
    fclose(cli.out);
    fclose(cli.err);
    return code;
}

/* run(h, "logs", "--json") */
#define run(h, ...) home_run((h), (char *[]){__VA_ARGS__, NULL})

#define assert_said(text, part)                                                                                        \
    do {                                                                                                               \
        if (strstr((text), (part)) == NULL)                                                                            \
            fail_msg("\"%s\" is not in \"%s\"", (part), (text));                                                       \
    } while (0)

static inline uint64_t
home_capture(struct home *h, const char *server, const char *tool, const char *request, const char *answer)
{
    struct labels *l  = labels_for(server, "s-1", "ada");
    uint64_t       id = capture_call(h->traffic, l, tool, request, answer, 3100);

    labels_unref(l);
    return id;
}

#endif
