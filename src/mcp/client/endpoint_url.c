#include "mcp/client/endpoint_url.h"

/* Up to `?` or `#`. */
static struct str
path_of(struct str reference)
{
    size_t end = 0;

    while (end < reference.len && reference.data[end] != '?' && reference.data[end] != '#')
        end++;
    return str_take(reference, end);
}

static bool
has_scheme(struct str reference)
{
    ptrdiff_t colon = str_index(path_of(reference), ':');
    ptrdiff_t slash = str_index(path_of(reference), '/');

    return colon > 0 && (slash < 0 || colon < slash);
}

/* Appends `path`, which begins with a slash, without "." and "..". RFC 3986 section 5.2.4. */
static bool
append_path(struct buffer *to, struct str path)
{
    size_t from = to->end;
    bool   ok   = true;

    for (size_t at = 0, next; ok && at < path.len; at = next) {
        ptrdiff_t  end  = str_index(str_skip(path, at + 1), '/');
        struct str part = end < 0 ? str_skip(path, at + 1) : str_of(path.data + at + 1, (size_t)end);
        bool       up   = str_eq(part, STR(".."));
        next            = at + 1 + part.len;
        while (up && to->end > from && to->data[--to->end] != '/')
            ;
        if (!up && !str_eq(part, STR(".")))
            ok = buffer_append_char(to, '/') && buffer_append(to, part);
        else if (next == path.len)
            ok = buffer_append_char(to, '/');
    }
    return ok;
}

/* Of a path all up to its last slash. */
static struct str
stem_of(struct str path)
{
    while (path.len > 0 && path.data[path.len - 1] != '/')
        path = str_take(path, path.len - 1);
    return path.len > 0 ? path : STR("/");
}

/* The path of the reference, absolute or beside the last part of the base's, then its query. */
static bool
append_target(struct buffer *text, const struct http_url *base, struct str reference)
{
    struct buffer merged = {.max = KIB(32)};
    struct str    path = path_of(reference), rest = str_skip(reference, path.len), of_base = path_of(base->target);
    ptrdiff_t     hash = str_index(rest, '#');
    bool          ok   = true;

    if (path.len == 0)
        ok = buffer_append(&merged, of_base.len > 0 ? of_base : STR("/"));
    else if (path.data[0] != '/')
        ok = buffer_append(&merged, stem_of(of_base));
    ok = ok && buffer_append(&merged, path) && append_path(text, buffer_str(&merged)) &&
         buffer_append(text, hash < 0 ? rest : str_take(rest, (size_t)hash));
    buffer_clear(&merged);
    return ok;
}

static bool
is_same_origin(const struct http_url *a, const struct http_url *b)
{
    return a->tls == b->tls && a->port == b->port && str_eq_nocase(a->host, b->host);
}

bool
endpoint_url_resolve(const struct http_url *base, struct str reference, struct buffer *text, struct http_url *url,
                     struct error *err)
{
    const char *scheme = base->tls ? "https" : "http";
    bool        ok;

    reference = str_trim(reference);
    buffer_reset(text);
    if (reference.len == 0)
        return error_set(err, ERROR_PROTOCOL, "an endpoint without an address");
    if (has_scheme(reference))
        ok = buffer_append(text, reference);
    else if (str_starts(reference, STR("//")))
        ok = buffer_printf(text, "%s:%.*s", scheme, STR_ARG(reference));
    else
        ok = buffer_printf(text, "%s://%.*s", scheme, STR_ARG(base->authority)) && append_target(text, base, reference);
    if (!ok)
        return error_set(err, ERROR_TOO_LARGE, "an endpoint that is too long, or no memory");
    if (!http_url_parse(buffer_str(text), url, err)) {
        error_wrap(err, "an endpoint that is no address");
        return false;
    }
    return is_same_origin(base, url) ||
           error_set(err, ERROR_PROTOCOL, "an endpoint of another origin (%.*s), where nothing is sent",
                     STR_ARG(str_take(url->authority, 80)));
}
