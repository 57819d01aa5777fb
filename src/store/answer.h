/* src/store/answer.h: what a message says about its exchange, read as it streams by: ok or error, the error's code,
 * `isError`, and how many characters a model would read or has written.
 *
 * A scanner, not a parser: pieces come as they were captured and are never joined; it checks nothing and believes the
 * nesting. An SSE event is looked through for the JSON in it. Tokens are estimated as ceil(characters / 4), where a
 * character is a UTF-16 unit: of a tools/call its tool's name and arguments as they are written; of the results of
 * tools/call, resources/read and prompts/get each `text`, `data` and `blob` of the content, 20 an item, and 40. */
#ifndef GATEHOUSE_STORE_ANSWER_H
#define GATEHOUSE_STORE_ANSWER_H

#include "base/str.h"

struct answer { /* all zero: nothing read */
    bool     has_result, has_error, has_code, is_error;
    bool     quick; /* set by the caller: stop at `result`, nothing in it matters */
    int      code;
    uint64_t characters; /* counted so far, either way */
    uint64_t items;

    /* where we are */
    bool     in_string, escaped, is_key, wants_key, minus;
    uint8_t  section;    /* of depth 1: which key */
    uint8_t  part;       /* of depth 2: which key */
    uint8_t  leaf;       /* the last key, at any depth */
    uint8_t  base;       /* depth outside of the message: 1 in a batch */
    bool     based;      /* the first { was seen */
    bool     counts;     /* this string's characters do */
    bool     quick_done; /* nothing more is wanted */
    uint8_t  hex;        /* digits of \uXXXX still to come */
    uint8_t  key_len;    /* CUT when longer than `key` */
    uint32_t depth;      /* open containers */
    uint64_t objects;    /* bit per depth below 64: it is an object */
    char     key[12];    /* the longest we look for: "arguments" */
};

void answer_scan(struct answer *a, struct str piece);

uint64_t answer_tokens_in(const struct answer *request);
uint64_t answer_tokens_out(const struct answer *answer);

#endif
