/* src/exchange/exchange.h: one client request and all that happens until its final answer.
 *
 *   READING ---> GUARDING ---> WAITING ---> ANSWERING ---> CLOSED      and from every state to CLOSED
 *                    |          |   |            |  ^
 *                    +----------|---|--refused---|--+
 *                               |   +-> ADRIFT <-+
 *                               |          |
 *                               +----------+----> CLOSED
 *   READING     its message is being parsed
 *   GUARDING    being judged; nothing has left the house
 *   WAITING     sent to `back`, which has not answered
 *   ANSWERING   the head of the answer is out: a failure is now an error event, or cuts a JSON body
 *   ADRIFT      no hop and no upstream connection, but an answer is still due: a legacy answer that carried an event id
 *               ended without it, or a legacy client left an HTTP upstream
 *   CLOSED      recorded, linked to nobody; freed when the loop's turn ends, never earlier
 *
 * A notification, a client's reply, a GET stream and a DELETE are exchanges too, of another kind: what leaves the house
 * leaves it through exchange_send, and what was said is on record.
 *
 * `front` (who asked) and `back` (who answers) are structs of functions that others fill in: this room knows neither.
 */
#ifndef GATEHOUSE_EXCHANGE_EXCHANGE_H
#define GATEHOUSE_EXCHANGE_EXCHANGE_H

#include "base/loop.h"
#include "exchange/close_reason.h"
#include "exchange/envelope.h"
#include "http/headers.h"
#include "store/record.h"

enum exchange_state {
    EXCHANGE_READING,
    EXCHANGE_GUARDING,
    EXCHANGE_WAITING,
    EXCHANGE_ANSWERING,
    EXCHANGE_ADRIFT,
    EXCHANGE_CLOSED,
    EXCHANGE_STATES
};

#define ANSWER_REST SECONDS(1) /* how long what carried an answer may stay open behind it */
#define EXPIRY_STEP KIB(64)    /* a large message may take long; one that drips is as good as none */

struct exchange;
struct front;
struct back;

/* The head of an answer that passes through as it came. */
struct answer_head {
    int                       status;
    const struct http_header *headers; /* those that may pass */
    size_t                    count;
    int64_t                   length;    /* -1: not known */
    bool                      is_stream; /* text/event-stream */
    bool                      is_ours;   /* the body is in our words: the server's own is not for the client */
};

/* Who asked. */
struct front_ops {
    /* One whole message for the client; `last` when it is the final answer. False: the client is slower than its share
     * and has lost its hop; or the hop is there, but has no place for the message, or no memory. */
    bool (*message)(struct front *front, struct exchange *x, struct str message, bool last);
    /* An answer that passes through: its head, then its bytes; `inside`: they end within an event. False: the client is
     * slower than its answer, pause until the back's `resume`. */
    void (*head)(struct front *front, const struct answer_head *head);
    bool (*bytes)(struct front *front, struct str bytes, bool inside);
    /* The exchange is over and unlinked from the front. The front answers with an error when no answer was given. */
    void (*end)(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out);
    /* The answer will take a while: the client may go, and ask for it again `retry` later. NULL, or false: this one
     * stays. */
    bool (*let_go)(struct front *front, struct exchange *x, mono_time retry);
};

struct front {
    const struct front_ops *ops;
};

/* Who answers. */
struct back_ops {
    /* Takes the exchange, which is WAITING. May close it at once. */
    void (*send)(struct back *back, struct exchange *x);
    /* The exchange is over and unlinked from the back, which had not finished with it. */
    void (*cancel)(struct back *back, struct exchange *x, enum close_reason why);
    /* The client has caught up. NULL when this back never passes bytes through. */
    void (*resume)(struct back *back);
};

struct back {
    const struct back_ops *ops;
};

struct exchange {
    struct list         node;  /* on owner->in_state[state] */
    struct list         known; /* on the owner's list of those not yet seen by the log, oldest first */
    struct exchanges   *owner;
    enum exchange_state state;
    enum exchange_kind  kind;
    struct front       *front;                 /* NULL once told, or gone */
    struct back        *back;                  /* NULL before WAITING and when it has finished */
    struct list         front_node, back_node; /* for who has several: a hop its batch, a channel its calls */
    struct arena       *arena;                 /* holds everything of this exchange, and the exchange itself */

    struct envelope message; /* of the request; what is "as written" is borrowed until exchange_keep_message */
    bool            is_modern;
    bool            is_told;   /* on_close was called: nothing more is noted */
    bool            is_silent; /* not on record by itself: a reply that belongs to another exchange */
    void           *service;   /* the gateway's: which server, whose session; counted there, let go by on_close */
    uint64_t        caller;    /* the gateway's: its clients by what they send to the server along; 0: nothing */
    void           *captured;  /* the gateway's: what the log has of it so far */

    mono_time    began, first_byte; /* first_byte is 0 until the first byte of an answer */
    mono_time    patience;          /* how long without a message; 0 for streams */
    struct timer expiry;            /* restarts with each message, and with each EXPIRY_STEP of one */
    size_t       heard;             /* bytes of an unfinished message since then */
    unsigned     owed;              /* questions that the client, while it is there, has not answered: no expiry */
    bool         is_lasting;        /* its arena is a small one, of its own */
    bool         is_away;           /* the client left, and its front keeps what comes until it is back */
    bool         is_unread;         /* the answer is held up: what came of it waits for the client to read */
    size_t       dropped;           /* bytes of a message that had no room, and may have been the answer; 0: none */
    bool         is_last_chance;    /* nothing but the answer itself keeps it from expiring */

    enum close_reason why;         /* once CLOSED */
    int               http_status; /* what the client saw, or would have; a back may choose */
    struct str        challenge;   /* WWW-Authenticate that goes with 401 or 403; lives as that answer; empty: none */
    int               error_code;  /* JSON-RPC, of the answer; 0: none seen */
    bool              failed;      /* the answer was an error, or a tool's result with isError */
    bool              judged;      /* `failed` and `error_code` are known (else the log reads them from the answer) */
    struct str        detail;      /* why it failed, for the client; in the arena */
};

/* What happens beside the exchange is hung up here once, at start; all but `owner` may be NULL. */
struct exchange_hooks {
    /* Guarding: true lets it pass, false refuses with `err`. In the order of the array, NULL ends it. */
    bool (*const *stages)(struct exchange *x, struct error *err);
    /* A message, or with `continues` a piece of one of which more follows. */
    void (*on_message)(struct exchange *x, enum message_from from, struct str bytes, bool continues);
    /* Exactly once each. The answer, if any, has been given. */
    void (*on_close)(struct exchange *x, enum close_reason why);
    void *owner;
};

/* All exchanges of a process. Owned by the network thread. */
struct exchanges {
    struct loop          *loop;
    struct exchange_hooks hooks;
    struct list      in_state[EXCHANGE_STATES]; /* of struct exchange, by node; in the order of arrival in the state */
    struct list      unknown;                   /* of struct exchange, by known: open, not yet written to the log */
    size_t           open;                      /* all that are not CLOSED */
    uint64_t         visits[EXCHANGE_STATES];   /* how often each state was entered */
    struct arena    *spare[64];                 /* emptied arenas, to be used again */
    size_t           spares;
    struct loop_hook turn_end;
};

/* Whether what is said now reaches the client now. */
static inline bool
exchange_is_heard(const struct exchange *x)
{
    return x->front != NULL && !x->is_away;
}

/* Whether it stays open as long as its client wants, and may be silent for hours: a GET stream, or a subscription of
 * MCP 2026-07-28. */
bool exchange_is_listening(const struct exchange *x);

bool exchanges_init(struct exchanges *all, struct loop *loop, const struct exchange_hooks *hooks);
/* Closes what is open, for CLOSE_SHUTDOWN, and frees everything. */
void exchanges_clear(struct exchanges *all);

/* READING. NULL: no memory. `front` may be NULL: nobody waits for the answer. */
struct exchange *exchange_new(struct exchanges *all, enum exchange_kind kind, struct front *front);
/* READING, with its message parsed, and nobody knows of it yet: it will be open for hours. The same exchange in a small
 * arena, of the message only its bytes (and result) still borrowed; `x` is gone, with what lay in its arena. NULL: no
 * memory, `x` is as it was. */
struct exchange *exchange_lighten(struct exchange *x);
/* READING to GUARDING. False: a stage refused, and the exchange is closed. */
bool exchange_guard(struct exchange *x);
/* GUARDING to WAITING, and over to `back`: the only way out of the house. */
void exchange_send(struct exchange *x, struct back *back);
/* The first byte of the answer goes to the client: to ANSWERING, from GUARDING or WAITING. Harmless when there already.
 */
void exchange_begin_answer(struct exchange *x);
/* An answer is still due, but neither hop nor connection is left. `back` has finished with it. */
void exchange_set_adrift(struct exchange *x);
/* From any state, any number of times; the first reason counts. Safe inside callbacks of the exchange itself. */
void exchange_close(struct exchange *x, enum close_reason why);
/* The same with a detail for the client: what failed, on what. */
void exchange_fail(struct exchange *x, enum close_reason why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A message passed: on record, and the expiry starts anew. */
void exchange_note(struct exchange *x, enum message_from from, struct str bytes, bool continues);
/* Bytes of a message came that is not whole yet and is not noted in pieces. */
void exchange_hear(struct exchange *x, size_t bytes);
/* The final answer of `x` was judged: failed or not; the first one counts. A stream that goes on behind it is given
 * ANSWER_REST to end, whatever it says. */
void exchange_judge(struct exchange *x, const struct envelope *answer);
/* The server asks the client something while the call waits, or the client has answered. */
void exchange_owe(struct exchange *x, int questions);
/* The server has talked enough: only its answer counts from now on, within one more time-out. */
void exchange_press(struct exchange *x);

/* The request that brought the message ends now, its bytes with it: what is needed later is copied. */
void exchange_keep_message(struct exchange *x);
/* The hop is gone. The exchange goes on without, and nobody is there who could owe an answer. */
void exchange_lose_front(struct exchange *x);
/* The same, or its end, with a front that keeps what comes meanwhile. */
void exchange_set_away(struct exchange *x, bool is_away);
/* The client may go and come back for the answer. False: it cannot, and stays. */
bool exchange_let_go(struct exchange *x, mono_time retry);
/* The back is done with it and must not be told of its end. */
void exchange_lose_back(struct exchange *x);

#endif
