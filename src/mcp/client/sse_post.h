/* src/mcp/client/sse_post.h: what is said to an HTTP+SSE server, a POST each. Its answer is no more than a status: what
 * the server has to say comes on its event stream, perhaps earlier. For way_sse.c only. */
#ifndef GATEHOUSE_MCP_CLIENT_SSE_POST_H
#define GATEHOUSE_MCP_CLIENT_SSE_POST_H

#include "exchange/exchange.h"
#include "mcp/http_back.h"

enum { SSE_FIELDS_MAX = 160 };

/* Those on their way. */
struct sse_posts {
    const struct http_upstream *to;     /* whose headers go along, */
    const struct http_headers  *fields; /* and those of the client for whom we speak before them */
    struct list                 all;    /* of struct sse_post */
    /* A refusal of the message of `x` has such a head. */
    void (*on_refusal)(struct exchange *x, int status, const struct http_headers *headers);
    /* The server took the message of `x`, or did not: `status`, or 0 and why there is none. */
    void (*on_status)(struct sse_posts *posts, struct exchange *x, int status, const struct error *err);
};

/* With all of it set but the list. */
void sse_posts_init(struct sse_posts *posts);
/* Gives up what is on its way, and tells nobody. */
void sse_posts_clear(struct sse_posts *posts);
/* `x` may be NULL: nobody waits. `text` is copied. False: `err`. */
bool sse_post(struct sse_posts *posts, const struct http_url *url, struct exchange *x, struct str text,
              struct error *err);
/* `x` is over: its message still goes out, for a while. */
void sse_posts_forget(struct sse_posts *posts, const struct exchange *x);

/* Ours, those of the client, then those of the registry that are not among them. How many there are. */
size_t sse_fields(const struct sse_posts *posts, const struct http_header *ours, size_t count,
                  struct http_header fields[SSE_FIELDS_MAX]);

#endif
