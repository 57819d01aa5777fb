/* src/mcp/answer_stream.h: the event streams of a session: they outlive the requests that carried them.
 *
 * Each event of a stream of ours has an id, `tag-cSTREAM-NUMBER` (c: of a call, g: of a GET; the tag is the session's).
 * A client that lost its connection asks with the last one that it saw (Last-Event-ID) for what followed on that
 * stream, and on no other. What was said is kept for EVENT_KEPT, at most EVENTS_MAX events and EVENT_BYTES of a
 * session, and never of the last quarter of memory.max: a client that comes back is a rare thing, a request that finds
 * no memory should be rarer. What is too much drops the oldest, answers last; an
 * answer that finds nobody may be larger than all that. What was dropped is known by its number,
 * so that a gap is told and not passed over.
 *
 * A stream does not know who carries it (hop_stream.h does). MCP 2025-11-25 basic/transports, "Resumability and
 * Redelivery". Owned by the network thread. */
#ifndef GATEHOUSE_MCP_ANSWER_STREAM_H
#define GATEHOUSE_MCP_ANSWER_STREAM_H

#include "base/budget.h"
#include "base/loop.h"
#include "exchange/exchange.h"

#define EVENT_KEPT  SECONDS(120) /* longer than any client waits before it comes back */
#define EVENT_BYTES MIB(4)

enum { EVENTS_MAX = 256, STREAMS_MAX = 256, EVENT_ID_SIZE = 48 };

struct hop;

/* Something that was said, and may have to be said again. */
struct kept_event {
    struct list           node;      /* on the session's events */
    struct list           of_stream; /* on the stream's */
    struct answer_stream *stream;
    uint64_t              number;
    mono_time             since;
    bool                  is_answer;
    size_t                len;
    char                  bytes[];
};

struct answer_stream {
    struct list            node; /* on the session's streams */
    struct answer_streams *owner;
    struct list            events; /* of struct kept_event, by of_stream; oldest first */
    uint32_t               number;
    bool                   is_listening; /* of a GET; else of a call, or of a batch */
    bool                   is_ended;     /* all is said; it lives on while something of it is kept */
    uint64_t               last;         /* number of its last event; 0: none so far */
    uint64_t               lost;         /* of the last one that is not kept; 0: all are */
    uint64_t               lost_answer;  /* of the last one among them that was an answer */
    /* hop_stream.c's: */
    struct hop  *hop; /* which carries it now; NULL: none */
    struct front front;
    struct back  back;
    struct list  exchanges; /* of struct exchange, by front_node: those whose hop is gone */
    char         server[];  /* its name, for messages */
};

/* Of one session. */
struct answer_streams {
    struct loop   *loop;
    struct budget *budget;  /* set with the first hop; NULL: no bound */
    struct list    streams; /* of struct answer_stream, by node; oldest first */
    struct list    events;  /* of struct kept_event, by node; oldest first */
    size_t         stream_count, event_count, bytes;
    uint32_t       tag, last_number;
    bool           is_primed; /* a stream begins with an event that has no data (2025-11-25) */
    struct timer   aging;     /* of the oldest event */
};

void answer_streams_init(struct answer_streams *all, struct loop *loop);
/* When the exchanges of the session are closed: no hop carries any of them now. */
void answer_streams_clear(struct answer_streams *all);

/* A new one; of listening ones the last is the only. NULL: no memory, or too many: what is said then has no id. */
struct answer_stream *answer_stream_new(struct answer_streams *all, bool is_listening, struct str server);
/* Keeps the next event. False: there is no room for it, and it has no number. */
bool answer_stream_keep(struct answer_stream *s, struct str message, bool is_answer);
/* The next event was said and is not kept. */
void answer_stream_skip(struct answer_stream *s, bool is_answer);
/* All is said. A stream of which nothing is kept is freed. */
void answer_stream_end(struct answer_stream *s);

/* The client follows streams: they are primed, and it keeps a GET stream open. Its answers may well be streams. */
bool answer_streams_are_followed(const struct answer_streams *all);

/* The id of its last event. */
struct str answer_stream_id(const struct answer_stream *s, uint64_t number, char id[EVENT_ID_SIZE]);

/* What a GET with that Last-Event-ID resumes. */
struct resumption {
    struct answer_stream *stream; /* NULL: nothing; it gets a stream of its own */
    uint64_t              after;  /* it has seen the events up to this one */
    const char           *refusal;
};

/* False: it is refused, with words. */
bool answer_streams_find(const struct answer_streams *all, struct str last_event_id, struct resumption *out);

#endif
