#include "base/buffer.h"

#include <assert.h>

enum { FIRST_CAPACITY = 512 };

static bool
grow(struct buffer *b, size_t needed)
{
    size_t cap = b->cap > 0 ? b->cap : FIRST_CAPACITY;

    while (cap < needed)
        cap *= 2;
    if (cap > b->max)
        cap = b->max >= needed ? b->max : needed;
    char *data = realloc(b->data, cap); /* which moves the pages of a large one, and not the bytes */
    if (data == NULL)
        return false;
    b->data = data;
    b->cap  = cap;
    return true;
}

static bool
is_over_max(const struct buffer *b, size_t len)
{
    return len > b->max || buffer_len(b) > b->max - len;
}

bool
buffer_reserve(struct buffer *b, size_t len)
{
    size_t held = buffer_len(b);

    if (len <= b->cap - b->end)
        return true;
    if (is_over_max(b, len))
        return false;
    if (b->from > 0) {
        memmove(b->data, b->data + b->from, held);
        b->from = 0;
        b->end  = held;
    }
    return held + len <= b->cap || grow(b, held + len);
}

bool
buffer_append_behind(struct buffer *b, struct str s, size_t room)
{
    size_t front = b->end > 0 ? 0 : room;

    if (s.len == 0)
        return true;
    if (is_over_max(b, s.len) || (front + s.len > b->cap - b->end && !grow(b, b->end + front + s.len)))
        return false;
    b->from += front;
    memcpy(b->data + b->end + front, s.data, s.len);
    b->end += front + s.len;
    return true;
}

void
buffer_added(struct buffer *b, size_t len)
{
    assert(len <= b->cap - b->end);
    b->end += len;
}

bool
buffer_append(struct buffer *b, struct str s)
{
    if (s.len == 0)
        return true;
    if (!buffer_reserve(b, s.len))
        return false;
    memcpy(b->data + b->end, s.data, s.len);
    b->end += s.len;
    return true;
}

bool
buffer_append_char(struct buffer *b, char c)
{
    return buffer_append(b, str_of(&c, 1));
}

bool
buffer_vprintf(struct buffer *b, const char *format, va_list args)
{
    va_list again;

    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0 || !buffer_reserve(b, (size_t)len + 1))
        return false;
    vsnprintf(b->data + b->end, (size_t)len + 1, format, args);
    b->end += (size_t)len;
    return true;
}

bool
buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    bool ok = buffer_vprintf(b, format, args);
    va_end(args);
    return ok;
}

/* The bytes of `s` from `at` on that are one whole UTF-8 character, or 0. */
static size_t
utf8_character(struct str s, size_t at)
{
    for (size_t len = 1; len <= 4 && at + len <= s.len; len++)
        if (str_is_utf8(str_of(s.data + at, len)))
            return len;
    return 0;
}

static bool
append_escaped(struct buffer *b, unsigned char c)
{
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (const char *form = short_forms; *form != '\0'; form += 2)
        if ((unsigned char)form[0] == c)
            return buffer_append_char(b, '\\') && buffer_append_char(b, form[1]);
    return buffer_printf(b, "\\u%04x", c);
}

bool
buffer_append_json(struct buffer *b, struct str s)
{
    size_t plain = 0; /* start of what needs no change */

    if (!buffer_append_char(b, '"'))
        return false;
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.data[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            i++;
            continue;
        }
        size_t len   = c < 0x80 ? 0 : utf8_character(s, i);
        bool   is_c1 = len == 2 && c == 0xc2 && (unsigned char)s.data[i + 1] < 0xa0;
        if (len > 0 && !is_c1) {
            i += len;
            continue;
        }
        if (!buffer_append(b, str_of(s.data + plain, i - plain)))
            return false;
        if (is_c1) /* legal as it is, but JSON is shown on terminals too */
            c = (unsigned char)s.data[++i];
        if (!(c < 0x80 || is_c1 ? append_escaped(b, c) : buffer_append(b, STR("\xEF\xBF\xBD"))))
            return false;
        plain = ++i;
    }
    return buffer_append(b, str_of(s.data + plain, s.len - plain)) && buffer_append_char(b, '"');
}

void
buffer_consume(struct buffer *b, size_t len)
{
    assert(len <= buffer_len(b));
    b->from += len;
    if (b->from == b->end)
        b->from = b->end = 0;
}

void
buffer_reset(struct buffer *b)
{
    b->from = b->end = 0;
}

void
buffer_clear(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){.max = b->max};
}
