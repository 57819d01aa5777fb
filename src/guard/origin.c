#include "guard/origin.h"

/* "name:port" or "name", in which an IPv6 address stands in brackets. */
static bool
split_host(struct str host, struct str *name, uint64_t *port)
{
    size_t from = host.len > 0 && host.data[0] == '[' ? (size_t)(str_index(host, ']') + 1) : 0;

    ptrdiff_t colon = str_index(str_skip(host, from), ':');
    *port           = 0;
    if (colon < 0) {
        *name = host;
        return host.len > 0;
    }
    *name = str_take(host, from + (size_t)colon);
    return name->len > 0 && str_to_u64(str_skip(host, from + (size_t)colon + 1), port) && *port > 0 && *port < 65536;
}

static bool
is_loopback_name(struct str name)
{
    return str_eq_nocase(name, STR("localhost")) || str_eq(name, STR("127.0.0.1")) || str_eq(name, STR("[::1]"));
}

static bool
is_ours(const struct origin_rules *rules, struct str host, uint64_t default_port)
{
    struct str name, listed, rest = rules->allowed_hosts;
    uint64_t   port;

    if (!split_host(host, &name, &port))
        return false;
    if (is_loopback_name(name) && (port == 0 ? default_port : port) == rules->port)
        return true;
    while (str_cut(&rest, ',', &listed)) {
        listed = str_trim(listed);
        if (listed.len > 0 && (str_eq_nocase(listed, host) || str_eq_nocase(listed, name)))
            return true;
    }
    return false;
}

static bool
origin_is_ours(const struct origin_rules *rules, struct str origin)
{
    if (str_starts_nocase(origin, STR("http://")))
        return is_ours(rules, str_skip(origin, 7), 80);
    if (str_starts_nocase(origin, STR("https://")))
        return is_ours(rules, str_skip(origin, 8), 443);
    return false;
}

bool
origin_check(const struct origin_rules *rules, const struct http_request *r, bool is_page, struct error *err)
{
    struct str host   = http_header(&r->headers, STR("host"));
    struct str origin = http_header(&r->headers, STR("origin"));
    struct str site   = http_header(&r->headers, STR("sec-fetch-site"));
    struct str mode   = http_header(&r->headers, STR("sec-fetch-mode"));

    if (host.data != NULL && !is_ours(rules, host, 80))
        return error_set(err, ERROR_DENIED,
                         "Host \"%.*s\" is not a name of this gateway; add it to http.allowed_hosts if it is",
                         host.len > 100 ? 100 : (int)host.len, host.data);
    if (origin.data != NULL && (!origin_is_ours(rules, origin) || http_header_count(&r->headers, STR("origin")) > 1))
        return error_set(err, ERROR_DENIED, "a page of another origin may not call this gateway");
    if (site.data != NULL && ((!str_eq_nocase(site, STR("same-origin")) && !str_eq_nocase(site, STR("none"))) ||
                              http_header_count(&r->headers, STR("sec-fetch-site")) > 1))
        return error_set(err, ERROR_DENIED, "a page of another site may not call this gateway");
    if (!is_page && str_eq_nocase(mode, STR("navigate")))
        return error_set(err, ERROR_DENIED, "this is an address for programs, not for the address bar");
    return true;
}
