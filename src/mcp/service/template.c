/* URI templates of level 1: RFC 6570 section 1.2. A variable stands for one or more unreserved or escaped characters,
 * so it ends where the literal behind it begins, and never reaches over a "/". */
#include "mcp/service/parts.h"

bool
template_is_valid(struct str uri_template, struct error *err)
{
    struct str rest = uri_template;

    while (rest.len > 0) {
        ptrdiff_t open  = str_index(rest, '{');
        ptrdiff_t close = str_index(rest, '}');
        if (open < 0 && close < 0)
            return true;
        struct str name =
            open < 0 || close < open ? STR_NONE : str_of(rest.data + open + 1, (size_t)(close - open - 1));
        for (size_t i = 0; i < name.len; i++)
            if (str_index(STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_."), name.data[i]) < 0)
                name = STR_NONE;
        rest = name.len == 0 ? rest : str_skip(rest, (size_t)close + 1);
        if (name.len == 0 || (rest.len > 0 && rest.data[0] == '{'))
            return error_set(err, ERROR_INVALID, "the URI template \"%.*s\" is not of level 1 (RFC 6570)",
                             STR_ARG(uri_template));
    }
    return true;
}

static int
hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* `text` without its escapes. False: it is not what a variable may be. */
static bool
decode(struct request *r, struct str text, struct str *value)
{
    char  *out = arena_alloc(r->arena, text.len + 1);
    size_t at  = 0;

    for (size_t i = 0; out != NULL && i < text.len; i++) {
        int high = text.data[i] == '%' && i + 2 < text.len ? hex(text.data[i + 1]) : -1;
        int low  = high < 0 ? -1 : hex(text.data[i + 2]);
        if (text.data[i] == '%' && low < 0)
            return false;
        out[at++] = low < 0 ? text.data[i] : (char)(high << 4 | low);
        i += low < 0 ? 0 : 2;
    }
    *value = str_of(out, at);
    return out != NULL && text.len > 0 && str_is_utf8(*value);
}

yyjson_mut_val *
template_match(struct request *r, struct str uri_template, struct str uri)
{
    yyjson_mut_val *variables = yyjson_mut_obj(r->doc);

    while (uri_template.len > 0) {
        if (uri_template.data[0] != '{') {
            if (uri.len == 0 || uri.data[0] != uri_template.data[0])
                return NULL;
            uri_template = str_skip(uri_template, 1);
            uri          = str_skip(uri, 1);
            continue;
        }
        size_t     close = (size_t)str_index(uri_template, '}');
        struct str name  = str_of(uri_template.data + 1, close - 1), value;
        uri_template     = str_skip(uri_template, close + 1);
        size_t len       = 0;
        while (len < uri.len && str_index(STR("/?#"), uri.data[len]) < 0 &&
               (uri_template.len == 0 || uri.data[len] != uri_template.data[0]))
            len++;
        if (!decode(r, str_take(uri, len), &value))
            return NULL;
        yyjson_mut_val *key = yyjson_mut_strn(r->doc, name.data, name.len);
        if (!yyjson_mut_obj_add(variables, key, yyjson_mut_strn(r->doc, value.data, value.len)))
            return NULL;
        uri = str_skip(uri, len);
    }
    return uri.len == 0 ? variables : NULL;
}
