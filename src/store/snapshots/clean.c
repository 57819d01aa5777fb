#include "store/snapshots/clean.h"

/* The length of the character at the front of `s`, 0 when it is none (RFC 3629). */
static size_t
character_len(struct str s)
{
    unsigned char first = (unsigned char)s.data[0];
    size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;

    return len > 0 && len <= s.len && str_is_utf8(str_take(s, len)) ? len : 0;
}

static bool
is_control(struct str character)
{
    unsigned char first = (unsigned char)character.data[0];

    if (character.len == 1)
        return (first < 0x20 && first != '\t' && first != '\n') || first == 0x7f;
    return character.len == 2 && first == 0xc2 && (unsigned char)character.data[1] < 0xa0; /* U+0080 to U+009F */
}

bool
text_is_clean(struct str s)
{
    if (!str_is_utf8(s))
        return false;
    for (size_t i = 0, len; i < s.len; i += len) {
        len = character_len(str_skip(s, i));
        if (len == 0 || is_control(str_of(s.data + i, len)))
            return false;
    }
    return true;
}

/* A character replaced is never longer than three times what it was. */
struct str
text_clean(struct str s, struct arena *a)
{
    static const struct str replacement = {"\xef\xbf\xbd", 3};
    char                   *out;
    size_t                  put = 0;

    if (text_is_clean(s))
        return arena_str(a, s);
    if ((out = arena_alloc(a, s.len * 3)) == NULL)
        return STR_NONE;
    for (size_t i = 0, len; i < s.len; i += len) {
        struct str rest = str_skip(s, i);
        len             = character_len(rest);
        if (rest.data[0] == '\r') {
            len        = rest.len > 1 && rest.data[1] == '\n' ? 2 : 1;
            out[put++] = '\n';
        } else if (len > 0 && !is_control(str_of(rest.data, len))) {
            memcpy(out + put, rest.data, len);
            put += len;
        } else {
            memcpy(out + put, replacement.data, replacement.len);
            put += replacement.len;
            len = len == 0 ? 1 : len;
        }
    }
    return str_of(out, put);
}
