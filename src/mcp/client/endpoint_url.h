/* src/mcp/client/endpoint_url.h: where an HTTP+SSE server wants our messages: a reference, resolved against the address
 * of its stream (RFC 3986 section 5.2), and refused when it leads to another origin, for our credentials go with them.
 */
#ifndef GATEHOUSE_MCP_CLIENT_ENDPOINT_URL_H
#define GATEHOUSE_MCP_CLIENT_ENDPOINT_URL_H

#include "base/buffer.h"
#include "http/url.h"

/* Writes the address into `text`, which `url` lies in from then on. False: `err` says what is wrong with it. */
bool endpoint_url_resolve(const struct http_url *base, struct str reference, struct buffer *text, struct http_url *url,
                          struct error *err);

#endif
