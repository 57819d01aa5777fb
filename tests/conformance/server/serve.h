/* tests/conformance/server/serve.h: a program that is one service.
 *
 *   PROGRAM [--port N] [--stdio] [--era legacy|modern|both] [--asks-anyway] [--page N]
 *
 * Over HTTP it listens on loopback, at /mcp, for its own origin alone, and says its URL on stdout once it does; port 0,
 * which is the default, picks one. --page: most entries of a list in one answer. --asks-anyway: legacy clients are
 * asked also what they did not say they can. It ends with SIGTERM or SIGINT, on stdio also with its input. */
#ifndef GATEHOUSE_TESTS_CONFORMANCE_SERVE_H
#define GATEHOUSE_TESTS_CONFORMANCE_SERVE_H

#include "mcp/service/service.h"

/* The exit code of the program: 0, 1 when it could not start (stderr says why), 2 for arguments that it does not know.
 */
int serve(int argc, char **argv, const struct service_table *table);

#endif
