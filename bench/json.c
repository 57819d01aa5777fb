#include "json.h"

#include <string.h>

static const char *
skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* From the opening quote to behind the closing one; NULL when there is none. */
static const char *
skip_string(const char *at, const char *end)
{
    const char *from = at + 1;

    for (at = from; at < end; at++) {
        at = memchr(at, '"', (size_t)(end - at));
        if (at == NULL)
            return NULL;

        const char *before = at;
        while (before > from && before[-1] == '\\')
            before--;
        if ((at - before) % 2 == 0) /* an odd number of backslashes escapes the quote */
            return at + 1;
    }
    return NULL;
}

static const char *
skip_nested(const char *at, const char *end)
{
    int depth = 0;

    while (at < end) {
        switch (*at) {
        case '"':
            at = skip_string(at, end);
            if (at == NULL)
                return NULL;
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (--depth == 0)
                return at + 1;
            break;
        default:
            break;
        }
        at++;
    }
    return NULL;
}

static const char *
skip_value(const char *at, const char *end)
{
    if (at == end)
        return NULL;
    if (*at == '"')
        return skip_string(at, end);
    if (*at == '{' || *at == '[')
        return skip_nested(at, end);

    const char *from = at;
    while (at < end && strchr(",]} \t\r\n", *at) == NULL)
        at++;
    return at == from ? NULL : at;
}

static bool
member(struct span object, struct span name, struct span *value)
{
    const char *end = object.data + object.len;
    const char *at  = skip_blanks(object.data, end);

    if (at == end || *at != '{')
        return false;
    at = skip_blanks(at + 1, end);
    while (at < end && *at == '"') {
        const char *key   = at + 1;
        const char *after = skip_string(at, end);
        if (after == NULL)
            return false;

        at = skip_blanks(after, end);
        if (at == end || *at != ':')
            return false;
        at = skip_blanks(at + 1, end);

        const char *behind = skip_value(at, end);
        if (behind == NULL)
            return false;
        if (span_equal((struct span){key, (size_t)(after - 1 - key)}, name)) {
            *value = (struct span){at, (size_t)(behind - at)};
            return true;
        }
        at = skip_blanks(behind, end);
        if (at < end && *at == ',')
            at = skip_blanks(at + 1, end);
    }
    return false;
}

static bool
first_of(struct span array, struct span *value)
{
    const char *end = array.data + array.len;
    const char *at  = skip_blanks(array.data, end);

    if (at == end || *at != '[')
        return false;
    at = skip_blanks(at + 1, end);

    const char *behind = skip_value(at, end);
    if (behind == NULL)
        return false;
    *value = (struct span){at, (size_t)(behind - at)};
    return true;
}

bool
json_at(struct span json, const char *path, struct span *value)
{
    while (*path != '\0') {
        size_t      len  = strcspn(path, ".");
        struct span name = {path, len};
        bool        ok   = span_equal(name, SPAN("0")) ? first_of(json, &json) : member(json, name, &json);

        if (!ok)
            return false;
        path += len + (path[len] == '.' ? 1 : 0);
    }
    *value = json;
    return true;
}

bool
json_string_at(struct span json, const char *path, struct span *value)
{
    if (!json_at(json, path, value) || value->len < 2 || value->data[0] != '"')
        return false;
    value->data++;
    value->len -= 2;
    return true;
}
