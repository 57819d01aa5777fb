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

enum { FETCH_HEADERS_MAX = 8, FETCH_SESSION_SIZE = 256 };

struct fetch {
    enum http_method   method;
    const char        *url;
    struct http_header headers[FETCH_HEADERS_MAX];
    size_t             header_count;
    struct str         body;
    mono_time          wait; /* for all of it */

    int           status;                      /* the answer */
    bool          is_stream;                   /* server-sent events; `answer` holds their data, a line each */
    char          session[FETCH_SESSION_SIZE]; /* Mcp-Session-Id; "" */
    struct buffer answer;                      /* cleared by the caller; max is set here */
};

/* Blocks until the answer is whole. False: there was none. */
bool fetch(struct fetch *f, struct error *err);
/* GET from the API of the running gateway, with the home's token. False: no 200. */
bool running_get(struct cli *cli, const struct running *r, const char *path, struct buffer *answer, struct error *err);

#endif
