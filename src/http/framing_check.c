#include "http/framing_check.h"

static enum http_method
method_of(uint8_t method)
{
    switch (method) {
    case HTTP_GET:
        return HTTP_METHOD_GET;
    case HTTP_HEAD:
        return HTTP_METHOD_HEAD;
    case HTTP_POST:
        return HTTP_METHOD_POST;
    case HTTP_PUT:
        return HTTP_METHOD_PUT;
    case HTTP_DELETE:
        return HTTP_METHOD_DELETE;
    case HTTP_OPTIONS:
        return HTTP_METHOD_OPTIONS;
    case HTTP_PATCH:
        return HTTP_METHOD_PATCH;
    default:
        return HTTP_METHOD_OTHER;
    }
}

/* RFC 9112 section 3.2: /path?query, or * with OPTIONS, or the absolute form, whose authority must be what Host says:
 * nobody who comes after us may take one for the other. */
static bool
split_target(struct http_request *r)
{
    struct str rest = r->target;

    if (str_index(rest, '#') >= 0)
        return false;
    if (str_eq(rest, STR("*"))) {
        r->path = rest;
        return r->method == HTTP_METHOD_OPTIONS;
    }
    if (rest.len > 0 && rest.data[0] != '/') {
        if (!str_starts_nocase(rest, STR("http://"))) /* what else we are asked for is not ours: RFC 9110 section 7.4 */
            return false;
        rest             = str_skip(rest, 7);
        size_t authority = 0;
        while (authority < rest.len && rest.data[authority] != '/' && rest.data[authority] != '?')
            authority++;
        if (!str_eq_nocase(str_take(rest, authority), http_header(&r->headers, STR("host"))))
            return false;
        rest = str_skip(rest, authority);
    }
    ptrdiff_t mark = str_index(rest, '?');
    r->path        = mark < 0 ? rest : str_take(rest, (size_t)mark);
    r->query       = mark < 0 ? STR_NONE : str_skip(rest, (size_t)mark + 1);
    if (r->path.len == 0)
        r->path = STR("/");
    return r->path.data[0] == '/';
}

/* RFC 9112 section 3: one space before the target, one behind it, and a version. llhttp takes more spaces, and what
 * RTSP calls itself. */
static bool
is_request_line(const struct framing *f)
{
    const struct http_request *r    = f->request;
    struct str                 head = buffer_str(&f->head);

    if (r->target.len == 0 || r->target.data != r->method_name.data + r->method_name.len + 1)
        return false;
    size_t behind = (size_t)(r->target.data - head.data) + r->target.len;
    return str_starts(str_skip(head, behind), STR(" HTTP/1."));
}

int
framing_check_head(struct framing *f)
{
    llhttp_t            *p = &f->parser;
    struct http_request *r = f->request;

    f->is_http10  = p->http_minor == 0;
    f->is_chunked = (p->flags & F_CHUNKED) != 0;
    r->method     = method_of(p->method);
    if (p->http_major != 1)
        return framing_refuse(f, 505, "this is HTTP/1.1");
    if (!is_request_line(f))
        return framing_refuse(f, 400, "the request line is malformed");
    if (f->hosts > 1 || (f->hosts == 0 && !f->is_http10))
        return framing_refuse(f, 400, "exactly one Host is needed");
    if (p->method == HTTP_CONNECT)
        return framing_refuse(f, 501, "CONNECT is not done here");
    if (!split_target(r))
        return framing_refuse(f, 400, "the request target is malformed");
    if (f->codings > 0 && (f->is_http10 || !f->is_chunked || (p->flags & F_CONTENT_LENGTH)))
        return framing_refuse(f, 400, "the length of the body is given in two ways");
    if ((p->flags & F_CONTENT_LENGTH) && p->content_length > f->limits->body_bytes)
        return framing_refuse(f, 413, "the body is too large");
    f->expects_continue &= !f->is_http10;
    f->keep_alive = llhttp_should_keep_alive(p) != 0;
    f->is_whole   = !f->is_chunked && p->content_length == 0;
    return 0;
}
