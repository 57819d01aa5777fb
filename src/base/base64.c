#include "base/base64.h"

static const char digits[][65] = {
    [BASE64]     = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

size_t
base64_write(enum base64 form, struct str bytes, char *out)
{
    uint32_t held = 0, bits = 0;
    size_t   at = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        held = (held << 8 | (unsigned char)bytes.data[i]) & 0xFFFF;
        for (bits += 8; bits >= 6; bits -= 6)
            out[at++] = digits[form][held >> (bits - 6) & 63];
    }
    if (bits > 0)
        out[at++] = digits[form][held << (6 - bits) & 63];
    while (form == BASE64 && at % 4 != 0)
        out[at++] = '=';
    out[at] = '\0';
    return at;
}

static int
digit_of(enum base64 form, char c)
{
    return c >= 'A' && c <= 'Z'    ? c - 'A'
           : c >= 'a' && c <= 'z'  ? c - 'a' + 26
           : c >= '0' && c <= '9'  ? c - '0' + 52
           : c == digits[form][62] ? 62
           : c == digits[form][63] ? 63
                                   : -1;
}

bool
base64_read(enum base64 form, struct str text, char *out, size_t *len)
{
    struct str letters = text;
    uint32_t   held = 0, bits = 0;

    while (form == BASE64 && letters.len > 0 && text.len - letters.len < 2 && letters.data[letters.len - 1] == '=')
        letters.len--;
    if ((form == BASE64 && text.len % 4 != 0) || letters.len % 4 == 1)
        return false;
    *len = 0;
    for (size_t i = 0; i < letters.len; i++) {
        int digit = digit_of(form, letters.data[i]);
        if (digit < 0)
            return false;
        held = (held << 6 | (uint32_t)digit) & 0xFFFF;
        bits += 6;
        if (bits >= 8)
            out[(*len)++] = (char)(held >> (bits -= 8));
    }
    return (held & ((1U << bits) - 1)) == 0;
}
