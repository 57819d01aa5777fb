/* RFC 3986 section 5.2: the reference of an $id or $ref as seen from the one around it. */
#include "mcp/schema/parts.h"

struct uri {
    struct str scheme;    /* with its ':' */
    struct str authority; /* with its '//' */
    struct str path;
    struct str query; /* with its '?' */
};

static struct uri
uri_split(struct str text)
{
    struct uri u = {0};
    size_t     i = 0;

    while (i < text.len && strchr(":/?", text.data[i]) == NULL)
        i++;
    if (i > 0 && i < text.len && text.data[i] == ':') {
        u.scheme = str_take(text, i + 1);
        text     = str_skip(text, i + 1);
    }
    if (str_starts(text, STR("//"))) {
        for (i = 2; i < text.len && text.data[i] != '/' && text.data[i] != '?';)
            i++;
        u.authority = str_take(text, i);
        text        = str_skip(text, i);
    }
    ptrdiff_t query = str_index(text, '?');
    u.path          = query < 0 ? text : str_take(text, (size_t)query);
    u.query         = query < 0 ? STR_NONE : str_skip(text, (size_t)query);
    return u;
}

static size_t
put(char *out, size_t len, struct str s)
{
    if (s.len > 0)
        memcpy(out + len, s.data, s.len);
    return len + s.len;
}

/* Section 5.2.4, over what stands from `from` on in `out`. Returns the new length. */
static size_t
remove_dots(char *out, size_t from, size_t len)
{
    struct str rest = str_of(out + from, len - from);
    size_t     to   = from;

    while (rest.len > 0) {
        size_t next = 1;
        while (next < rest.len && rest.data[next] != '/')
            next++;
        struct str segment = str_take(rest, next);
        bool       last    = next == rest.len;
        rest               = str_skip(rest, next);
        if (str_eq(segment, STR("/..")))
            while (to > from && out[--to] != '/')
                ;
        else if (!str_eq(segment, STR("/."))) {
            memmove(out + to, segment.data, segment.len);
            to += segment.len;
            continue;
        }
        if (last)
            out[to++] = '/';
    }
    return to;
}

struct str
uri_join(struct arena *a, struct str base, struct str reference)
{
    struct uri b = uri_split(base), r = uri_split(reference);
    char      *out = arena_alloc(a, base.len + reference.len + 2);
    size_t     len = 0, path;

    if (out == NULL)
        return STR_NONE;
    if (r.scheme.len > 0)
        return str_of(out, put(out, 0, reference));
    len  = put(out, len, b.scheme);
    len  = put(out, len, r.authority.len > 0 ? r.authority : b.authority);
    path = len;
    if (r.authority.len > 0 || str_starts(r.path, STR("/"))) {
        len = put(out, len, r.path);
    } else if (r.path.len == 0) {
        len = put(out, len, b.path);
        return str_of(out, put(out, len, r.query.len > 0 ? r.query : b.query));
    } else {
        size_t slash = b.path.len;
        while (slash > 0 && b.path.data[slash - 1] != '/')
            slash--;
        len = put(out, len, slash == 0 && b.authority.len > 0 ? STR("/") : str_take(b.path, slash));
        len = put(out, len, r.path);
    }
    if (len > path && out[path] == '/')
        len = remove_dots(out, path, len);
    return str_of(out, put(out, len, r.query));
}
