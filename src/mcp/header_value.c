#include "mcp/header_value.h"

#include "base/base64.h"

static bool
is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.data[i] < 0x20 && text.data[i] != '\t') || text.data[i] > 0x7e)
            return false;
    return true;
}

static const struct str begin = {"=?base64?", 9}, end = {"?=", 2};

static bool
looks_encoded(struct str text)
{
    return str_starts(text, begin) && str_ends(text, end) && text.len >= begin.len + end.len;
}

bool
header_value_write(struct str value, struct arena *a, struct str *written)
{
    bool is_padded = str_trim(value).len != value.len;

    *written = value.len == 0 ? STR("") : value;
    if (is_printable(value) && !is_padded && !looks_encoded(value))
        return true;
    char *out = arena_alloc(a, begin.len + BASE64_ROOM(value.len) + end.len);
    if (out == NULL)
        return false;
    memcpy(out, begin.data, begin.len);
    size_t len = begin.len + base64_write(BASE64, value, out + begin.len);
    memcpy(out + len, end.data, end.len);
    *written = str_of(out, len + end.len);
    return true;
}

bool
header_value_read(struct str written, struct arena *a, struct str *value, struct error *err)
{
    size_t len = 0;

    written = str_trim(written);
    *value  = written;
    if (!is_printable(written))
        return error_set(err, ERROR_INVALID, "characters that stand in no header field: it is to be written in base64");
    if (!looks_encoded(written))
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
