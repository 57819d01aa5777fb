#include "store/words.h"

/* A number for each letter, digit and byte above ASCII, the same for both cases; 0 parts words. A word's hash is these
 * numbers, each turned by its place (Uzgalis' buzhash): two cycles a byte, where a multiplication takes five. The
 * numbers are in the filters on disk: they never change. */
static uint64_t mark[256];

/* The finalizer of SplitMix64. */
static uint64_t
number_of(uint64_t c)
{
    uint64_t z = (c + 1) * 0x9E3779B97F4A7C15ULL;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

__attribute__((constructor)) static void
mark_init(void)
{
    for (int c = 0; c < 256; c++) {
        if (c >= 'A' && c <= 'Z')
            mark[c] = number_of((uint64_t)(c + 'a' - 'A'));
        else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80)
            mark[c] = number_of((uint64_t)c);
    }
}

static inline uint64_t
hash_mark(uint64_t hash, uint64_t number)
{
    return (hash << 5 | hash >> 59) ^ number;
}

static inline uint64_t
hash_step(uint64_t hash, uint8_t c)
{
    return hash_mark(hash, mark[c]);
}

enum { ESCAPE_NONE, ESCAPE_BACKSLASH, ESCAPE_DIGIT_1, ESCAPE_DIGIT_4 = ESCAPE_DIGIT_1 + 3, ESCAPE_LOW, ESCAPE_LOW_U };

static int
hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Adds the character of \uXXXX to the word. False: it parts words. */
static bool
add_character(struct word_scan *s)
{
    uint32_t c = s->unit;

    if (s->high != 0 && c >= 0xdc00 && c < 0xe000)
        c = 0x10000 + ((uint32_t)(s->high - 0xd800) << 10) + (c - 0xdc00);
    s->high = 0;
    if (c < 0x80) {
        if (mark[c] == 0)
            return false;
        s->hash = hash_step(s->hash, (uint8_t)c);
        return true;
    }
    if (c >= 0x10000)
        s->hash = hash_step(s->hash, (uint8_t)(0xf0 | c >> 18));
    if (c >= 0x800)
        s->hash = hash_step(s->hash, (uint8_t)(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3f) : 0xe0 | c >> 12));
    s->hash = hash_step(s->hash, (uint8_t)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6));
    s->hash = hash_step(s->hash, (uint8_t)(0x80 | (c & 0x3f)));
    return true;
}

/* One more byte of an escape. `*parted`: a word ended here. False: the byte was not part of it, look at it again. */
static bool
escape_step(struct word_scan *s, uint8_t c, bool *parted)
{
    int digit;

    switch (s->escape) {
    case ESCAPE_BACKSLASH:
    case ESCAPE_LOW_U:
        *parted   = c != 'u';
        s->escape = c == 'u' ? ESCAPE_DIGIT_1 : ESCAPE_NONE;
        s->unit   = 0;
        return true;
    case ESCAPE_LOW:
        *parted   = c != '\\';
        s->escape = c == '\\' ? ESCAPE_LOW_U : ESCAPE_NONE;
        return c == '\\';
    default:
        digit = hex_value(c);
        if (digit < 0) {
            s->escape = ESCAPE_NONE;
            *parted   = true;
            return false;
        }
        s->unit = (uint16_t)(s->unit << 4 | digit);
        if (s->escape++ != ESCAPE_DIGIT_4)
            return true;
        if (s->unit >= 0xd800 && s->unit < 0xdc00) {
            s->high   = s->unit;
            s->escape = ESCAPE_LOW;
            return true;
        }
        s->escape = ESCAPE_NONE;
        *parted   = !add_character(s);
        return true;
    }
}

/* The rest of an escape that `text` goes on with, a byte at a time: rare. Returns where plain text goes on. */
static const uint8_t *
escape_rest(struct word_scan *s, const uint8_t *p, const uint8_t *end, word_found *found, void *arg)
{
    while (p < end && s->escape != ESCAPE_NONE) {
        bool parted = false;
        p += escape_step(s, *p, &parted);
        if (parted && s->hash != 0)
            found(arg, s->hash);
        if (parted)
            s->hash = 0;
    }
    return p;
}

/* Four instructions a byte of a word: everything else waits for a byte that parts words. */
static inline __attribute__((always_inline)) void
scan(struct word_scan *s, struct str text, bool escapes, word_found *found, void *arg)
{
    const uint8_t *p   = (const uint8_t *)text.data;
    const uint8_t *end = p + text.len;
    uint64_t       hash, number;

    if (escapes)
        p = escape_rest(s, p, end, found, arg);
    for (hash = s->hash; p < end;) {
        if ((number = mark[*p]) != 0) {
            hash = hash_mark(hash, number);
            p++;
            continue;
        }
        if (escapes && *p == '\\') {
            s->hash   = hash;
            s->escape = ESCAPE_BACKSLASH;
            p         = escape_rest(s, p + 1, end, found, arg);
            hash      = s->hash;
            continue;
        }
        if (hash != 0)
            found(arg, hash);
        hash = 0;
        p++;
    }
    s->hash = hash;
}

void
words_scan(struct word_scan *s, struct str text, word_found *found, void *arg)
{
    scan(s, text, true, found, arg);
}

void
words_end(struct word_scan *s, word_found *found, void *arg)
{
    if (s->hash != 0)
        found(arg, s->hash);
    *s = (struct word_scan){0};
}

void
words_of_text(struct str text, word_found *found, void *arg)
{
    struct word_scan s = {0};

    scan(&s, text, false, found, arg);
    words_end(&s, found, arg);
}

/* The half of a word's hash that the filter knows; never 0. */
static inline uint32_t
filter_half(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15ULL;
    return (uint32_t)(hash >> 32) | 1;
}

enum { SET_FIRST = 4096 };

static bool
set_grow(struct word_set *w)
{
    size_t    cap   = w->cap == 0 ? SET_FIRST : w->cap * 2;
    uint32_t *slots = calloc(cap, sizeof *slots);

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < w->cap; i++) {
        size_t at = w->slots[i] >> 1 & (cap - 1);
        while (w->slots[i] != 0 && slots[at] != 0)
            at = (at + 1) & (cap - 1);
        if (w->slots[i] != 0)
            slots[at] = w->slots[i];
    }
    free(w->slots);
    w->slots = slots;
    w->cap   = cap;
    return true;
}

static inline void
set_add(void *set, uint64_t hash)
{
    struct word_set *w    = set;
    uint32_t         half = filter_half(hash);

    if (w->count * 2 >= w->cap && !set_grow(w)) {
        w->failed = true;
        return;
    }
    size_t at = half >> 1 & (w->cap - 1);
    while (w->slots[at] != 0 && w->slots[at] != half)
        at = (at + 1) & (w->cap - 1);
    w->count += w->slots[at] == 0;
    w->slots[at] = half;
}

void
word_set_scan(struct word_set *w, struct word_scan *s, struct str text)
{
    scan(s, text, true, set_add, w);
}

void
word_set_end(struct word_set *w, struct word_scan *s)
{
    words_end(s, set_add, w);
}

enum { BITS_A_WORD = 8, PROBES = 3 };

/* The i-th bit of a word in a filter of `bits`. */
static inline size_t
probe(uint32_t half, int i, size_t bits)
{
    uint64_t mixed = half * 0x9e3779b97f4a7c15ULL;
    uint32_t step  = (uint32_t)(mixed >> 32) + (uint32_t)i * (uint32_t)mixed;

    return (size_t)((uint64_t)step * bits >> 32);
}

bool
word_set_filter(struct word_set *w, struct buffer *out)
{
    size_t   len  = w->failed ? 0 : (w->count * BITS_A_WORD + 7) / 8 + 1;
    uint8_t *bits = NULL;

    if (len > 0) {
        if (!buffer_reserve(out, len))
            return false;
        bits = (uint8_t *)buffer_space(out);
        memset(bits, 0, len);
        buffer_added(out, len);
    }
    for (size_t i = 0; i < w->cap; i++) {
        for (int k = 0; k < PROBES && len > 0 && w->slots[i] != 0; k++) {
            size_t bit = probe(w->slots[i], k, len * 8);
            bits[bit / 8] |= (uint8_t)(1U << bit % 8);
        }
        w->slots[i] = 0;
    }
    w->count  = 0;
    w->failed = false;
    return true;
}

void
word_set_clear(struct word_set *w)
{
    free(w->slots);
    *w = (struct word_set){0};
}

bool
filter_may_hold(struct str filter, uint64_t hash)
{
    uint32_t       half = filter_half(hash);
    const uint8_t *bits = (const uint8_t *)filter.data;

    for (int k = 0; k < PROBES && filter.len > 0; k++) {
        size_t bit = probe(half, k, filter.len * 8);
        if ((bits[bit / 8] & 1U << bit % 8) == 0)
            return false;
    }
    return true;
}
