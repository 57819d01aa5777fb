/* src/mcp/client/mail.h: one message on its way to a server: an exchange whose front it is. What the ways share; for
 * them only.
 *
 * Who sends may do anything in the callbacks: drop the mail, free the way. But whoever is told of something by an
 * exchange cannot end it there, for the back goes on with it. So a mail that is dropped while it tells something lets
 * its exchange go at the turn's end, and what happens while it is being sent is told then. A dropped mail that has its
 * answer goes on alone until the stream behind it ends: the connection is kept, and what came is on record. */
#ifndef GATEHOUSE_MCP_CLIENT_MAIL_H
#define GATEHOUSE_MCP_CLIENT_MAIL_H

#include "mcp/client/way.h"

/* What every way begins with. */
struct carrier {
    struct way        way;
    struct exchanges *all;
    struct way_hooks  hooks;
    struct list       mails; /* of struct mail, by node; the oldest first */
};

/* How a way has its mails. */
struct mail_type {
    struct front_ops front;
    size_t           size;    /* of its struct, which begins with struct mail */
    bool             is_late; /* nothing is told in functions of the front: who calls them stands no surprises */
    /* Tells what was held back: at the turn's end when mail_wait was called, and before the end. May be NULL. */
    void (*settle)(struct mail *m);
    /* Gives back what the way put into it. May be NULL. */
    void (*clear)(struct mail *m);
};

struct mail {
    struct front              front;
    struct list               node;    /* on carrier->mails; in no list once it is dropped */
    struct carrier           *carrier; /* NULL: dropped */
    const struct mail_type   *type;
    struct loop              *loop;
    struct exchange          *x;      /* NULL once it is closed */
    const struct mail_events *events; /* NULL: nobody wants to know */
    void                     *owner;
    unsigned                  inside;    /* how many of our functions, which go on with it, are on the stack */
    bool                      is_ending; /* finish() is on the stack: it frees the mail */
    bool                      is_farewell;
    struct loop_hook          turn_end; /* set when there is something to do then: what came late is told, */
    struct timer              later;    /* the exchange is dropped; should the loop sleep before, soon after */
    enum close_reason         drop;     /* why it is dropped, when that waits */
    struct list               asked;    /* of struct asking, by node: questions not answered */
    size_t                    asked_count;
    struct mail_end           end;
    char                      words[400];
    struct buffer             last_event;
    struct buffer             challenge; /* not told yet; empty: none */
};

void carrier_init(struct carrier *c, const struct way_ops *ops, struct exchanges *all, const struct way_hooks *hooks);
/* Drops all but what only tells the server something: a notification, an answer, a DELETE still goes out. */
void carrier_clear(struct carrier *c);

/* An exchange for the message, guarded, with its mail. It has entered: nothing is told before mail_sent. The exchange
 * may be refused, and closed, already. NULL: `err`. */
struct mail *mail_new(struct carrier *c, const struct mail_type *type, const struct mail_spec *spec,
                      const struct mail_events *events, void *owner, struct error *err);
/* What was to be done is done; for way_ops.send to return. */
struct mail *mail_sent(struct mail *m);

/* For mail_type: the end of the exchange; and way_ops.drop. */
void mail_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out);
void mail_drop(struct mail *m, enum close_reason why);

/* Whether it is still to be told. */
static inline bool
mail_is_wanted(const struct mail *m)
{
    return m->events != NULL;
}

/* There is something to be told at the turn's end. */
void mail_wait(struct mail *m);
/* The exchange is to end, not before the turn's end: a front cannot do it in its functions. */
void mail_fail(struct mail *m, enum close_reason why, const char *words);
void mail_tell_head(struct mail *m, int status, struct str session);
/* The head of a refusal, if it is one: what it wants is told before all else that comes. */
void mail_note_challenge(struct mail *m, int status, const struct http_headers *headers);
/* What the server said: a message, or a batch of 2025-03-26; what is neither is passed over. False: it is no longer
 * wanted. */
bool mail_tell_messages(struct mail *m, struct str text);
/* The time-out of the exchange stands still until its questions are answered. */
void mail_take_question(struct mail *m, struct str id);
/* The exchange is an answer to a question: that is on record with who asked. */
void carrier_join_reply(struct carrier *c, struct exchange *reply);

static inline struct mail *
mail_of(struct front *front)
{
    return LIST_OF(struct mail, front, front);
}

#endif
