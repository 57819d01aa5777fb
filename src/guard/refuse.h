/* src/guard/refuse.h: a request that is turned away before anybody looks into it. */
#ifndef GATEHOUSE_GUARD_REFUSE_H
#define GATEHOUSE_GUARD_REFUSE_H

#include "guard/token.h"
#include "http/server.h"

/* Answers {"error": {"code", "message"}}, as the Fiberplane gateway does; the request is dead. `extra`: one more
 * header, or NULL. */
void refuse(struct http_request *r, int status, const char *code, const char *text, const struct http_header *extra);
/* False: it does not bring the token; it was answered 401, and is dead. */
bool refuse_without_token(struct http_request *r, const struct local_token *token);

#endif
