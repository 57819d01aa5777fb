#include "mcp/service/header_value.h"

#include "base/base64.h"

static bool
is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.data[i] < 0x20 && text.data[i] != '\t') || text.data[i] > 0x7e)
            return false;
    return true;
}

bool
header_value_read(struct str written, struct arena *a, struct str *value, struct error *err)
{
    static const struct str begin = {"=?base64?", 9}, end = {"?=", 2};
    size_t                  len = 0;

    written = str_trim(written);
    *value  = written;
    if (!is_printable(written))
        return error_set(err, ERROR_INVALID, "characters that stand in no header field: it is to be written in base64");
    if (!str_starts(written, begin) || !str_ends(written, end) || written.len < begin.len + end.len)
        return true;
    struct str text = str_take(str_skip(written, begin.len), written.len - begin.len - end.len);
    char      *out  = arena_alloc(a, BASE64_BYTES(text.len));
    if (out == NULL)
        return error_set(err, ERROR_MEMORY, "no memory to read a header field");
    if (!base64_read(BASE64, text, out, &len))
        return error_set(err, ERROR_INVALID, "not the base64 that it says it is");
    *value = str_of(out, len);
    return true;
}
