#include "guard/refuse.h"

#include "base/buffer.h"

void
refuse(struct http_request *r, int status, const char *code, const char *text, const struct http_header *extra)
{
    struct http_header headers[2] = {{STR("Content-Type"), STR("application/json")}};
    struct buffer      body       = {.max = KIB(4)};
    bool               ok         = buffer_printf(&body, "{\"error\":{\"code\":\"%s\",\"message\":", code) &&
              buffer_append_json(&body, str_from(text)) && buffer_append(&body, STR("}}\n"));

    if (extra != NULL)
        headers[1] = *extra;
    http_answer(r, status, headers, extra == NULL ? 1 : 2, ok ? buffer_str(&body) : STR_NONE);
    buffer_clear(&body);
}

bool
refuse_without_token(struct http_request *r, const struct local_token *token)
{
    struct http_header bearer   = {STR("WWW-Authenticate"), STR("Bearer")};
    bool               is_there = http_header(&r->headers, STR("authorization")).data != NULL;

    if (local_token_is_given(token, &r->headers))
        return true;
    refuse(r, 401, "UNAUTHORIZED",
           is_there ? "Invalid token: the right one is in <home>/token"
                    : "Missing or invalid Authorization header: send `Authorization: Bearer` and the token in "
                      "<home>/token",
           &bearer);
    return false;
}
