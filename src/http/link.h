/* src/http/link.h: one client's connection to our server, and the request it is about. Inside the server only.
 *
 *   IDLE --> HEAD --> BODY --> ASKED --> IDLE        and from every state to CLOSED
 *   IDLE    between requests
 *   HEAD    the first byte of a request has come
 *   BODY    the owner saw its head (on_head)
 *   ASKED   the answer is the owner's to give; what the client sends meanwhile waits in `ahead` or in the kernel
 *   CLOSED  the connection is gone or given away; freed when the loop's turn ends */
#ifndef GATEHOUSE_HTTP_LINK_H
#define GATEHOUSE_HTTP_LINK_H

#include <netinet/in.h>

#include "http/framing.h"

enum link_state { LINK_IDLE, LINK_HEAD, LINK_BODY, LINK_ASKED, LINK_CLOSED, LINK_STATES };

union http_address {
    struct sockaddr     any;
    struct sockaddr_in  v4;
    struct sockaddr_in6 v6;
};

/* The answer under way. */
struct answer {
    uint64_t left;       /* of the declared length */
    bool     begun;      /* the head is out */
    bool     is_chunked; /* else `left` counts, or it goes on until the connection closes */
    bool     is_counted;
    bool     has_no_body; /* to HEAD, or 204 and 304: what is written is dropped */
    bool     is_over;     /* more than declared was written: it cannot be mended */
};

struct link {
    struct list         node;   /* on server->in_state[state] */
    struct list         resume; /* on server->resumable */
    struct http_server *server;
    struct conn        *conn; /* NULL when CLOSED */
    enum link_state     state;
    bool                closes; /* after this answer */
    bool                served; /* it has brought a whole request */
    struct timer        deadline;
    mono_time           since;   /* IDLE: the start; BODY: when the head was whole */
    uint64_t            written; /* IDLE: conn_written when last looked, for progress */
    struct buffer       ahead;   /* came while ASKED */
    struct answer       answer;
    struct http_request request;
    struct framing      framing;
    union http_address  peer;
    union http_address  local;
};

enum { LISTENERS_MAX = 8 };

struct listener {
    struct http_server *server;
    struct poll        *poll;
    int                 fd;
};

struct http_server {
    struct net                      *net;
    struct http_limits               limits;
    const struct http_server_events *events;
    void                            *owner;
    struct list                      in_state[LINK_STATES]; /* of struct link, by node; IDLE: idle longest first */
    struct list                      resumable;             /* of struct link, by resume: take up what is in `ahead` */
    size_t                           open;                  /* links that are not CLOSED */
    struct loop_hook                 hook;
    struct timer                     retry; /* of accepting */
    struct timer                     look;  /* at the limit: whether a connection can be spared now */
    struct listener                  listeners[LISTENERS_MAX];
    size_t                           listener_count;
    bool                             accepting;
    bool                             draining;
    void (*on_drained)(void *owner);
    struct buffer fixed;     /* header lines for every answer */
    struct buffer common;    /* "Date: …" and `fixed`, of `common_at` */
    int64_t       common_at; /* second of the wall clock */
};

/* Takes `fd`. False: no memory; it is closed. */
bool link_new(struct http_server *s, int fd, const union http_address *peer);
/* The owner answered the whole request: to the next, or to the end. */
void link_answered(struct link *l);
/* The owner answers before the body has come: that is read no more. */
void link_answers_early(struct link *l);
/* On the hook, for those that are resumable. */
void link_resume(struct link *l);
/* Closes at once; on_gone is called when the owner has the request. */
void link_cut(struct link *l);
/* Closes when what is queued is written; the owner must not have the request any more. */
void link_finish(struct link *l);
/* Closes at once with a reset, nobody is told. */
void link_reset(struct link *l);
void link_free(struct link *l);

/* answer.c: an answer of the server's own, after which the link closes. */
void answer_refuse(struct link *l, int status, const char *why);
/* "HTTP/1.1 100 Continue". */
void answer_continue(struct link *l);

#endif
