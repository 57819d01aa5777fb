/* src/exchange/skim.h: a large message, checked to be JSON and reduced to what an envelope needs of it.
 *
 * A tree takes up to sixteen bytes for two of the message, and its making stops every other connection: 8 MiB of small
 * numbers took 1.3 s and 200 MiB. Here the text is walked once, piece by piece as it comes, and only the members that
 * envelope.c looks for are copied, so small that a tree of them costs nothing. RFC 8259; lone surrogates pass. */
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

/* The members of an object whose values are looked at. */
struct skim_level {
    size_t from; /* where the value of the last one begins */
    bool   is_kept, is_result, is_meta;
    bool   is_open; /* its value is an object, and looked into */
    bool   has_members;
};

struct skim {
    struct buffer     text; /* an object: the members that matter, each value longer than SKIM_KEPT as null */
    struct skim_piece pieces[SKIM_PIECES];
    size_t            count;  /* of pieces; of an array: of elements */
    struct str        result; /* the value of that member in the message, when it is an object; set by skim_end */

    /* where we are */
    size_t            at, from; /* bytes walked; where the key that is arriving begins */
    size_t            result_from, result_len;
    struct skim_level levels[2];
    uint8_t           state;
    uint16_t          depth;
    uint8_t           objects[SKIM_DEPTH / 8]; /* bit per open container: it is an object */
    bool              is_array;                /* only its elements are counted */
    bool              is_wrong, no_memory;
};

/* Clear it with skim_clear in any case. */
void skim_begin(struct skim *s);
/* All that has come of the message so far: it may have moved since the last time. What was walked is not walked again.
 */
void skim_feed(struct skim *s, struct str so_far);
/* The message is whole, and some or none of it was fed. ERROR_INVALID: no JSON object, nested deeper than SKIM_DEPTH,
 * or more members that matter than fit. */
bool skim_end(struct skim *s, struct str message, struct error *err);
void skim_clear(struct skim *s);

/* Of a message whose end will not come: the id of the request that it answers, in `text`. Empty: it is no answer, or
 * its id would have come later. */
struct str skim_answered(const struct skim *s);

/* For who gathers a message: walks what came of it, in `*s`, which is made with the first piece and freed by the owner.
 * Without memory for one it is walked later. */
void skim_follow(struct skim **s, struct str so_far);
/* NULL is nothing. */
void skim_free(struct skim *s);

/* Where in the message stands what stands at `at` in the text. */
size_t skim_place(const struct skim *s, size_t at);

/* A batch is read in one turn of the loop, and each of its messages costs some of it. A client's has fewer. */
enum { BATCH_MOST = 1000 };

/* Whether it is a JSON array, and of how many elements. ERROR_INVALID: it is none, or has more than BATCH_MOST. */
bool skim_array(struct str message, size_t *count, struct error *err);

#endif
