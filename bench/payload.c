#include "payload.h"

#include <string.h>

#define POOL_BYTES ((size_t)2 << 20)
#define POOL_TEXTS ((size_t)8192) /* at most */

struct word {
    char   text[12];
    size_t len;
};

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" */
static uint64_t
random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* Two to four syllables of a consonant and a vowel, the shorter words first: the frequent ones are short. */
static void
words_make(struct word words[PAYLOAD_WORDS])
{
    static const char consonants[] = "bcdfghjklmnprstvwz", vowels[] = "aeiou";
    uint64_t          state = 1;

    for (size_t i = 0; i < PAYLOAD_WORDS; i++) {
        size_t syllables = i < 256 ? 2 : i < 2048 ? 3 : 4;

        words[i].len = 0;
        for (size_t s = 0; s < syllables; s++) {
            uint64_t random = random_next(&state) >> 16;

            words[i].text[words[i].len++] = consonants[random % (sizeof consonants - 1)];
            words[i].text[words[i].len++] = vowels[(random >> 8) % (sizeof vowels - 1)];
        }
        if (random_next(&state) >> 62 == 0)
            words[i].text[words[i].len++] = 'n';
    }
}

/* The square of an even number in 0..1 is small far more often than not. */
static const struct word *
word_draw(const struct word *words, uint64_t *state)
{
    uint64_t even = random_next(state) >> 40; /* 24 bits */

    return &words[(even * even >> 24) * PAYLOAD_WORDS >> 24];
}

static void
text_fill(char *text, size_t len, const struct word *words, uint64_t *state, const char *word)
{
    size_t at = 0;

    if (word != NULL) {
        at = strlen(word) < len ? strlen(word) : len;
        memcpy(text, word, at);
        if (at < len)
            text[at++] = ' ';
    }
    while (at < len) {
        const struct word *next = word_draw(words, state);
        size_t             take = next->len < len - at ? next->len : len - at;

        memcpy(text + at, next->text, take);
        at += take;
        if (at < len)
            text[at++] = ' ';
    }
    if (len > 0 && text[len - 1] == ' ')
        text[len - 1] = 'a';
}

void
payload_make(struct payload *p, size_t text_len, const char *word)
{
    struct word words[PAYLOAD_WORDS];
    uint64_t    state = 2;

    words_make(words);
    *p       = (struct payload){.text_len = text_len};
    p->count = POOL_BYTES / (text_len + 1) + 1;
    if (p->count > POOL_TEXTS)
        p->count = POOL_TEXTS;
    for (size_t i = 0; i < p->count; i++) {
        text_fill(bytes_room(&p->texts, text_len), text_len, words, &state, word);
        p->texts.len += text_len;
    }
}

const char *
payload_text(const struct payload *p, size_t number)
{
    return p->texts.data + number % p->count * p->text_len;
}

void
payload_clear(struct payload *p)
{
    bytes_clear(&p->texts);
}

void
payload_add_words(struct bytes *out)
{
    struct word words[PAYLOAD_WORDS];

    words_make(words);
    for (size_t i = 0; i < PAYLOAD_WORDS; i++) {
        bytes_add(out, (struct span){words[i].text, words[i].len});
        bytes_add(out, SPAN("\n"));
    }
}
