/* src/store/words.h: the words of messages, and a small filter that says which words a block cannot hold.
 *
 * A word is a run of ASCII letters and digits, lower-cased, and of bytes above 0x7f as they are. Messages are JSON: \n
 * and its kind part words, \u00e9 is the character it stands for. The scan keeps its state between pieces, so a word
 * that lies across a seam is one word. A word is known by its 64-bit hash; the filter (Bloom, 8 bits a word, 3 probes,
 * 3 % false alarms) by half of it. */
#ifndef GATEHOUSE_STORE_WORDS_H
#define GATEHOUSE_STORE_WORDS_H

#include "base/buffer.h"

struct word_scan { /* all zero: between words */
    uint64_t hash; /* of the word so far; 0: none */
    uint8_t  escape;
    uint16_t unit; /* of \uXXXX, so far */
    uint16_t high; /* the first half of a surrogate pair */
};

/* Calls `found` for each word that ended. */
typedef void word_found(void *arg, uint64_t hash);
void         words_scan(struct word_scan *s, struct str text, word_found *found, void *arg);
/* The message is over, and so is its last word. */
void words_end(struct word_scan *s, word_found *found, void *arg);
/* The words of a plain text, without JSON's escapes: of what somebody searches. */
void words_of_text(struct str text, word_found *found, void *arg);

/* The different words of one block. */
struct word_set {
    uint32_t *slots; /* 0: free */
    size_t    cap;   /* a power of two, or 0 */
    size_t    count;
    bool      failed; /* no memory: the filter must say yes to everything */
};

void word_set_scan(struct word_set *w, struct word_scan *s, struct str text);
void word_set_end(struct word_set *w, struct word_scan *s);
/* Appends the filter of the words to `out` and empties the set. An empty filter holds everything. */
bool word_set_filter(struct word_set *w, struct buffer *out);
void word_set_clear(struct word_set *w);

bool filter_may_hold(struct str filter, uint64_t hash);

#endif
