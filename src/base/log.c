#include "base/log.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"

static enum log_level shown = LOG_INFO;

void
log_set_level(enum log_level level)
{
    shown = level;
}

void
log_line(enum log_level level, const char *format, ...)
{
    static const char *const words[] = {"error", "warn", "info", "debug"};

    if (level > shown)
        return;
    char    text[2000];
    char    at[TIME_ISO_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    time_format_iso(clock_wall(), at);

    struct buffer line = {.max = KIB(16)};
    if (buffer_printf(&line, "%s %s ", at, words[level]) && buffer_append_printable(&line, str_from(text), true) &&
        buffer_append_char(&line, '\n')) {
        ssize_t unused = write(STDERR_FILENO, buffer_str(&line).data, buffer_len(&line));
        (void)unused; /* there is nobody left to tell */
    }
    buffer_clear(&line);
}

/* The code point of the whole UTF-8 character at `at`, and its length; 0 when it is broken. */
static size_t
decode(struct str s, size_t at, uint32_t *point)
{
    unsigned char lead = (unsigned char)s.data[at];
    size_t        len  = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    if (at + len > s.len || !str_is_utf8(str_of(s.data + at, len)))
        return 0;
    *point = len == 1 ? lead : lead & (0xFFU >> (len + 1));
    for (size_t i = 1; i < len; i++)
        *point = *point << 6 | ((unsigned char)s.data[at + i] & 0x3F);
    return len;
}

struct range {
    uint32_t first, last;
};

/* Characters that would move the cursor, start an escape, turn the reading direction, or be there unseen, so that two
 * names look like one. Unicode 15: categories Cc, Cf, Zl, Zp, and what else is Default_Ignorable but the selectors of
 * emoji (U+FE00 to U+FE0F) and letters of no width. In order. */
static const struct range dangerous[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x0600, 0x0605},   {0x061c, 0x061c},
    {0x06dd, 0x06dd},   {0x070f, 0x070f},   {0x0890, 0x0891},   {0x08e2, 0x08e2},   {0x115f, 0x1160},
    {0x180e, 0x180e},   {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
    {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
    {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool
is_dangerous(uint32_t point, bool one_line)
{
    if (point == '\n' || point == '\t')
        return one_line;
    for (size_t i = 0; i < sizeof dangerous / sizeof *dangerous && dangerous[i].first <= point; i++)
        if (point <= dangerous[i].last)
            return true;
    return false;
}

bool
buffer_append_printable(struct buffer *b, struct str s, bool one_line)
{
    size_t plain = 0;

    for (size_t i = 0; i < s.len;) {
        uint32_t point = 0;
        size_t   len   = decode(s, i, &point);
        if (len > 0 && !is_dangerous(point, one_line)) {
            i += len;
            continue;
        }
        if (!buffer_append(b, str_of(s.data + plain, i - plain)))
            return false;
        bool ok = len == 0        ? buffer_printf(b, "\\x%02x", (unsigned char)s.data[i])
                  : point == '\n' ? buffer_append(b, STR("\\n"))
                  : point == '\t' ? buffer_append(b, STR("\\t"))
                  : point < 0x80  ? buffer_printf(b, "\\x%02x", point)
                                  : buffer_printf(b, "\\u%04x", point);
        if (!ok)
            return false;
        i += len == 0 ? 1 : len;
        plain = i;
    }
    return buffer_append(b, str_of(s.data + plain, s.len - plain));
}
