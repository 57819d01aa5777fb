/* src/exchange/skim.h: a large message, checked to be JSON and reduced to what an envelope needs of it.
 *
 * A tree takes up to sixteen bytes for two of the message, and its making stops every other connection: 8 MiB of small
 * numbers took 1.3 s and 200 MiB. Here the text is walked once, by nobody's leave but the stack's, and only the members
 * that envelope.c looks for are copied, so small that a tree of them costs nothing. RFC 8259; lone surrogates pass. */
#ifndef GATEHOUSE_EXCHANGE_SKIM_H
#define GATEHOUSE_EXCHANGE_SKIM_H

#include "base/arena.h"
#include "base/buffer.h"
#include "exchange/envelope.h"

enum { SKIM_PIECES = 64, SKIM_KEPT = 32 << 10, SKIM_DEPTH = DEPTH_MAX };

/* A part of the message that is in `text` too. */
struct skim_piece {
    size_t from, at, len; /* in the message, in `text` */
};

struct skim {
    struct buffer     text; /* an object: the members that matter, each value longer than SKIM_KEPT as null */
    struct skim_piece pieces[SKIM_PIECES];
    size_t            count;
    struct str        message, result; /* `result`: the value of that member in the message */
};

/* Clear it with skim_clear in any case. ERROR_INVALID: no JSON object, nested deeper than SKIM_DEPTH, or more members
 * that matter than fit. */
bool skim_read(struct skim *s, struct str message, struct error *err);
void skim_clear(struct skim *s);
/* Where in the message stands what stands at `at` in the text. */
size_t skim_place(const struct skim *s, size_t at);

/* Whether it is a JSON array, and of how many elements. */
bool skim_array(struct str message, size_t *count, struct error *err);

#endif
