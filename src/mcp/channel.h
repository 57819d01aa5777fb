/* src/mcp/channel.h: one child process that speaks MCP over its stdin and stdout, shared by sessions or, of
 * 2026-07-28, by all who ask.
 *
 *   IDLE ---> OPENING ---> READY ---> IDLE        and from every state to CLOSING
 *   IDLE      no child; the next request starts one, unless it failed shortly before (exponential back-off)
 *   OPENING   the child is started, its answer to `initialize` (modern: `server/discover`) is due; requests wait
 *   READY     requests pass
 *   CLOSING   no longer anybody's; freed when the child is gone
 *
 * The channel owns the ids on the wire: requests, progress tokens and cancellations are numbered anew and come back as
 * their session wrote them. The first session's `initialize` is sent as ours and opens the child; its answer is
 * recorded and given to every session. A child that died is opened again with it. What comes while one is dying waits
 * for the next: nothing of it was written. What the child says outside a call
 * goes to its sessions; what it asks goes to the session whose calls alone are in flight. MCP basic/transports "stdio";
 * basic/lifecycle.
 *
 * A modern channel has no sessions: each request says all that the child needs to know. What the child says outside the
 * stream of a call goes to the subscription whose id it carries; a log message, which carries none, to the call in
 * flight that asked for logs, if there is one such alone. MCP 2026-07-28 basic/transports "stdio". */
#ifndef GATEHOUSE_MCP_CHANNEL_H
#define GATEHOUSE_MCP_CHANNEL_H

#include "child/child.h"
#include "exchange/exchange.h"

struct channel;
struct session;

enum channel_state { CHANNEL_IDLE, CHANNEL_OPENING, CHANNEL_READY, CHANNEL_CLOSING };

/* The gateway's side. `owner` is what channel_new was given. */
struct channel_events {
    /* Starts the child of the registry's entry. NULL: `err`. */
    struct child *(*start)(void *owner, const struct child_events *events, struct channel *c, struct error *err);
    /* The child answered `initialize`: who it is. */
    void (*on_ready)(void *owner, struct channel *c, const struct envelope *answer);
    /* It ended, or could not be started; `words` say how, for the operator: they may name the command. Empty: it was
     * restarted. */
    void (*on_down)(void *owner, struct channel *c, const char *words);
    void (*on_stderr)(void *owner, struct channel *c, struct str line);
    /* A line that is no message: not UTF-8, NUL in it, no JSON, over the limit; or an answer to nothing that was asked.
     */
    void (*on_odd_line)(void *owner, struct channel *c, struct str line, const char *why);
    /* The session's isolated child died: it is to be ended, not before the turn's end. */
    void (*on_session_lost)(void *owner, struct session *s);
    /* It closes: the last event. It frees itself when its child is gone. */
    void (*on_closed)(void *owner, struct channel *c);
    /* Something went wrong that no client hears of now: for the operator's log. */
    void (*on_trouble)(void *owner, struct channel *c, const char *words);
    /* Legacy: the child answered the `initialize` of `x` with an error, `refusal`, which has the client's id. `x` has
     * no back any more. False: its client gets the refusal. NULL: all do. */
    bool (*on_refused)(void *owner, struct channel *c, struct exchange *x, struct str refusal);
    /* Modern: it does not speak 2026-07-28: `words` say how it showed that. Those who wait are stranded, then it
     * closes. */
    void (*on_other_era)(void *owner, struct channel *c, const char *words);
    /* Modern: it did not open, by `words`. `x` waited for that, nothing of it was sent, it has no back any more. */
    void (*on_stranded)(void *owner, struct channel *c, struct exchange *x, const char *words);
};

struct channel_counts {
    uint64_t odd_lines;
    uint64_t refused_questions; /* asked while calls of several sessions were in flight; modern: asked at all */
    uint64_t dropped; /* messages for sessions that listen nowhere, over the bound; modern: for nobody known */
    unsigned starts;
};

/* `arena` is used for one message at a time. `patience`: for an opening of our own. NULL: no memory. */
struct channel *channel_new(struct loop *loop, const struct channel_events *events, void *owner, struct arena *scratch,
                            bool isolated, mono_time patience);
/* One of 2026-07-28. `patience`: with a child that says nothing to `server/discover`, before it is of the other era. */
struct channel *channel_new_modern(struct loop *loop, const struct channel_events *events, void *owner,
                                   struct arena *scratch, mono_time patience);
/* Where exchange_send sends the exchanges of modern clients. */
struct back *channel_back(struct channel *c);
/* Ends its sessions for `why` and the child; frees itself when the child is gone. */
void channel_close(struct channel *c, enum close_reason why);

/* Ends the child; the next request, or one that came meanwhile, starts another at once, whatever failed before. */
void channel_restart(struct channel *c);

enum channel_state           channel_state(const struct channel *c);
bool                         channel_is_isolated(const struct channel *c);
size_t                       channel_sessions(const struct channel *c);
size_t                       channel_calls(const struct channel *c);
const struct channel_counts *channel_counts(const struct channel *c);
struct child                *channel_child(const struct channel *c);      /* NULL: none */
const char                  *channel_words(const struct channel *c);      /* how the last child ended; "" */
mono_time                    channel_down_since(const struct channel *c); /* 0: it is not down */
/* When the last session left, or the last modern call ended; 0 while there is one. */
mono_time channel_lonely_since(const struct channel *c);

#endif
