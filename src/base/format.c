#include "base/format.h"

#include "base/settings.h"

#define MINUTE ((int64_t)60 * 1000000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* `value` thousandths of a unit: one decimal below ten. Rounds first, so that 9.96 is "10". */
static bool
three_digits(struct buffer *out, uint64_t value, const char *unit)
{
    uint64_t tenths = (value + 50) / 100;

    if (tenths < 100 && tenths % 10 != 0)
        return buffer_printf(out, "%llu.%llu %s", (unsigned long long)(tenths / 10), (unsigned long long)(tenths % 10),
                             unit);
    return buffer_printf(out, "%llu %s", (unsigned long long)((value + 500) / 1000), unit);
}

bool
format_took(struct buffer *out, int64_t us)
{
    if (us < 0)
        return buffer_append_char(out, '-');
    if (us < 1000)
        return buffer_printf(out, "%lld µs", (long long)us);
    if (us < 999500)
        return three_digits(out, (uint64_t)us, "ms");
    if (us < MINUTE)
        return three_digits(out, (uint64_t)us / 1000, "s");
    if (us < HOUR)
        return buffer_printf(out, "%lld min %lld s", (long long)(us / MINUTE), (long long)(us % MINUTE / 1000000));
    return format_age(out, us);
}

bool
format_age(struct buffer *out, int64_t us)
{
    if (us < MINUTE)
        return buffer_printf(out, "%lld s", (long long)(us < 0 ? 0 : us / 1000000));
    if (us < HOUR)
        return buffer_printf(out, "%lld min", (long long)(us / MINUTE));
    if (us < DAY)
        return buffer_printf(out, "%lld h %lld min", (long long)(us / HOUR), (long long)(us % HOUR / MINUTE));
    return buffer_printf(out, "%lld d %lld h", (long long)(us / DAY), (long long)(us % DAY / HOUR));
}

bool
format_bytes(struct buffer *out, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    size_t                   unit    = 0;

    if (bytes < 1000)
        return buffer_printf(out, "%llu B", (unsigned long long)bytes);
    for (; bytes >= 999500 && unit < 4; unit++)
        bytes /= 1000;
    return three_digits(out, bytes, units[unit]);
}

bool
format_count(struct buffer *out, uint64_t count)
{
    char digits[24];
    int  len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    bool ok  = true;

    for (int i = 0; ok && i < len; i++)
        ok = (i == 0 || (len - i) % 3 != 0 || buffer_append_char(out, ',')) && buffer_append_char(out, digits[i]);
    return ok;
}

bool
format_time(struct buffer *out, wall_time t, wall_time now)
{
    time_t    seconds = (time_t)(t / 1000000), today = (time_t)(now / 1000000);
    struct tm at = {0}, here = {0};

    localtime_r(&seconds, &at);
    localtime_r(&today, &here);
    if ((at.tm_year != here.tm_year || at.tm_yday != here.tm_yday) &&
        !buffer_printf(out, "%04d-%02d-%02d ", at.tm_year + 1900, at.tm_mon + 1, at.tm_mday))
        return false;
    return buffer_printf(out, "%02d:%02d:%02d.%03d", at.tm_hour, at.tm_min, at.tm_sec, (int)(t / 1000 % 1000));
}

bool
parse_moment(struct str text, wall_time now, wall_time *t)
{
    mono_time before;
    uint64_t  count;

    if (time_parse_iso(text, t))
        return true;
    if (text.len > 1 && text.data[text.len - 1] == 'm' && str_to_u64(str_take(text, text.len - 1), &count) &&
        count < 60 * 24 * 36500ULL)
        before = MINUTES(count); /* elsewhere "10min", to tell it from ms */
    else if (!duration_parse(text, &before))
        return false;
    *t = before > now ? 1 : now - before;
    return true;
}

/* ---- width ---- */

struct range {
    uint32_t first, last;
};

/* Unicode 15: what most terminals draw two columns wide (East_Asian_Width W and F), in coarse blocks. */
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2614, 0x2615},   {0x26a1, 0x26a1},
    {0x2705, 0x2705},   {0x274c, 0x274e},   {0x2795, 0x2797},   {0x2b1b, 0x2b1c},   {0x2b50, 0x2b55},
    {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18cff}, {0x1b000, 0x1b2ff},
    {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
    {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

/* Combining marks, joiners, variation selectors. */
static const struct range narrow[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},   {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},   {0x20d0, 0x20ff}, {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
};

static bool
is_in(uint32_t c, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count && ranges[i].first <= c; i++)
        if (c <= ranges[i].last)
            return true;
    return false;
}

/* Bytes of the first character, and its width; a broken byte is one column. */
static size_t
next_char(struct str text, size_t *width)
{
    unsigned char first = (unsigned char)text.data[0];
    size_t        len   = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t      c     = len == 1 ? first : first & (0x7fu >> len);

    *width = 1;
    if (len > text.len)
        return 1;
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((unsigned char)text.data[i] & 0x3f);
    if (is_in(c, narrow, sizeof narrow / sizeof *narrow))
        *width = 0;
    else if (is_in(c, wide, sizeof wide / sizeof *wide))
        *width = 2;
    return len;
}

/* The longest front of the text that fits. */
static struct str
front(struct str text, size_t columns)
{
    size_t at = 0, used = 0, width;

    while (at < text.len) {
        size_t len = next_char(str_skip(text, at), &width);
        if (used + width > columns)
            break;
        used += width;
        at += len;
    }
    return str_take(text, at);
}

size_t
text_width(struct str text)
{
    size_t sum = 0, width;

    while (text.len > 0) {
        text = str_skip(text, next_char(text, &width));
        sum += width;
    }
    return sum;
}

bool
text_cut(struct buffer *out, struct str text, size_t columns)
{
    if (text_width(text) <= columns)
        return buffer_append(out, text);
    return columns == 0 || (buffer_append(out, front(text, columns - 1)) && buffer_append(out, STR("…")));
}

bool
text_shorten(struct buffer *out, struct str text, size_t columns)
{
    size_t whole = text_width(text), width;

    if (whole <= columns || columns < 5)
        return text_cut(out, text, columns);
    size_t     back = (columns - 1) / 2 + (columns - 1) % 2 / 2;
    struct str head = front(text, columns - 1 - back), tail = text;
    for (size_t left = whole; left > back;) {
        tail = str_skip(tail, next_char(tail, &width));
        left -= width;
    }
    return buffer_append(out, head) && buffer_append(out, STR("…")) && buffer_append(out, tail);
}
