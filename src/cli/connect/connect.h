/* src/cli/connect/connect.h: the parts of `gatehouse connect`, which writes our servers into the configuration of MCP
 * clients.
 *
 *   clients.c   which clients there are, and where the file of each is
 *   entry.c     what an entry of ours is, and whose one is that stands there
 *   file.c      the file: read, changed by entries, kept as it was, replaced
 *   list.c      what stands where
 *   connect.c           the command
 *
 * Those files are other people's: what is not understood stays as it is, and of the rest only the entry's bytes change.
 */
#ifndef GATEHOUSE_CLI_CONNECT_CONNECT_H
#define GATEHOUSE_CLI_CONNECT_CONNECT_H

#include <yyjson.h>

#include "cli/cli.h"

struct connect_client {
    const char *name;       /* as it is typed */
    const char *title;      /* as people say */
    const char *key;        /* of the object that holds the servers */
    const char *http_type;  /* the `type` of an entry with a URL; NULL: it wants none */
    const char *stdio_type; /* of one with a command */
    bool        speaks_http;
    bool        makes_directory;          /* where it is missing */
    mode_t      mode;                     /* of a new file */
    const char *next;                     /* what to do then */
    struct str (*place)(struct cli *cli); /* of its file, from the arena of the settings; without data: not known */
};

/* Ends with one without name. */
extern const struct connect_client connect_clients[];
/* NULL: there is none, which was said. */
const struct connect_client *connect_client_find(struct cli *cli, const char *name);
/* Its file; good until settings are cleared. */
const char *connect_client_file(struct cli *cli, const struct connect_client *client, struct error *err);
/* Only the client for a desktop gets its directory made; false where it is missing. */
bool connect_client_prepare(struct cli *cli, const struct connect_client *client, const char *path, struct error *err);

enum connect_owner {
    OWNER_NOBODY, /* there is no entry */
    OWNER_GATEHOUSE,
    OWNER_OLD, /* the snapshot server whose place `snapshots` takes */
    OWNER_OTHER,
};

/* Whose that entry is; `server`: which of ours it leads to. `self` is this program. */
enum connect_owner connect_entry_owner(yyjson_val *entry, struct str self, struct str *server);

/* What an entry of ours shall be. */
struct connect_wish {
    struct str  name;
    bool        is_command;
    const char *self; /* of a command */
    struct str  home; /* of a command: empty when it is where it always is */
    unsigned    port; /* of a URL */
};

/* The entry as JSON. What stood in `before`, one of ours, and is about neither way of reaching a server stays; so do
 * the variables of it and of `old`. Both may be NULL. */
bool connect_entry_make(const struct connect_client *client, const struct connect_wish *wish, yyjson_val *before,
                        yyjson_val *old, struct buffer *out);
/* The database that the old server was told to use. NULL: none. */
const char *connect_entry_database(yyjson_val *entry);

struct connect_file {
    const char                  *path;
    const struct connect_client *client;
    mode_t                       mode;
    bool                         exists;
    struct buffer                was;  /* as it was read */
    struct buffer                text; /* as it shall be */
    yyjson_doc                  *doc;  /* of what it was; NULL where there was nothing */
    yyjson_val                  *servers;
};

enum { CONNECT_FILE_MAX = 64 * 1024 * 1024, CONNECT_COPIES = 9 };

/* False: it cannot be read or changed, with why. A file that is missing is an empty one. */
bool connect_file_read(struct connect_file *f, struct error *err);
void connect_file_clear(struct connect_file *f);
/* NULL: there is none of that name. */
yyjson_val *connect_file_entry(const struct connect_file *f, struct str name);
bool        connect_file_set(struct connect_file *f, struct str name, struct str entry, struct error *err);
bool        connect_file_remove(struct connect_file *f, struct str name, struct error *err);
/* Keeps what was beside it, then replaces it. `copy` says where the former is; "" when there was nothing. */
bool connect_file_save(struct connect_file *f, char copy[], size_t size, struct error *err);

/* Without arguments. */
int connect_list(struct cli *cli, struct str self);

#endif
