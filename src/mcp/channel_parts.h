/* src/mcp/channel_parts.h: what channel.c (the child), channel_ready.c (it has opened), channel_send.c (what goes to
 * it), channel_route.c (what it says), channel_modern.c (one of 2026-07-28) and session.c (what sessions say) share.
 * For these only. */
#ifndef GATEHOUSE_MCP_CHANNEL_PARTS_H
#define GATEHOUSE_MCP_CHANNEL_PARTS_H

#include "base/map.h"
#include "exchange/skim.h"
#include "mcp/answer_stream.h"
#include "mcp/channel.h"
#include "mcp/log_level.h"
#include "mcp/rewrite.h"
#include "mcp/session.h"

enum { CALLS_MAX = 65536, QUESTIONS_MAX = 4096, QUESTIONS_OF_CALL = 256, SUBSCRIPTIONS_MAX = 1024, HELD_MAX = 64 };

#define ASKS_WITHIN SECONDS(1) /* of being called */

#define HELD_BYTES KIB(960) /* of a session; no more than a hop's share, so that flushing them loses no hop */

/* A request on its way to the child and back. In the arena of its exchange, or, for requests of ours, on the heap. */
struct call {
    struct list      node;      /* on channel->calls or, while the child opens, on channel->waiting */
    struct list      questions; /* of struct question, by of_call */
    uint64_t         number;    /* on the wire; 0 while it waits */
    struct exchange *x;         /* NULL: ours */
    struct session  *session;   /* NULL: ours, or of a modern client */
    bool             opens;     /* an `initialize`: a client's is answered with the greeting, ours opens the channel */
    bool             is_silent; /* the child need not hear of its end */
    bool             is_asked;  /* a question was, perhaps, on its account */
    struct str       line;      /* while it waits: the message, in the arena; */
    struct str       id, token; /* and the places in it */
};

/* Something that the child asked of a session's client. */
struct question {
    struct list      node;    /* on channel->asked */
    struct list      of_call; /* on call->questions */
    struct session  *session;
    struct exchange *on;      /* of the call during which it was asked; NULL: outside any, or that call is over */
    bool             is_owed; /* the client has got it: `on` waits for the client */
    size_t           id_len;
    char             id[]; /* as written */
};

/* What became of a message for a client. */
enum delivery { DELIVERED, HELD, LOST };

struct channel {
    struct loop                 *loop;
    const struct channel_events *events;
    void                        *owner;
    struct arena                *scratch;
    struct child                *child;
    struct skim                 *begun; /* of the large line that is arriving; NULL: none is */
    enum channel_state           state;
    bool                         isolated, is_modern;
    struct back                  back;     /* of modern exchanges */
    struct list                  sessions; /* of struct session, by node */
    struct list                  calls;    /* of struct call, by node; newest last */
    struct list                  waiting;  /* of struct call, by node */
    struct list                  asked;    /* of struct question, by node; oldest first */
    size_t                       in_flight, session_count;
    struct map                   by_number;  /* uint64_t -> struct call * */
    struct map                   questions;  /* id as written -> struct question * */
    struct map                   subscribed; /* uri -> unsigned, how many sessions */
    uint64_t                     next_number;
    struct buffer                opening;  /* the first session's initialize, as it came; modern: ours */
    struct buffer                greeting; /* the result of initialize, as it came */
    char                         revision[16];
    int                          level; /* last told to the child; -1: never */
    bool                         is_told_initialized;
    bool                         is_restarting;   /* we stopped the child, another is to follow */
    bool                         could_not_start; /* the last one: `words` name its command */
    mono_time                    patience, started, down_since, retry_at, lonely_since;
    unsigned                     failures; /* in a row */
    struct timer                 expiry;   /* of an opening of our own */
    struct channel_counts        counts;
    char                         words[300];
};

struct held {
    struct list node;
    size_t      len;
    char        bytes[];
};

struct session {
    struct list      node; /* on channel->sessions */
    struct back      back;
    struct channel  *channel;
    void            *owner;
    struct exchange *stream; /* the GET; NULL: none */
    struct list      held;   /* of struct held, by node */
    size_t           held_count, held_bytes, calls;
    struct map       subscriptions; /* uri -> char */
    int              level;         /* notifications/message below it are not for this session; -1: all are */
    mono_time        heard;
    bool             is_open;
    char             revision[16];
    char             id[SESSION_ID_SIZE];

    struct answer_streams streams;
};

/* channel.c */
/* It has no child, and nobody uses it. */
void channel_free(struct channel *c);
bool channel_open(struct channel *c, struct error *err);
void channel_stop(struct channel *c, const char *words);
void channel_trouble(struct channel *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Onto one of the channel's lists of calls, off the other. */
void call_enlist(struct call *call, struct list *list);
void call_forget(struct channel *c, struct call *call);
void channel_remove_session(struct channel *c, struct session *s);

/* channel_ready.c */
void channel_answer_from_greeting(struct channel *c, struct call *call);
bool channel_set_ready(struct channel *c, const struct envelope *answer);
/* The child is told the lowest level that any session wants, if that has changed. */
void channel_settle_level(struct channel *c);

/* What waited goes out, in order. */
void channel_flush_waiting(struct channel *c);

/* channel_send.c */
/* Requests may be written. Else they wait: until the child is open, or a dying one is gone. */
bool channel_takes(const struct channel *c);
bool channel_write_request(struct channel *c, struct call *call, struct str message, struct str id, struct str token);
bool channel_tell(struct channel *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool channel_request_of_ours(struct channel *c, struct str message);
/* Writes a request, or lets it wait until the child is open; starts the child when there is none. `message` is that of
 * `x`, or another; `id` and `token` are places in it. `s`: NULL: of a modern client. */
void channel_forward(struct channel *c, struct session *s, struct exchange *x, struct str message, struct str id,
                     struct str token);
/* `x` is over: if it was a call, the child is told, and it is none any more. */
void channel_cancel(struct channel *c, struct exchange *x, enum close_reason why);

/* channel_modern.c */
/* The answer to `server/discover`. */
void modern_take_opening(struct channel *c, struct call *ours, const struct envelope *e);
/* It said nothing to it, or ended. */
void modern_take_silence(struct channel *c);
void modern_take_end(struct channel *c); /* by itself */
void modern_take_question(struct channel *c, const struct envelope *e);
void modern_take_notification(struct channel *c, const struct envelope *e);
/* With which HTTP status an error of that code goes. */
int modern_status(int code);

/* channel_route.c */
void channel_take_progress(struct channel *c, const struct envelope *e);
void channel_odd_line(struct channel *c, struct str line, const char *why);
/* What is said on the way to the answer of `x`, whose client is there. */
void channel_note(struct exchange *x, struct str message);
/* `begun`: the line was walked as it came; NULL: it was not. */
void channel_take_line(struct channel *c, struct str line, struct skim *begun);
/* The final answer of `x`, which is no call any more: on record, to its client, and closed. */
void channel_answer(struct exchange *x, struct str message);
/* `on`: the exchange that it belongs to, or NULL. */
enum delivery session_deliver(struct session *s, struct exchange *on, struct str message);
void          session_drop_held(struct session *s, struct held *held);
void          question_drop(struct channel *c, struct question *q);

/* session.c */
void session_forget_subscription(struct session *s, struct str uri);

#endif
