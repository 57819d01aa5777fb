/* src/mcp/head_check.h: what is wrong with the head of a client's request, before its body is there.
 *
 * For whoever takes MCP over HTTP: a field that one reader takes from the first place and another from the last, a GET
 * whose content may be the next request, a body in a form that is not read. */
#ifndef GATEHOUSE_MCP_HEAD_CHECK_H
#define GATEHOUSE_MCP_HEAD_CHECK_H

#include "http/server.h"

struct head_flaw {
    int  status, code; /* HTTP and JSON-RPC */
    char text[80];
};

/* Of a POST, GET or DELETE. False: `flaw` says what is wrong. */
bool head_check(const struct http_request *r, struct head_flaw *flaw);

#endif
