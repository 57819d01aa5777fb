#include "mcp/header_rules.h"

/* Of the client's header fields, these never cross: they are about the connection, about the browser, or ours. */
static bool
stays_here(struct str name)
{
    static const struct str kept[] = {
        {"connection", 10},
        {"keep-alive", 10},
        {"proxy-connection", 16},
        {"proxy-authorization", 19},
        {"te", 2},
        {"trailer", 7},
        {"transfer-encoding", 17},
        {"upgrade", 7},
        {"host", 4},
        {"content-length", 14},
        {"expect", 6},
        {"cookie", 6},
        {"accept-encoding", 15},
        {"origin", 6},
        {"referer", 7},
        {"forwarded", 9},
        {"content-encoding", 16},
        {"http2-settings", 14},
    };

    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (str_eq_nocase(name, kept[i]))
            return true;
    return str_starts_nocase(name, STR("sec-")) || str_starts_nocase(name, STR("x-forwarded-"));
}

/* RFC 9110 section 7.6.1: what Connection names is about the connection too. */
static bool
is_named_by(const struct http_headers *headers, struct str name)
{
    struct str part;

    for (size_t i = 0; i < headers->count; i++) {
        struct str list = headers->items[i].value;
        if (!str_eq_nocase(headers->items[i].name, STR("connection")))
            continue;
        while (str_cut(&list, ',', &part))
            if (str_eq_nocase(str_trim(part), name))
                return true;
    }
    return false;
}

bool
header_may_leave(const struct http_headers *headers, struct str name)
{
    return !stays_here(name) && !is_named_by(headers, name);
}

bool
header_is_of_caller(struct str name)
{
    static const struct str others[] = {
        /* of the message, with Content-* and Accept-* */
        {"last-event-id", 13},
        {"cache-control", 13},
        {"pragma", 6},
        {"priority", 8},
        {"date", 4},
        /* of the program */
        {"user-agent", 10},
        {"dnt", 3},
        /* of one call: where it stands in a trace */
        {"traceparent", 11},
        {"tracestate", 10},
        {"baggage", 7},
        {"b3", 2},
        {"x-request-id", 12},
        {"x-correlation-id", 16},
        {"request-id", 10},
        {"correlation-context", 19},
        {"idempotency-key", 15},
        {"sentry-trace", 12},
        {"uber-trace-id", 13},
        {"x-amzn-trace-id", 15},
        {"x-cloud-trace-context", 21},
    };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (str_eq_nocase(name, others[i]))
            return false;
    return !str_starts_nocase(name, STR("mcp-")) && !str_starts_nocase(name, STR("content-")) &&
           !str_starts_nocase(name, STR("accept")) && !str_starts_nocase(name, STR("x-b3-")) &&
           !str_starts_nocase(name, STR("x-datadog-"));
}

/* What a server may say from our origin, beside the type of its answer. */
bool
header_may_enter(struct str name)
{
    static const struct str allowed[] = {
        {"www-authenticate", 16}, {"retry-after", 11}, {"cache-control", 13}, {"allow", 5}};

    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (str_eq_nocase(name, allowed[i]))
            return true;
    return str_starts_nocase(name, STR("mcp-"));
}
