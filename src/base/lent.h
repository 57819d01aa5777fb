/* src/base/lent.h: large bytes that whoever hears of them may keep without a copy.
 *
 * A message of 60 MiB that is gathered goes to two places that outlive the callback it is told by: a client's
 * connection and the log. To copy it to each stopped the network thread for 60 ms, most of them the kernel's, which
 * clears fresh memory. So who has gathered it lends it while it is told; who wants to keep a part of it takes a
 * reference:
 *
 *   struct lent *l = lent_begin(&gathered);         told by: the reader of lines, the reader of events
 *   on_line(owner, lent_str(l));
 *   lent_end(l);
 *
 *   struct lent *kept = lent_keep(part);            kept by: the connection, the log; NULL: it is to be copied
 *   ...                                             long after, on any thread:
 *   lent_unref(kept);
 *
 * All but lent_unref is the network thread's. */
#ifndef GATEHOUSE_BASE_LENT_H
#define GATEHOUSE_BASE_LENT_H

#include "base/buffer.h"

#define LENT_MIN KIB(256) /* what is smaller is copied */

enum {
    LENT_ROOM = 1280
}; /* bytes that a buffer should have in front, so that a longer id finds room: see lent_replace */

struct lent;

/* Takes the memory of `b`, which is empty then. NULL: no memory, `b` is as it was; or it holds less than LENT_MIN. */
struct lent *lent_begin(struct buffer *b);
struct str   lent_str(const struct lent *l);
/* What nobody keeps is freed. NULL is nothing. */
void lent_end(struct lent *l);

/* NULL: `part` does not lie in what is lent now, or is smaller than LENT_MIN. */
struct lent *lent_keep(struct str part);
/* Another reference, for who has one. NULL is nothing. */
struct lent *lent_ref(struct lent *l);
/* Any thread; frees it with the last. NULL is nothing. */
void lent_unref(struct lent *l);

/* Replaces `place` in `message` where it lies: the shorter side moves. False: `message` is not lent, somebody keeps it
 * already, or there is no room on either side; nothing has changed. */
bool lent_replace(struct str *message, struct str place, struct str with);

#endif
