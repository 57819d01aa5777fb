/* src/daemon/info.h: which gateways run on a home, so that the command line finds one.
 *
 * Each has a file of its own, `daemon-PID.json`, and the first also `daemon.json`. Both go when it ends; what a killed
 * one leaves names a process that is gone, and is removed by the next start. */
#ifndef GATEHOUSE_DAEMON_INFO_H
#define GATEHOUSE_DAEMON_INFO_H

#include <sys/types.h>

#include "base/settings.h"

struct daemon_info {
    pid_t    pid;
    uint16_t port;
};

/* All block for a moment: at start, at the end, or in the command line. */
bool daemon_info_write(const struct settings *settings, uint16_t port, const char *url, struct error *err);
void daemon_info_remove(const struct settings *settings);
/* Those whose process lives, the one of daemon.json first; its number. A pid may be another program's by now: ask it.
 */
size_t daemon_info_list(const struct settings *settings, struct daemon_info *out, size_t max);

#endif
