/* src/gateway/registry/registry.h: the servers a person registered, as `<home>/mcp.json` names them.
 *
 * The file is a person's: written by hand, by us, or copied from another program. It is read in the form it has
 * (Fiberplane, Claude, Cursor, VS Code; JSON with comments), and a change replaces only the bytes of its entry. What is
 * wrong with an entry is said on that entry, with the mend; it is never dropped and never stands in the way of others.
 *
 * A struct registry is a snapshot that never changes: read on a worker, swapped on the network thread, counted. Whoever
 * keeps an entry across turns keeps a reference to its registry. */
#ifndef GATEHOUSE_GATEWAY_REGISTRY_REGISTRY_H
#define GATEHOUSE_GATEWAY_REGISTRY_REGISTRY_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/map.h"
#include "http/url.h"

enum server_kind {
    SERVER_HTTP,
    SERVER_STDIO,
    SERVER_SERVICE, /* lives in the process: `gatehouse list` calls it built-in */
    SERVER_WRONG,   /* listed, not reachable: `error` says why and how to mend it */
};

enum { REGISTRY_NAME_MAX = 64 };
#define REGISTRY_TIMEOUT_DEFAULT SECONDS(30)

/* "http", "stdio", "built-in", "wrong". */
const char *server_kind_name(enum server_kind kind);

/* The servers that live in the process: each is there without an entry in the file, unless the entry of that name says
 * otherwise. What they do services/ has. */
struct built_in {
    const char *name, *text;
};

/* Ends with one without name. */
extern const struct built_in built_ins[];
/* NULL: none of that name. */
const struct built_in *built_in_find(struct str name);

/* A header, or a variable of the child's environment. */
struct server_pair {
    struct str name;
    struct str value;
    bool secret; /* never stored, shown or logged: credentials by name, and all that came out of our environment */
};

/* All strings are NUL-terminated behind their length, and hold no NUL. */
struct server_entry {
    struct str       name; /* of a wrong one: as it is written, may hold anything */
    enum server_kind kind;
    bool             enabled;
    unsigned         line; /* in the file, from 1; 0: built in, and not in the file */

    bool                is_sse;  /* SERVER_HTTP: it speaks HTTP+SSE of 2024-11-05 */
    struct str          url;     /* as written */
    struct http_url     address; /* its parts, slices of `url`; not there in what `written` points to */
    struct server_pair *headers;
    size_t              header_count;

    char *const        *argv; /* SERVER_STDIO; NULL-terminated, argv[0] is the command */
    size_t              arg_count;
    struct server_pair *env; /* `envFile` first, then `env`, so the later wins */
    size_t              env_count;
    const char         *cwd;      /* NULL: ours */
    const char         *env_file; /* NULL: none; absolute */
    bool                isolated; /* sessionMode */

    const char *about; /* SERVER_SERVICE: what it is for */

    mono_time  timeout;     /* of one call */
    uint64_t   fingerprint; /* other whenever anything of the above but `line` is other; of this process only */
    struct str source;      /* the entry's value as it stands in the file, comments and all */
    char       error[500];  /* "" or what is wrong: `mcp.json:14 a name may not hold a space: rename it to "old-one"` */
    char       note[200];   /* "" or what is odd but works: a twin by case, the same URL under another name */

    /* The same with `${...}` left as written: what may be shown and edited. Itself when nothing was substituted. */
    const struct server_entry *written;
};

struct registry {
    unsigned             references; /* by __atomic */
    struct arena        *arena;
    struct server_entry *entries; /* in the order of the file; those built in that it has not, behind */
    size_t               count;
    size_t               written; /* those of them that the file has */
    struct map           by_name; /* name -> uint32_t index of the first entry of that name */
    const char         **files;   /* envFiles that were read; looked after like the registry itself */
    size_t               file_count;
    struct error file_error; /* not ERROR_NONE: the file could not be read or is no JSON, `entries` are the last good */
    struct registry *kept;   /* whose entries these are then; NULL: our own */
};

/* What the reading needs of the world. */
struct registry_source {
    const char *path; /* of mcp.json; its last part is used in messages */
    char *const
        *environment; /* for `${VAR}`; NULL: nothing is substituted and no envFile is read, all stays as written */
    bool is_strict; /* without it too: a form that works in no environment, like `${input:…}`, makes its entry wrong */
    bool has_built_in; /* what is built in is there without an entry */
};

/* Reads the file: blocks, so a worker does it. A missing file is an empty registry. One that cannot be read or is no
 * JSON gives the entries of `previous` (may be NULL) and `file_error`. NULL only without memory. */
struct registry *registry_load(const struct registry_source *from, struct registry *previous);
/* The same from a text. */
struct registry *registry_parse(const struct registry_source *from, struct str text, struct registry *previous);
struct registry *registry_ref(struct registry *r);
void             registry_unref(struct registry *r);

/* How many are not built in: those that a person registered. */
size_t registry_own(const struct registry *r);
/* Wrong and disabled entries too. NULL: none of that name. */
const struct server_entry *registry_find(const struct registry *r, struct str name);
/* The most alike name, to say "did you mean"; NULL when none is near. */
const struct server_entry *registry_nearest(const struct registry *r, struct str name);
/* Under which name this URL is registered already, however it is spelled (case of the host, default port, slash at the
 * end). NULL: not. */
const struct server_entry *registry_find_url(const struct registry *r, struct str url);

/* False: `err` has what is wrong and a name that would do. */
bool registry_check_name(struct str name, struct error *err);
/* Credentials, judged by the name of a header or variable. */
bool registry_name_is_secret(struct str name);

/* The whole environment of the entry's child: what is allowed through of `ours` (PATH, HOME, locale, terminal, proxies,
 * CA files, XDG_*), then the entry's own. NULL-terminated; NULL without memory. */
char *const *server_entry_environment(const struct server_entry *entry, char *const *ours, struct arena *arena);

/* The entry as one JSON object in Fiberplane's form, only what differs from the default; of `entry->written` to show,
 * of a filled-in struct to add. */
bool server_entry_print(const struct server_entry *entry, struct buffer *out);
/* Where it is, as written: the URL, or the command as a shell would want it; of a service what it is for, of a wrong
 * one what is wrong. */
bool server_entry_print_target(const struct server_entry *entry, struct buffer *out);

/* Changing the file. All block (a worker, or the command line), hold `<path>.lock` meanwhile, and read the file again
 * when a hand edit comes between. What they would make wrong is ERROR_INVALID and nothing is written. `entry` is a JSON
 * object in any form that the registry reads.
 *
 * add: ERROR_EXISTS when the name is there. replace, change, remove: ERROR_NOT_FOUND when it is not.
 *
 * What is built in is there without an entry. It is removed by one that switches it off, and added by `{}`, which takes
 * that away; an entry of a person's with its name is added over the one that switches it off. */
bool registry_add(const char *path, struct str name, struct str entry, struct error *err);
bool registry_replace(const char *path, struct str name, struct str entry, struct error *err);
/* Sets the members of the object `members` in the entry, removes those that are null, leaves the rest. The type can't
 * change. */
bool registry_change(const char *path, struct str name, struct str members, struct error *err);
bool registry_remove(const char *path, struct str name, struct error *err);

/* Looks at the file every 300 ms, on a worker. `on_change` gets each fresh snapshot on the network thread, borrowed:
 * whoever keeps it takes a reference. The first comes from the loading at start and is not told. */
struct registry_watch;
struct registry_watch *registry_watch_new(struct loop *loop, const struct registry_source *from, struct registry *first,
                                          void (*on_change)(void *owner, struct registry *fresh), void *owner,
                                          struct error *err);
/* Looks now, for instance after our own change or on SIGHUP (`anyway`: reads even an unchanged file). */
void registry_watch_look(struct registry_watch *w, bool anyway);
/* No callback comes any more; the loop must run until the worker that may be looking is done. NULL is nothing. */
void registry_watch_free(struct registry_watch *w);

#endif
