/* src/daemon/daemon.h: assembles a running Gatehouse and takes it apart again.
 *
 * Start: the home is made or checked, what it holds is read, the database opened, the port taken on both loopbacks;
 * then `on_ready`. SIGHUP reads mcp.json and gatehouse.yaml again (reload.h). SIGTERM and SIGINT drain: no new
 * connections, calls in flight finish, `drain` at most; then sessions end, children stop, the database is closed. */
#ifndef GATEHOUSE_DAEMON_DAEMON_H
#define GATEHOUSE_DAEMON_DAEMON_H

#include "base/settings.h"
#include "gateway/registry/registry.h"

struct daemon_ready {
    uint16_t               port;
    const char            *url; /* http://localhost:PORT */
    const char            *home;
    const char            *token; /* made at this start; NULL: it was there */
    const struct registry *registry;
};

/* Runs until a signal ends it. False: it could not start (`err`). `on_ready` is called once, when connections are
 * taken. `source` is what `settings` were read from, and will be again. */
bool daemon_run(const struct settings *settings, const struct settings_source    *source,
                void (*on_ready)(const struct daemon_ready *ready), struct error *err);

/* Makes the home, and refuses one that others may enter; files in it that others may read are closed to them. */
bool home_prepare(const char *home, struct error *err);
/* "<home>/<name>" into `out`. False: too long. */
bool home_path(char *out, size_t size, const struct settings *settings, const char *name);

#endif
