/* bench/payload.h: the texts that calls carry.
 *
 * What is recorded is compressed, so the same text in each call would flatter it. Words are drawn from a vocabulary of
 * 4,096 made-up ones, some far more often than others, as in a language; the texts of a pool repeat only after some
 * 2 MiB, more than a block of captured messages holds. All is deterministic: two runs send the same. */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include "wire.h"

#define PAYLOAD_WORDS 4096

struct payload {
    struct bytes texts; /* `count` of them, each `text_len` bytes of a-z and blanks */
    size_t       text_len, count;
};

/* With `word` not NULL each text starts with it: something for a search to find. */
void        payload_make(struct payload *p, size_t text_len, const char *word);
const char *payload_text(const struct payload *p, size_t number); /* any number */
void        payload_clear(struct payload *p);

/* The vocabulary, the most frequent first, a word a line. */
void payload_add_words(struct bytes *out);

#endif
