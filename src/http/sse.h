/* src/http/sse.h: server-sent events, read from a stream cut anywhere, and written.
 *
 * HTML standard, section 9.2.6 "Interpreting an event stream". An event ends at a blank line; a line ends at LF, CRLF
 * or CR. Bytes that pass through untouched need to know only where events are: an event that lies within one fed piece
 * is shown as slices of that piece, copied nowhere; one that does not is gathered, up to `max` bytes, in the parser.
 *
 * Comments before an event's first field are dropped as they come; inside an event they stay in `raw` only. An
 * unfinished event at the end of the stream is no event. */
#ifndef GATEHOUSE_HTTP_SSE_H
#define GATEHOUSE_HTTP_SSE_H

#include "base/budget.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/str.h"

struct sse_event {
    struct str type;   /* empty means "message" */
    struct str id;     /* of this event alone; the last one stays in force for those without (see has_id) */
    bool       has_id; /* an id line was there: an empty one takes the last id back */
    struct str data;   /* lines joined by LF. Its pointer is NULL when there was no data line: the standard dispatches
                          nothing then, but id and retry count */
    bool       is_joined; /* of several lines */
    struct str retry;     /* milliseconds, digits only; empty: not said */
    struct str raw;       /* the event's bytes as they came, blank line included (its LF may be missing after a CR) */
};

enum { SSE_LINES = 4 };

struct sse_line {
    size_t from, to; /* in the event's bytes; without its end */
};

struct sse_parser {
    struct buffer   partial;          /* of an event that began in an earlier piece; max: most bytes of one event */
    struct buffer   joined;           /* several data lines of one event */
    size_t          line;             /* bytes of the line that is arriving */
    size_t          line_from;        /* where it begins in the event */
    size_t          line_count;       /* lines of the event that have ended: */
    struct sse_line lines[SSE_LINES]; /* the first of them, so that their ends are not looked for again */
    bool            is_comment;       /* that line is a comment before any field, and is dropped */
    bool            after_cr;         /* a line ended in CR: an LF now is the rest of it */
    unsigned        bom;              /* bytes of the byte order mark seen at the start; 3: start is over */
    struct budget  *budget; /* set by the owner: what is gathered is taken from it; NULL: no bound but `max` */
};

/* `max` bytes may one event have; more is ERROR_TOO_LARGE. */
void sse_init(struct sse_parser *p, size_t max);
void sse_clear(struct sse_parser *p);

/* Feeds a piece of the stream; `on_event` gets what it completes. The slices are good during that call. When `on_event`
 * returns false the rest is dropped, sse_feed returns true and has not touched the parser since (it may be gone).
 * False: an event is too large, or there is no memory (ERROR_MEMORY; also when the budget is spent); the stream
 * cannot be followed further. */
bool sse_feed(struct sse_parser *p, struct str bytes, bool (*on_event)(void *owner, const struct sse_event *event),
              void *owner, struct error *err);
/* What has come of the data of an event that is gathered, when it all is of one line; else nothing. It is the begin of
 * what the event will show, if that shows one line. */
struct str sse_data_so_far(const struct sse_parser *p);
/* Nothing of an event has come yet: an event or comment of ours may stand here. */
bool sse_is_between_events(const struct sse_parser *p);

/* Appends the event. `raw` is not looked at. Line ends in `data` (LF, CRLF, CR) make several data lines; data with a
 * NULL pointer makes none. False: no memory, a line end in type, id or retry, or NUL in the id; the buffer is as it
 * was. */
bool sse_format(struct buffer *b, const struct sse_event *event);

#endif
