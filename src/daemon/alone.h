/* src/daemon/alone.h: what is built in, on stdin and stdout of this process: for clients that start their servers
 * themselves. No gateway needs to run; any number of these may share a home, with one or without. */
#ifndef GATEHOUSE_DAEMON_ALONE_H
#define GATEHOUSE_DAEMON_ALONE_H

#include "base/settings.h"

/* As running.h has it for its descriptors: non-blocking while it runs. */
struct alone_parts {
    const struct settings *settings;
    const char            *name; /* of built_ins */
    char *const           *environment;
    int                    in, out;
    /* Once, when it reads: `path` is where it keeps what it has. */
    void (*on_ready)(void *owner, const char *path);
    void *owner;
};

/* Until the input ends, nobody reads the output, or SIGINT, SIGTERM or SIGHUP comes. What it acknowledged is on the
 * disk when it returns. False: it could not start (`err`). */
bool alone_run(const struct alone_parts *parts, struct error *err);

#endif
