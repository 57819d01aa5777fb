/* bench/wire.h: a growing buffer and HTTP/1.1 messages, for the load generator and the echo servers.
 *
 * These programs use no room of src/: what measures and checks the gateway must not share its mistakes. They read what
 * a correct peer sends and give up on anything else; they are no place to judge malformed messages. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const char *data; /* borrowed, not NUL-terminated */
    size_t      len;
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

struct bytes {
    char  *data;
    size_t len, cap;
};

/* All of these end the program when memory runs out: a measurement that goes on without it would be none. */
char *bytes_room(struct bytes *b, size_t len); /* at least `len` bytes to write to, behind what is there */
void  bytes_add(struct bytes *b, struct span text);
void  bytes_addf(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void  bytes_drop(struct bytes *b, size_t len); /* forgets the first `len` */
void  bytes_clear(struct bytes *b);

void allow_many_files(void); /* as many descriptors as the system lets us have */

bool span_equal(struct span a, struct span b);

/* One direction of a connection, message after message:
 *
 *   HEAD ---> LENGTH | CHUNKS | UNTIL_CLOSE | nothing ---> DONE ---> HEAD (http_next)
 *
 * The caller receives into `in` and asks http_step() until it says MORE. */
enum http_step { HTTP_MORE, HTTP_DONE, HTTP_BROKEN };

struct http_in {
    struct bytes in;          /* received and not yet forgotten; the message stands at its start */
    bool         is_response; /* else requests are read */
    enum { HTTP_HEAD, HTTP_LENGTH, HTTP_CHUNKS, HTTP_UNTIL_CLOSE, HTTP_COMPLETE } at;

    /* of the message whose head is read */
    char        method[16]; /* of a request */
    int         status;     /* of a response */
    bool        closes;     /* the connection ends with this message */
    bool        is_sse;     /* the body is text/event-stream */
    bool        wants_continue;
    char        session[256]; /* Mcp-Session-Id, "" when there is none */
    struct span body;         /* when DONE; until http_next() */

    size_t       head_len, parsed; /* bytes of `in` */
    uint64_t     length;           /* of a body with Content-Length */
    struct bytes decoded;          /* of a chunked body */
};

enum http_step http_step(struct http_in *h);
enum http_step http_end(struct http_in *h); /* the peer has closed: DONE when that ended the body */
void           http_next(struct http_in *h);
void           http_clear(struct http_in *h);

#endif
