/* src/http/resolve.h: the addresses of one host. Owned by the network thread; what blocks runs on a worker.
 *
 * Numeric addresses and "localhost" (127.0.0.1 and ::1, RFC 6761 section 6.3) are known at once. Others are asked for,
 * by one look-up at a time for all who wait, and remembered for a few seconds. Families take turns, in the order in
 * which the system gives them (RFC 8305 section 4). */
#ifndef GATEHOUSE_HTTP_RESOLVE_H
#define GATEHOUSE_HTTP_RESOLVE_H

#include <netinet/in.h>

#include "base/loop.h"
#include "base/str.h"

enum { ADDRESSES_MAX = 8, ADDRESS_TEXT = 64 };

union address {
    struct sockaddr     any;
    struct sockaddr_in  v4;
    struct sockaddr_in6 v6;
};

struct addresses {
    unsigned      count;
    union address items[ADDRESSES_MAX];
};

/* "127.0.0.1:9000", "[::1]:9000", NUL-terminated. */
void address_format(const union address *a, char out[ADDRESS_TEXT]);

struct lookup;

struct resolver {
    struct loop     *loop;
    char            *host; /* NUL-terminated, owned */
    uint16_t         port;
    struct addresses known;
    mono_time        known_until; /* 0: nothing is known */
    struct lookup   *running;     /* NULL: none */
    struct list      waiting;     /* of struct resolver_wait, by node */
};

/* `done` is called once, later, unless resolver_leave comes first. Either argument is NULL. */
struct resolver_wait {
    struct list node;
    void (*done)(struct resolver_wait *wait, const struct addresses *addresses, const struct error *err);
};

bool resolver_init(struct resolver *r, struct loop *loop, struct str host, uint16_t port, struct error *err);
/* Nobody may be waiting any more; a look-up that runs ends unheard. */
void resolver_clear(struct resolver *r);
/* NULL: they must be asked for. */
const struct addresses *resolver_known(const struct resolver *r, mono_time now);
/* They did not work: ask again next time. */
void resolver_forget(struct resolver *r);
bool resolver_ask(struct resolver *r, struct resolver_wait *wait, struct error *err);
void resolver_leave(struct resolver_wait *wait);

#endif
