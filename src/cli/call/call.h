/* src/cli/call/call.h: `gatehouse call`, as it runs. For call.c, steps.c and failure.c only.
 *
 *   OPENING ---> LISTING ---> CALLING ---> DONE        LISTING is left out where no list is needed
 *   OPENING   the server is opened, in whatever era it speaks; over HTTP+SSE, or as the other era, when the first fails
 *   LISTING   tools/list for the schema of a tool; all lists to look around
 *   CALLING   the call; the server may ask, and tell how far it is
 *   DONE      there is an exit code; the loop ends */
#ifndef GATEHOUSE_CLI_CALL_CALL_H
#define GATEHOUSE_CLI_CALL_CALL_H

#include "cli/call/ask.h"
#include "cli/call/house.h"
#include "cli/call/line.h"
#include "cli/call/screen.h"
#include "mcp/client/client.h"

enum { CALL_PAGES_MAX = 200, CALL_ITEMS_MAX = 100000 }; /* of a list: what a server has beyond is not seen */

struct call_options {
    bool            is_json, checks, is_names; /* is_names: not the call, what may be typed next */
    const char     *file;                      /* --output; NULL: none */
    int             level;                     /* log_level.h; -1: no logs */
    enum client_era era;
    struct str      revision;
    mono_time       patience;
};

struct calling {
    struct cli         *cli;
    struct call_line    line;
    struct call_options options;
    struct target       target;
    struct house        house;
    struct screen       screen;
    struct asker       *asker;
    struct client      *client;
    struct client_call *call;
    enum way_choice     way;
    bool                is_open, is_done, is_interrupted;
    int                 code; /* the exit code, once it is done */

    yyjson_mut_doc *lists;             /* {"tools": [...], ...}: what was listed so far */
    size_t          kind, behind_last; /* of list_kinds: the one that is being listed, and where it ends */
    unsigned        pages;
    yyjson_doc     *listed; /* the same, all of it; NULL before */
    yyjson_val     *tool;   /* in it; NULL: none is called, or it is not listed */
};

/* steps.c: the server is open. */
void calling_go_on(struct calling *c);
/* call.c: from the options and the target on. The exit code. */
int calling_run(struct calling *c);
/* call.c: there is nothing more to do. The first code counts. */
void calling_end(struct calling *c, int code);

/* failure.c: says why, and what can be done; the exit code. `data` may be NULL. */
int calling_explain(struct calling *c, enum close_reason why, int code, int status, struct str words, yyjson_val *data);

/* names.c: which lists are needed; when they are there, the names. */
size_t calling_names_kind(const struct calling *c);
void   calling_print_names(struct calling *c);

#endif
