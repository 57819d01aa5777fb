#include "store/snapshots/letters.h"

size_t
letter_read(struct str text, uint32_t *c)
{
    const unsigned char *at    = (const unsigned char *)text.data;
    size_t               width = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

    if (width == 0 || width > text.len || at[0] > 0xf4) {
        *c = 0xfffd;
        return 1;
    }
    *c = width == 1 ? at[0] : at[0] & (0xffu >> (width + 1));
    for (size_t i = 1; i < width; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            *c = 0xfffd;
            return 1;
        }
        *c = *c << 6 | (at[i] & 0x3f);
    }
    return width;
}

static size_t
letter_write(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t width = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = width - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00u >> width) | c);
    return width;
}

struct range {
    uint32_t first, last;
};

static bool
is_in(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count && c >= ranges[i].first; i++)
        if (c <= ranges[i].last)
            return true;
    return false;
}

bool
letter_stands_alone(uint32_t c)
{
    static const struct range alone[] = {
        {0x0e01, 0x0e4e},   /* Thai, without its digits */
        {0x0e81, 0x0ece},   /* Lao */
        {0x1000, 0x103f},   /* Burmese */
        {0x1100, 0x11ff},   /* Hangul, in parts */
        {0x1780, 0x17d3},   /* Khmer */
        {0x1950, 0x19df},   /* Tai Le, New Tai Lue */
        {0x1a20, 0x1aad},   /* Tai Tham */
        {0x2600, 0x27bf},   /* signs and dingbats */
        {0x2b1b, 0x2b55},   /* stars and boxes among the emoji */
        {0x2e80, 0x2fdf},   /* radicals */
        {0x3005, 0x3007},   /* the mark of repetition, zero */
        {0x3041, 0x30fa},   /* kana, but for the middle dot */
        {0x30fc, 0x31ff},   /* long vowels, bopomofo, Hangul, kana */
        {0x3400, 0x4dbf},   /* Han */
        {0x4e00, 0xa4cf},   /* Han, Yi */
        {0xa960, 0xa97c},   /* Hangul, in parts */
        {0xaa60, 0xaadf},   /* Burmese, Tai Viet */
        {0xac00, 0xd7fb},   /* Hangul */
        {0xf900, 0xfaff},   /* Han */
        {0xff66, 0xff9f},   /* kana of half width */
        {0x1b000, 0x1b2fb}, /* kana, Nushu */
        {0x1f000, 0x1fbef}, /* emoji and other pictures */
        {0x20000, 0x3ffff}, /* Han */
    };

    return c >= 0x0e01 && is_in(alone, sizeof alone / sizeof alone[0], c);
}

/* Marks above and below letters that say nothing a search should heed. */
static bool
is_dropped(uint32_t c)
{
    static const struct range dropped[] = {
        {0x0300, 0x036f}, /* accents that stand by themselves */
        {0x0483, 0x0487}, /* of old Cyrillic */
        {0x0591, 0x05bd}, {0x05bf, 0x05bf}, {0x05c1, 0x05c2}, {0x05c4, 0x05c5}, {0x05c7, 0x05c7}, /* Hebrew points */
        {0x0610, 0x061a}, {0x0640, 0x0640}, {0x064b, 0x065f}, {0x0670, 0x0670}, {0x06d6, 0x06dc}, /* Arabic vowels */
        {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, /* further accents */
    };

    return c >= 0x0300 && is_in(dropped, sizeof dropped / sizeof dropped[0], c);
}

/* Small letters that unicode61 leaves as they are, and what they are the same as. */
static uint32_t
same_as(uint32_t c)
{
    /* clang-format off */
    static const struct { uint16_t from, to; } same[] = {
        {0x0131, 'i'},                                                                        /* dotless i */
        {0x0390, 0x03b9}, {0x03ac, 0x03b1}, {0x03ad, 0x03b5}, {0x03ae, 0x03b7}, {0x03af, 0x03b9}, /* Greek */
        {0x03b0, 0x03c5}, {0x03c2, 0x03c3}, {0x03ca, 0x03b9}, {0x03cb, 0x03c5}, {0x03cc, 0x03bf},
        {0x03cd, 0x03c5}, {0x03ce, 0x03c9},
        {0x0439, 0x0438}, {0x0450, 0x0435}, {0x0451, 0x0435}, {0x0453, 0x0433}, {0x0457, 0x0456}, /* Cyrillic */
        {0x045c, 0x043a}, {0x045d, 0x0438}, {0x045e, 0x0443},
        {0x0622, 0x0627}, {0x0623, 0x0627}, {0x0625, 0x0627}, {0x0671, 0x0627},                   /* Arabic alef */
    };
    /* clang-format on */

    if (c >= 0xff10 && c <= 0xff5a) /* full width */
        return c >= 0xff21 && c <= 0xff3a ? c - 0xff21 + 'a' : c - 0xff10 + '0';
    for (size_t i = 0; i < sizeof same / sizeof same[0] && same[i].from <= c; i++)
        if (same[i].from == c)
            return same[i].to;
    return c;
}

size_t
letters_fold(struct str word, char *out, size_t size)
{
    size_t len = 0;

    while (word.len > 0) {
        char     written[4];
        uint32_t c;
        word         = str_skip(word, letter_read(word, &c));
        bool   sharp = c == 0xdf || c == 0x1e9e;
        size_t width = is_dropped(c) ? 0 : letter_write(sharp ? 's' : same_as(c), written);
        if (sharp) {
            written[1] = 's';
            width      = 2;
        }
        if (len + width > size)
            break;
        memcpy(out + len, written, width);
        len += width;
    }
    return len;
}
