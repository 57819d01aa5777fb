/* src/cli/running.h: the gateway that runs on this home, and asking it. */
#ifndef GATEHOUSE_CLI_RUNNING_H
#define GATEHOUSE_CLI_RUNNING_H

#include "cli/cli.h"
#include "http/headers.h"

struct running {
    pid_t    pid;
    uint16_t port;
    char     url[64];
};

/* Of those that say they run on the home (daemon/info.h) the first that answers /healthz. False: none runs. */
bool running_find(struct cli *cli, struct running *out);

/* A GET. */
struct fetch {
    const char *url;
    struct str  authorization; /* empty: none */
    mono_time   wait;          /* for all of it */

    int           status; /* the answer */
    struct buffer answer; /* cleared by the caller; max is set here */
};

/* Blocks until the answer is whole. False: there was none. */
bool fetch(struct fetch *f, struct error *err);
/* GET from the API of the running gateway, with the home's token. False: no 200. */
bool running_get(struct cli *cli, const struct running *r, const char *path, struct buffer *answer, struct error *err);

#endif
