/* src/mcp/http_back_parts.h: what http_back.c (the life of a call), http_back_head.c (the head of its answer),
 * http_back_body.c (an answer in JSON) and http_back_stream.c (an event stream) share. For these four only. */
#ifndef GATEHOUSE_MCP_HTTP_BACK_PARTS_H
#define GATEHOUSE_MCP_HTTP_BACK_PARTS_H

#include "base/lent.h"
#include "exchange/skim.h"
#include "mcp/http_back.h"
#include "store/answer.h"

/* An answer in JSON on its way. What points lies in the arena of the exchange. */
struct json_body {
    struct answer_head *held;     /* not passed on before the body was judged */
    struct buffer       gathered; /* what is read when it is whole, or the begin of what is held */
    struct answer      *look;     /* at one that is too large to be held */
    uint64_t            received; /* bytes */
    bool                is_noted; /* all of it is on record */
};

/* Refers to the call while it runs. Frees itself when the call has ended and no exchange is linked. */
struct http_back {
    struct back                    back;
    const struct http_upstream    *to;
    const struct http_back_events *events;
    struct http_call              *call;
    struct list                    exchanges; /* of struct exchange, by back_node */
    size_t                         expected;  /* exchanges still to be sent to it before it starts */
    enum http_back_kind            kind;
    enum http_method               method;
    struct str                     body;    /* of the hop's request */
    struct http_headers            headers; /* in `scratch`: until it was sent */
    struct arena                  *scratch;
    int                            status;
    bool                           is_batch, is_stream, has_event_id;
    bool                           is_slow;    /* the client is: on_writable resumes */
    bool                           is_dropped; /* the body of the answer is for nobody */
    struct timer                   retry;      /* reads on when the log has caught up */
    struct sse_parser              events_in;
    struct skim                   *begun; /* of the large message that is gathered; NULL: none is */
    struct json_body               json;
};

/* http_back.c */

/* The one whose front gets what passes; NULL: none is left. */
struct exchange *http_back_first(const struct http_back *hb);
/* Bytes of the answer go on to the client. `inside`: they end within an event. */
void http_back_pass(struct http_back *hb, struct str bytes, bool inside);
/* Reads no further while the log or the client cannot keep up. */
void http_back_pause(struct http_back *hb);
/* Whether the gateway takes the exchange with its answer; then the call is over, and it is freed. */
bool http_back_is_taken(struct http_back *hb, const struct answer_head *head, struct str body,
                        const struct envelope *e);
/* Closes every exchange and itself: nothing more comes. `detail` may be NULL. */
void http_back_finish(struct http_back *hb, enum close_reason why, const char *detail);

/* http_back_head.c */

void http_back_take_head(struct http_back *hb, int status, const struct http_headers *headers);
/* The head goes out to the client. */
void http_back_pass_head(struct http_back *hb, const struct answer_head *head);

/* http_back_body.c */

/* The answer of one request in JSON is held until it was judged: what is no answer becomes an error of ours. False: it
 * is not held, and its head passes now. */
bool http_back_hold_head(struct http_back *hb, const struct answer_head *head);
void http_back_take_body(struct http_back *hb, struct str bytes);
/* It is whole. False: it was no answer, and all is over. */
bool http_back_end_body(struct http_back *hb);
void http_back_clear_body(struct http_back *hb);

/* http_back_stream.c */

/* Notes a message, or each of a batch, on the exchange that it answers, or on the first one. `as_followed`: it is what
 * http_back_follow saw come. */
void http_back_take_messages(struct http_back *hb, struct str text, bool as_followed);
/* What came so far of a message that is gathered: once it is large, it is walked as it comes. */
void http_back_follow(struct http_back *hb, struct str so_far);
void http_back_take_stream(struct http_back *hb, struct str bytes);
/* It ended in good order: those whose answer did not come may get it on a resumed stream. */
void http_back_end_stream(struct http_back *hb);

#endif
