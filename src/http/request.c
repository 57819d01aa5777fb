#include "http/request.h"

/* They frame the message or belong to one hop: who gave them meant another connection. */
static const struct str ours[] = {
    {"Connection", 10}, {"Content-Length", 14},    {"Expect", 6},
    {"Keep-Alive", 10}, {"Proxy-Connection", 16},  {"TE", 2},
    {"Trailer", 7},     {"Transfer-Encoding", 17}, {"Upgrade", 7},
};

/* RFC 9110 section 5.6.2: a bit for each byte that may stand in a token. */
static const uint64_t token_bytes[4] = {0x03ff6cfa00000000, 0x57ffffffc7fffffe, 0, 0};

static bool
is_token(struct str s)
{
    uint64_t good = 1;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        good &= token_bytes[c >> 6] >> (c & 63);
    }
    return s.len > 0 && good == 1;
}

/* RFC 9110 section 5.5; no branch per byte. */
static bool
is_value(struct str s)
{
    unsigned bad = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        bad |= (unsigned)(c < ' ' && c != '\t') | (unsigned)(c == 0x7f);
    }
    return bad == 0;
}

static bool
check_header(const struct http_header *h, struct error *err)
{
    if (!is_token(h->name))
        return error_set(err, ERROR_INVALID, "a header to be sent has a name that is none");
    if (!is_value(h->value))
        return error_set(err, ERROR_INVALID, "the header %.*s has a line end or control character in its value",
                         STR_ARG(h->name));
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (str_eq_nocase(h->name, ours[i]))
            return error_set(err, ERROR_INVALID, "the header %.*s is the gateway's to write: take it out",
                             STR_ARG(h->name));
    return true;
}

/* The callers have made room. */
static void
put(struct buffer *b, struct str s)
{
    if (s.len > 0)
        memcpy(b->data + b->end, s.data, s.len);
    b->end += s.len;
}

static void
put_header(struct buffer *b, struct str name, struct str value)
{
    put(b, name);
    put(b, STR(": "));
    put(b, value);
    put(b, STR("\r\n"));
}

static bool
always_has_length(enum http_method method)
{
    return method == HTTP_METHOD_POST || method == HTTP_METHOD_PUT || method == HTTP_METHOD_PATCH;
}

bool
request_format(struct buffer *b, const struct http_call_spec *spec, struct error *err)
{
    struct str method   = http_method_name(spec->method);
    bool       has_host = false;
    size_t     room     = 128 + method.len + spec->url->target.len + spec->url->authority.len;
    char       digits[STR_DIGITS];

    if (spec->method == HTTP_METHOD_OTHER)
        return error_set(err, ERROR_INVALID, "a request needs a method");
    for (size_t i = 0; i < spec->header_count; i++) {
        if (!check_header(&spec->headers[i], err))
            return false;
        room += spec->headers[i].name.len + spec->headers[i].value.len + 4;
        has_host |= str_eq_nocase(spec->headers[i].name, STR("Host"));
    }
    if (room > b->max)
        return error_set(err, ERROR_TOO_LARGE, "the head of the request is larger than %zu bytes", b->max);
    if (!buffer_reserve(b, room))
        return error_set(err, ERROR_MEMORY, "no memory for a request");

    put(b, method);
    put(b, spec->url->target.data[0] == '?' ? STR(" /") : STR(" "));
    put(b, spec->url->target);
    put(b, STR(" HTTP/1.1\r\n"));
    if (!has_host)
        put_header(b, STR("Host"), spec->url->authority);
    for (size_t i = 0; i < spec->header_count; i++)
        put_header(b, spec->headers[i].name, spec->headers[i].value);
    if (spec->body.len > 0 || always_has_length(spec->method))
        put_header(b, STR("Content-Length"), str_of_u64(digits, spec->body.len));
    put(b, STR("\r\n"));
    return true;
}
