#include "base/str.h"

static inline unsigned char
lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

int
str_compare(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int    order   = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);

    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool
str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

#define EACH_BYTE(n) (0x0101010101010101ULL * (n))

/* Equal, or different in nothing but the bit that tells the cases of a letter apart, in letters. */
static inline bool
eight_eq_nocase(const char *a, const char *b)
{
    uint64_t left, right;

    memcpy(&left, a, 8);
    memcpy(&right, b, 8);
    uint64_t differs = left ^ right;
    if (differs == 0)
        return true;
    if ((differs & ~EACH_BYTE(0x20)) != 0)
        return false;
    uint64_t folded  = left | EACH_BYTE(0x20);
    uint64_t ascii   = folded & EACH_BYTE(0x7f);
    uint64_t letters = (ascii + EACH_BYTE(0x80 - 'a')) & ~(ascii + EACH_BYTE(0x80 - 'z' - 1)) & ~folded;
    return (differs << 2 & ~letters & EACH_BYTE(0x80)) == 0;
}

bool
str_starts_nocase(struct str s, struct str prefix)
{
    size_t i = 0;

    if (s.len < prefix.len)
        return false;
    for (; prefix.len - i >= 8; i += 8)
        if (!eight_eq_nocase(s.data + i, prefix.data + i))
            return false;
    if (prefix.len >= 8) /* the last eight, of which some were looked at */
        return i == prefix.len || eight_eq_nocase(s.data + prefix.len - 8, prefix.data + prefix.len - 8);
    for (; i < prefix.len; i++)
        if (lower(s.data[i]) != lower(prefix.data[i]))
            return false;
    return true;
}

bool
str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_skip(s, s.len - suffix.len), suffix);
}

ptrdiff_t
str_index(struct str s, char c)
{
    const char *at = s.len == 0 ? NULL : memchr(s.data, c, s.len);

    return at == NULL ? -1 : at - s.data;
}

ptrdiff_t
str_find(struct str s, struct str needle)
{
    if (needle.len == 0)
        return 0;
    if (s.len < needle.len)
        return -1;
    const char *at = memmem(s.data, s.len, needle.data, needle.len);
    return at == NULL ? -1 : at - s.data;
}

ptrdiff_t
str_find_nocase(struct str s, struct str needle)
{
    for (size_t i = 0; i + needle.len <= s.len; i++)
        if (str_starts_nocase(str_skip(s, i), needle))
            return (ptrdiff_t)i;
    return -1;
}

struct str
str_skip(struct str s, size_t from)
{
    return from >= s.len ? STR_NONE : str_of(s.data + from, s.len - from);
}

struct str
str_take(struct str s, size_t len)
{
    return str_of(s.data, len < s.len ? len : s.len);
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim_front(struct str s)
{
    while (s.len > 0 && is_space(s.data[0]))
        s = str_skip(s, 1);
    return s;
}

struct str
str_trim(struct str s)
{
    s = str_trim_front(s);
    while (s.len > 0 && is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

bool
str_cut(struct str *rest, char at, struct str *part)
{
    if (rest->len == 0)
        return false;
    ptrdiff_t end = str_index(*rest, at);
    *part         = end < 0 ? *rest : str_take(*rest, (size_t)end);
    *rest         = end < 0 ? STR_NONE : str_skip(*rest, (size_t)end + 1);
    return true;
}

bool
str_to_u64(struct str s, uint64_t *value)
{
    uint64_t sum = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9' || __builtin_mul_overflow(sum, 10U, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(s.data[i] - '0'), &sum))
            return false;
    }
    *value = sum;
    return true;
}

struct str
str_of_u64(char digits[STR_DIGITS], uint64_t number)
{
    size_t at = STR_DIGITS;

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return str_of(digits + at, STR_DIGITS - at);
}

bool
str_to_i64(struct str s, int64_t *value)
{
    bool     negative = s.len > 0 && s.data[0] == '-';
    uint64_t size     = 0;

    if (!str_to_u64(negative ? str_skip(s, 1) : s, &size) || size > (uint64_t)INT64_MAX)
        return false;
    *value = negative ? -(int64_t)size : (int64_t)size;
    return true;
}

/* How many bytes the sequence that starts with `lead` has, and the smallest code point that needs as many. */
static size_t
utf8_length(unsigned char lead, uint32_t *point, uint32_t *least)
{
    if (lead >= 0xC2 && lead <= 0xDF)
        return *point = lead & 0x1F, *least = 0x80, 2;
    if ((lead & 0xF0) == 0xE0)
        return *point = lead & 0x0F, *least = 0x800, 3;
    if (lead >= 0xF0 && lead <= 0xF4)
        return *point = lead & 0x07, *least = 0x10000, 4;
    return 0;
}

/* RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. Eight ASCII bytes at a time. */
bool
str_is_utf8(struct str s)
{
    const unsigned char *p   = (const unsigned char *)s.data;
    const unsigned char *end = p + s.len;

    while (p < end) {
        uint64_t word;
        if (end - p >= 8 && (memcpy(&word, p, 8), (word & 0x8080808080808080U) == 0)) {
            p += 8;
            continue;
        }
        if (*p < 0x80) {
            p++;
            continue;
        }
        uint32_t point = 0, least = 0;
        size_t   length = utf8_length(*p, &point, &least);
        if (length == 0 || (size_t)(end - p) < length)
            return false;
        for (size_t i = 1; i < length; i++) {
            if ((p[i] & 0xC0) != 0x80)
                return false;
            point = point << 6 | (p[i] & 0x3F);
        }
        if (point < least || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
            return false;
        p += length;
    }
    return true;
}
