#include "api/parameters.h"

static int
hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool
decode(struct str text, bool plus_is_space, struct arena *arena, struct str *out, struct error *err)
{
    char  *to  = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    if (to == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            if (i + 2 >= text.len || hex(text.data[i + 1]) < 0 || hex(text.data[i + 2]) < 0)
                return error_set(err, ERROR_INVALID,
                                 "a percent sign must begin two hexadecimal digits: write %%25 for the sign itself");
            c = (char)(hex(text.data[i + 1]) << 4 | hex(text.data[i + 2]));
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0')
            return error_set(err, ERROR_INVALID, "a NUL byte can't be in the query");
        to[len++] = c;
    }
    to[len] = '\0';
    *out    = str_of(to, len);
    return str_is_utf8(*out) || error_set(err, ERROR_INVALID, "the query is not UTF-8");
}

bool
path_part_decode(struct str part, struct arena *arena, struct str *out, struct error *err)
{
    return decode(part, false, arena, out, err);
}

bool
parameters_read(struct parameters *p, struct str query, struct arena *arena, struct error *err)
{
    struct str pair, key;
    size_t     count = 1;

    for (size_t i = 0; i < query.len; i++)
        count += query.data[i] == '&';
    *p = (struct parameters){0};
    if (count > PARAMETERS_MAX)
        return error_set(err, ERROR_INVALID, "at most %d parameters", (int)PARAMETERS_MAX);
    p->items = arena_alloc(arena, count * sizeof *p->items);
    if (p->items == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    while (str_cut(&query, '&', &pair)) {
        struct parameter *each = &p->items[p->count];
        if (pair.len == 0)
            continue;
        str_cut(&pair, '=', &key);
        if (!decode(key, true, arena, &each->name, err) || !decode(pair, true, arena, &each->value, err))
            return false;
        p->count++;
    }
    return true;
}

bool
parameters_get(const struct parameters *p, const char *name, struct str *value)
{
    *value = STR_NONE;
    for (size_t i = p->count; i > 0; i--)
        if (str_eq(p->items[i - 1].name, str_from(name))) {
            *value = p->items[i - 1].value;
            return true;
        }
    return false;
}
