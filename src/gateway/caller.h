/* src/gateway/caller.h: who a client is to an HTTP server behind the bridge, by the header fields that it sends along.
 *
 * Where messages pass, a client's own fields reach the server; over the bridge they stand on messages of ours. A server
 * binds a session to who opened it, so who sends other fields is another caller, and has another connection of ours: no
 * client ever rides on what another has sent. All fields count that may leave (header_rules.h), but for those that we
 * write ourselves and those that are known to say nothing of who calls. What is not known is taken for a credential.
 *
 * Callers are one when the keyed hash (HMAC-SHA-256, a key for each process) of their fields, as written and in their
 * order, is one. There is a single copy of the fields; it is wiped when nobody refers to it any more. Owned by the
 * network thread. */
#ifndef GATEHOUSE_GATEWAY_CALLER_H
#define GATEHOUSE_GATEWAY_CALLER_H

#include "base/error.h"
#include "base/map.h"
#include "http/headers.h"

enum { CALLER_KEY = 32, CALLER_FIELDS_MAX = 64, CALLER_BYTES_MAX = 16 << 10 };

/* Bounded by who refers to one: open requests, and connections of ours. */
struct callers {
    struct map    by_digest; /* -> struct caller * */
    uint64_t      last;      /* number given */
    unsigned char key[CALLER_KEY];
};

/* NULL is a caller, too: who sends no such field. */
struct caller;

void callers_init(struct callers *all);
/* Nobody refers to any. */
void callers_clear(struct callers *all);

/* A reference to the one with these fields of a request, of which a value of Authorization with `withheld` in it, our
 * own token, is none. False: `err`, ERROR_TOO_LARGE or ERROR_MEMORY. */
bool caller_find(struct callers *all, const struct http_headers *headers, struct str withheld, struct caller **found,
                 struct error *err);
struct caller *caller_ref(struct caller *c);
void           caller_unref(struct caller *c);
/* Of no other, ever; 0 of none. */
uint64_t caller_number(const struct caller *c);
/* As long as it is referred to. */
struct http_headers caller_fields(const struct caller *c);

#endif
