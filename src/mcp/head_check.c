#include "mcp/head_check.h"

#include <stdio.h>

/* What is read here and passes on: of two such fields one reader takes the first, another the last (RFC 9110 section
 * 5.3). No data: none is there twice. */
static struct str
field_given_twice(const struct http_headers *headers)
{
    static const struct str single[] = {
        {"Content-Type", 12}, {"Mcp-Session-Id", 14}, {"MCP-Protocol-Version", 20}, {"Authorization", 13},
        {"Mcp-Method", 10},   {"Mcp-Name", 8},        {"Last-Event-ID", 13},
    };
    unsigned seen = 0;

    for (size_t i = 0; i < headers->count; i++)
        for (size_t k = 0; k < sizeof single / sizeof single[0]; k++) {
            if (!str_eq_nocase(headers->items[i].name, single[k]))
                continue;
            if ((seen & 1U << k) != 0)
                return single[k];
            seen |= 1U << k;
        }
    return STR_NONE;
}

/* Content of GET and DELETE means nothing, and the next reader may take it for a request (RFC 9110 section 9.3.1). */
static bool
has_body(const struct http_request *r)
{
    struct str length = http_header(&r->headers, STR("content-length"));
    uint64_t   bytes  = 0;

    return http_header(&r->headers, STR("transfer-encoding")).data != NULL || (str_to_u64(length, &bytes) && bytes > 0);
}

static bool
is_flawed(struct head_flaw *flaw, int status, int code, const char *text)
{
    flaw->status = status;
    flaw->code   = code;
    snprintf(flaw->text, sizeof flaw->text, "%s", text);
    return false;
}

bool
head_check(const struct http_request *r, struct head_flaw *flaw)
{
    struct str twice = field_given_twice(&r->headers);
    char       text[80];

    if (twice.data != NULL) {
        snprintf(text, sizeof text, "%.*s is given twice", STR_ARG(twice));
        return is_flawed(flaw, 400, -32600, text);
    }
    if (r->method != HTTP_METHOD_POST && has_body(r))
        return is_flawed(flaw, 400, -32600, "a GET or DELETE has no body");
    if (r->method == HTTP_METHOD_POST &&
        !http_is_type(http_header(&r->headers, STR("content-type")), STR("application/json")))
        return is_flawed(flaw, 415, -32000, "Content-Type must be application/json");
    if (http_header(&r->headers, STR("content-encoding")).data != NULL)
        return is_flawed(flaw, 415, -32000, "a body with a Content-Encoding is not read; send it plain");
    return true;
}
