/* src/cli/call/names.h: what the shell offers behind `gatehouse call`: names of servers, then a server's tools and
 * methods, then what a tool takes. */
#ifndef GATEHOUSE_CLI_CALL_NAMES_H
#define GATEHOUSE_CLI_CALL_NAMES_H

#include "cli/call/call.h"

/* For `--names`, a line each, of what was typed so far. No command is started for it, by a gateway neither: of a server
 * whose child does not run now the tools are offered that the log has seen. Nobody is waited for longer than a moment.
 * The exit code. */
int call_names(struct calling *c);

#endif
