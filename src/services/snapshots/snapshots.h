/* src/services/snapshots/snapshots.h: a conversation's memory: an MCP service that saves where a conversation stands
 * and hands it back in another client, on another day. The trial of the toolkit, and the example to follow. */
#ifndef GATEHOUSE_SERVICES_SNAPSHOTS_SNAPSHOTS_H
#define GATEHOUSE_SERVICES_SNAPSHOTS_SNAPSHOTS_H

#include "mcp/service/running.h"
#include "store/snapshots/snapshots.h"

struct snapshots;

/* Borrowed, and outlive it, but for the struct itself. */
struct snapshots_parts {
    struct loop              *loop;
    const struct session_key *session_key;
    const char               *path; /* of the database: <home>/users/local/snapshots.db */
    struct snapshot_limits    limits;
    mono_time                 retention;    /* changed longer ago than this: into the bin; 0: never */
    uint32_t                  keep;         /* the newest of each name that stay; 0: see struct snapshot_sweep */
    char *const              *environment;  /* where the old server's databases are looked for */
    mono_time                 session_idle; /* 0: never */
    /* A line for the person who runs it: what was imported, set aside, backed up in vain. May be NULL. */
    void (*tell)(void *owner, const char *line);
    void *owner;
};

/* The database is opened by its first use or soon after, on a worker: a damaged one does not keep Gatehouse from
 * starting. NULL: `err`. */
struct snapshots *snapshots_new(const struct snapshots_parts *parts, struct error *err);
/* What was acknowledged is on the disk by then. Not from within the loop, which turns until it is. NULL is nothing. */
void            snapshots_free(struct snapshots *s);
struct service *snapshots_service(struct snapshots *s);

#endif
