/* src/guard/token.h: the local token: whoever may read the home may use the API.
 *
 * Made at first start in <home>/token (mode 0600); one that is found there is taken as it is. */
#ifndef GATEHOUSE_GUARD_TOKEN_H
#define GATEHOUSE_GUARD_TOKEN_H

#include "base/error.h"
#include "base/str.h"
#include "http/headers.h"

enum { TOKEN_SIZE = 512 };

struct local_token {
    char text[TOKEN_SIZE]; /* NUL-terminated, without line end */
    bool is_new;
};

/* Blocks: at start. */
bool local_token_load(struct local_token *token, const char *path, struct error *err);
/* Compares in constant time. */
bool local_token_matches(const struct local_token *token, struct str text);
/* `Authorization: Bearer <token>`, once. */
bool local_token_is_given(const struct local_token *token, const struct http_headers *headers);

#endif
