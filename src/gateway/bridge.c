/* Clients of one era, servers of the other: they are told which revisions the server speaks. */
#include "gateway/parts.h"
#include "mcp/revision.h"

enum { REVISION_SHOWN = 64 };

bool
bridge_takes_request(struct server *s, struct http_request *r)
{
    (void)s, (void)r;
    return false;
}

static bool
append_refused(struct buffer *b, const struct exchange *x, struct str text)
{
    struct str id = x->kind == KIND_REQUEST ? x->message.id : STR_NONE;

    bool ok = buffer_append(b, STR("{\"jsonrpc\":\"2.0\",\"id\":")) &&
              buffer_append(b, id.len > 0 ? id : STR("null")) &&
              buffer_append(b, STR(",\"error\":{\"code\":-32022,\"message\":")) && buffer_append_json(b, text) &&
              buffer_append(b, STR(",\"data\":{\"supported\":["));
    for (size_t i = 0; ok && legacy_revisions[i] != NULL; i++)
        ok = buffer_printf(b, "%s\"%s\"", i == 0 ? "" : ",", legacy_revisions[i]);
    return ok && buffer_append(b, STR("],\"requested\":")) &&
           buffer_append_json(b, str_take(x->message.modern_revision, REVISION_SHOWN)) && buffer_append(b, STR("}}}"));
}

void
bridge_take(struct server *s, struct exchange *x, const char *words)
{
    struct buffer answer = {.max = KIB(8)};

    (void)s, (void)words;
    x->http_status = 400;
    x->error_code  = -32022;
    x->judged = x->failed = true;
    if (append_refused(&answer, x,
                       STR("this server is reached over stdio and speaks revisions up to 2025-11-25: begin with "
                           "initialize"))) {
        exchange_note(x, FROM_SERVER, buffer_str(&answer), false);
        if (x->front != NULL)
            x->front->ops->message(x->front, x, buffer_str(&answer), true);
    }
    buffer_clear(&answer);
    exchange_close(x, CLOSE_REFUSED);
}

bool
bridge_takes_refused(struct server *s, struct exchange *x, struct str refusal)
{
    (void)s, (void)x, (void)refusal;
    return false;
}
