#include "mcp/failure.h"

bool
append_failure(struct buffer *b, const char *server, const struct exchange *x, enum close_reason why)
{
    struct buffer text = {.max = KIB(2)};
    struct str    id   = x->kind == KIND_REPLY ? STR_NONE : x->message.id; /* that is of a request of ours */
    bool          ok   = buffer_printf(&text, "%s %s", server[0] == '\0' ? "Gatehouse" : server, close_info[why].text);

    if (ok && x->detail.len > 0)
        ok = buffer_printf(&text, ": %.*s", STR_ARG(x->detail));
    ok = ok && append_error_message(b, id, -32603, buffer_str(&text), close_info[why].name);
    buffer_clear(&text);
    return ok;
}
