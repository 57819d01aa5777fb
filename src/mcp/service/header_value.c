#include "mcp/service/header_value.h"

static int
digit_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* RFC 4648 section 4, to the letter: whole groups, padding only at the end, no bits left over. */
static bool
decode(struct str text, char *out, size_t *len)
{
    struct str digits = text;
    uint32_t   held = 0, bits = 0;

    while (digits.len > 0 && text.len - digits.len < 2 && digits.data[digits.len - 1] == '=')
        digits.len--;
    if (text.len % 4 != 0 || digits.len % 4 == 1)
        return false;
    *len = 0;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = digit_of(digits.data[i]);
        if (digit < 0)
            return false;
        held = held << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8)
            out[(*len)++] = (char)(held >> (bits -= 8));
    }
    return (held & ((1U << bits) - 1)) == 0;
}

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
    char      *out  = arena_alloc(a, text.len + 1);
    if (out == NULL)
        return error_set(err, ERROR_MEMORY, "no memory to read a header field");
    if (!decode(text, out, &len))
        return error_set(err, ERROR_INVALID, "not the base64 that it says it is");
    *value = str_of(out, len);
    return true;
}
