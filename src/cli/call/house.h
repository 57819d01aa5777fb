/* src/cli/call/house.h: what a call needs around it: the loop, the exchanges, and the way to the server. A process that
 * makes one call and ends: nothing of it is recorded here, but by a gateway that it passes.
 *
 * In the order of their making, and taken apart in the other: what was said last (the end of a session, that a call was
 * cancelled) still goes out, then children are ended. */
#ifndef GATEHOUSE_CLI_CALL_CALL_HOUSE_H
#define GATEHOUSE_CLI_CALL_CALL_HOUSE_H

#include <yyjson.h>

#include "base/signals.h"
#include "child/child.h"
#include "cli/cli.h"
#include "gateway/registry/registry.h"
#include "mcp/client/way_http.h"
#include "mcp/client/way_sse.h"
#include "mcp/client/way_stdio.h"

/* Where the server is. Slices and pointers are borrowed from settings, registry and what was typed. */
struct target {
    char                label[80]; /* what the server is called: its name, its host, its command */
    const char         *url;       /* NULL: it is a command */
    struct http_header *headers;
    size_t              header_count;
    char *const *argv, *const *environment;
    const char                *cwd;         /* NULL: ours */
    bool                       is_recorded; /* the running gateway is asked */
    struct registry           *registry;
    const struct server_entry *entry; /* NULL: it is not registered */
};

/* In which transport, and what of a child. */
enum way_choice {
    WAY_USUAL,  /* Streamable HTTP; a child that is opened by initialize */
    WAY_OLDER,  /* HTTP+SSE */
    WAY_MODERN, /* a child of 2026-07-28 */
};

enum { HOUSE_STDERR_LINES = 8, HOUSE_STDERR_CUT = 400 };

struct house {
    struct cli          *cli;
    const struct target *target;
    struct loop          loop;
    struct budget        budget;
    struct net           net;
    struct exchanges     exchanges;
    struct http_client  *client;
    struct children     *children;
    struct arena        *scratch;
    struct http_upstream upstream;
    struct channel      *channel; /* NULL: none, or it is closed */
    struct session      *session;
    struct signals       signals;
    void (*on_signal)(void *owner, int number);
    void    *owner;
    char     words[400]; /* how the child ended, for the person; "" */
    char     said[HOUSE_STDERR_LINES][HOUSE_STDERR_CUT];
    unsigned said_count; /* lines of its stderr, all */
    bool     is_loop_up, is_net_up, has_exchanges, is_gone;
};

bool house_open(struct house *h, struct cli *cli, const struct target *target, struct error *err);
/* A way to the target, which its client frees; a child of the one before is ended. NULL: `err`. */
struct way *house_way(struct house *h, enum way_choice choice, struct error *err);
/* After its client and way are freed. */
void house_close(struct house *h);
/* The last lines that the child wrote to stderr, oldest first. */
void house_each_line(const struct house *h, void (*each)(void *arg, const char *line), void *arg);

/* target.c: finds it. -1, or the exit code, and why was said. */
int  target_find(struct cli *cli, struct str word, struct target *out);
void target_clear(struct target *t);
/* What the running gateway says of it: `*server` lies in the document. NULL: nothing. */
yyjson_doc *target_status(struct cli *cli, const struct target *t, yyjson_val **server);

#endif
