/* src/http/url.h: where an upstream is, read from what a person wrote.
 *
 * http and https only (RFC 3986, RFC 9110 section 4.2). What is odd is refused with words instead of mended: a name and
 * password before the host (credentials go into headers), spaces, control characters and bytes beyond ASCII, hosts that
 * are neither a name nor an address. Percent-encoding stays as written; a fragment never leaves the house. */
#ifndef GATEHOUSE_HTTP_URL_H
#define GATEHOUSE_HTTP_URL_H

#include "base/error.h"
#include "base/str.h"

enum { HTTP_URL_MAX = 8192, HTTP_HOST_MAX = 253 };

struct http_url {
    bool       tls;
    struct str host; /* without the brackets of an IPv6 address; case as written */
    uint16_t   port;
    struct str authority; /* for the Host header: host, and ":port" when one was written */
    struct str target; /* path and query as written; "/" when there is neither. A query without a path starts with '?':
                          the client puts the "/" before it */
};

/* The parts are slices of `text`. The error never shows what may be a secret: user, password, query. */
bool http_url_parse(struct str text, struct http_url *url, struct error *err);

#endif
