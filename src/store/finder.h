/* src/store/finder.h: whether the messages of an exchange hold all of some words and texts, a block at a time.
 *
 * Each word and text is a bit. Words are known by their hashes (words.h); texts are looked for without ASCII case, in
 * the messages as they were written, also where they lie across pieces: an entry that goes on with a message brings the
 * end of what came before. */
#ifndef GATEHOUSE_STORE_FINDER_H
#define GATEHOUSE_STORE_FINDER_H

#include "store/block.h"
#include "store/query.h"

struct finder {
    uint64_t      words[QUERY_TEXTS_MAX];
    size_t        word_count;
    struct buffer texts[QUERY_TEXTS_MAX]; /* folded */
    size_t        text_count;
    uint32_t      all;    /* every bit */
    uint32_t      found;  /* in the entry that is looked through */
    uint64_t      some;   /* bit (hash & 63) of each word: most words are none of them */
    struct buffer folded; /* of a block, or a piece and what came before */
    bool          failed; /* there was no memory to look through an entry: what it holds is not known */
};

bool finder_init(struct finder *f, const struct query *q, struct error *err);
void finder_clear(struct finder *f);

/* False: no exchange in a block with these words can match. `parts`: the block holds entries of exchanges that have
 * others elsewhere, so a part of what is looked for is enough. */
bool finder_may_match(const struct finder *f, struct str words, bool parts);
/* The same of the entries themselves, for texts. */
bool finder_run_may_match(struct finder *f, struct str run, bool parts);
/* Which bits an entry has; look at `failed` then. */
uint32_t finder_look(struct finder *f, const struct entry *e);

#endif
