#include "http/url.h"

#include <arpa/inet.h>

static bool
check_characters(struct str text, struct error *err)
{
    if (text.len > HTTP_URL_MAX)
        return error_set(err, ERROR_INVALID, "the URL is longer than %d bytes", HTTP_URL_MAX);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == ' ')
            return error_set(err, ERROR_INVALID, "the URL has a space at byte %zu: write %%20", i + 1);
        if (c < ' ' || c == 0x7f)
            return error_set(err, ERROR_INVALID, "the URL has a control character at byte %zu", i + 1);
        if (c > 0x7f)
            return error_set(
                err, ERROR_INVALID,
                "the URL has a character beyond ASCII at byte %zu: write a path as %%XX and a host in its xn-- form",
                i + 1);
    }
    return true;
}

static bool
cut_scheme(struct str *rest, struct http_url *url, struct error *err)
{
    url->tls = str_starts_nocase(*rest, STR("https://"));
    if (!url->tls && !str_starts_nocase(*rest, STR("http://")))
        return error_set(err, ERROR_INVALID, "the URL must start with http:// or https://");
    *rest = str_skip(*rest, url->tls ? 8 : 7);
    return true;
}

static bool
check_ipv6(struct str host, struct error *err)
{
    char            text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (host.len >= sizeof text)
        return error_set(err, ERROR_INVALID, "the URL's host in [] is no IPv6 address");
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET6, text, &address) != 1)
        return error_set(err, ERROR_INVALID, "the URL's host [%s] is no IPv6 address (zones are not supported)", text);
    return true;
}

static bool
is_host_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
}

static bool
check_name(struct str host, struct error *err)
{
    if (host.len == 0)
        return error_set(err, ERROR_INVALID, "the URL has no host");
    if (host.len > HTTP_HOST_MAX)
        return error_set(err, ERROR_INVALID, "the URL's host is longer than %d bytes", HTTP_HOST_MAX);
    for (size_t i = 0; i < host.len; i++)
        if (!is_host_character(host.data[i]))
            return error_set(err, ERROR_INVALID, "the URL's host has the character '%c', which no host name has",
                             host.data[i]);
    if (host.data[0] == '.' || str_find(host, STR("..")) >= 0)
        return error_set(err, ERROR_INVALID, "the URL's host %.*s has an empty label", STR_ARG(host));
    return true;
}

/* Splits "host", "host:port", "[address]" or "[address]:port". `port` is what stands behind the colon. */
static bool
cut_host(struct str authority, struct http_url *url, struct str *port, struct error *err)
{
    if (authority.len > 0 && authority.data[0] == '[') {
        ptrdiff_t end = str_index(authority, ']');
        if (end < 0)
            return error_set(err, ERROR_INVALID, "the URL's host has [ without ]");
        url->host = str_of(authority.data + 1, (size_t)end - 1);
        *port     = str_skip(authority, (size_t)end + 1);
        if (port->len > 0 && port->data[0] != ':')
            return error_set(err, ERROR_INVALID, "the URL has something between ] and the port");
        *port = str_skip(*port, 1);
        return check_ipv6(url->host, err);
    }

    ptrdiff_t colon = str_index(authority, ':');
    url->host       = colon < 0 ? authority : str_take(authority, (size_t)colon);
    *port           = colon < 0 ? STR_NONE : str_skip(authority, (size_t)colon + 1);
    return check_name(url->host, err);
}

bool
http_url_parse(struct str text, struct http_url *url, struct error *err)
{
    struct str rest = text, port;
    uint64_t   number;

    *url = (struct http_url){0};
    if (!check_characters(text, err) || !cut_scheme(&rest, url, err))
        return false;

    ptrdiff_t fragment = str_index(rest, '#');
    if (fragment >= 0)
        rest = str_take(rest, (size_t)fragment);
    size_t end = 0;
    while (end < rest.len && rest.data[end] != '/' && rest.data[end] != '?')
        end++;
    url->authority = str_take(rest, end);
    url->target    = str_skip(rest, end);
    if (url->target.len == 0)
        url->target = STR("/");

    if (str_index(url->authority, '@') >= 0)
        return error_set(err, ERROR_INVALID,
                         "the URL has a user or password before the host: put credentials in headers");
    if (!cut_host(url->authority, url, &port, err))
        return false;
    url->port = url->tls ? 443 : 80;
    if (port.len > 0) {
        if (!str_to_u64(port, &number) || number == 0 || number > UINT16_MAX)
            return error_set(err, ERROR_INVALID, "the URL's port must be a number from 1 to 65535");
        url->port = (uint16_t)number;
    } else if (url->authority.data[url->authority.len - 1] == ':') {
        url->authority.len--; /* "host:" means the default port, RFC 3986 section 3.2.3 */
    }
    return true;
}
