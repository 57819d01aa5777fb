/* src/store/snapshots/snapshots.h: a person's snapshots in a file, <home>/users/<principal>/snapshots.db.
 *
 * One handle is one connection, used by one thread at a time; several processes may have the file open. All of it
 * blocks. What a commit has answered is on the disk, power or not (WAL, synchronous FULL). An id is never given twice;
 * what is deleted lies in the bin for BIN_DAYS; a change makes a new version, the older stay.
 *
 * Texts are UTF-8 without control characters but tab and newline: whoever calls has seen to that. Results lie in the
 * arena that was given. Errors: ERROR_NOT_FOUND no such snapshot; ERROR_TOO_LARGE over a limit; ERROR_FULL the quota or
 * the disk; ERROR_BUSY another process holds the file; ERROR_INVALID a damaged file or a query that is none. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_SNAPSHOTS_H
#define GATEHOUSE_STORE_SNAPSHOTS_SNAPSHOTS_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"

struct snapshot_db;

enum { SNAPSHOT_BIN_DAYS = 30, SNAPSHOT_TAGS_MOST = 32, SNAPSHOT_IMPORTANCE_MOST = 5, SNAPSHOT_IMPORTANCE = 3 };

/* What was saved. STR_NONE: there is none of it. */
struct snapshot_text {
    struct str        name, project;
    struct str        summary;
    struct str        context;    /* as text: what is read, searched and counted */
    struct str        structured; /* JSON of the context, when it was given as an object */
    struct str        next_steps;
    struct str        prompt; /* the continuation prompt, made when it was saved */
    const struct str *tags;   /* sorted, each once */
    size_t            tag_count;
    int               importance; /* 1..5, 3 is usual */
};

/* Who saved it, from which program, through which server: as they said of themselves. */
struct snapshot_origin {
    struct str client, client_version; /* of the MCP client, or "gatehouse" of the command line */
    struct str server;                 /* "snapshots 0.1.0"; of what was imported: "snapshot-mcp-server" */
    struct str source;                 /* of what was imported: the path it came from, and its id there */
};

struct snapshot {
    int64_t                id;
    uint32_t               version; /* from 1; each update makes one */
    wall_time              created; /* of its first version */
    wall_time              changed; /* of this one */
    wall_time              deleted; /* 0: it is not in the bin */
    struct snapshot_text   text;
    struct snapshot_origin origin; /* of this version */
};

/* 0: none. A snapshot is as large as what was given: the prompt, which is made of it, is not counted, and of context
 * and structured, which say the same, the longer is. */
struct snapshot_limits {
    uint64_t size;  /* bytes of one snapshot */
    uint64_t quota; /* bytes of all of a person's, versions and the bin too */
};

/* What opening did besides: for the log, and for the person's next answer. All empty: nothing. */
struct snapshot_opening {
    char damaged[256];  /* the file that was set aside, and what of it was kept: a sentence */
    char migrated[256]; /* the copy that was made before the schema was brought up to date */
};

/* Directories (0700) and file (0600) are made when missing. Checks the file; a damaged one is set aside
 * (snapshots.db.damaged-TIME), the last good backup is put in its place with what can still be read of the damaged one,
 * and `opening` (may be NULL) says so. A schema of a newer Gatehouse is refused. NULL: `err`. */
struct snapshot_db *snapshot_db_open(const char *path, const struct snapshot_limits *limits,
                                     struct snapshot_opening *opening, struct error *err);
/* NULL is nothing. */
void snapshot_db_close(struct snapshot_db *db);

/* A turn of writing: several changes, one commit. A change that fails leaves the others whole. False of commit: nothing
 * of the turn holds. Changes outside a turn are a turn each. begin opens the file anew when another process has put
 * another in its place. */
bool snapshot_db_begin(struct snapshot_db *db, struct error *err);
bool snapshot_db_commit(struct snapshot_db *db, struct error *err);
void snapshot_db_rollback(struct snapshot_db *db);
/* Changes when another connection, of another process too, has committed, or another file lies in the place: who
 * compares knows whether to look. What this one does leaves it as it is. Costs least in a turn. */
bool snapshot_db_stamp(struct snapshot_db *db, int64_t *stamp, struct error *err);

/* Changes. `out` gets the id, version and times. */
bool snapshot_save(struct snapshot_db *db, const struct snapshot_text *text, const struct snapshot_origin *origin,
                   wall_time now, struct snapshot *out, struct error *err);
/* A new version of a snapshot that is not in the bin; `text` is all of it, not what differs. */
bool snapshot_update(struct snapshot_db *db, int64_t id, const struct snapshot_text *text,
                     const struct snapshot_origin *origin, wall_time now, struct snapshot *out, struct error *err);
/* Into the bin, and back. Deleting what is there already is ERROR_NOT_FOUND; so is restoring what is not. */
bool snapshot_delete(struct snapshot_db *db, int64_t id, wall_time now, struct error *err);
bool snapshot_restore(struct snapshot_db *db, int64_t id, struct error *err);
/* For good: what lies in the bin longer than SNAPSHOT_BIN_DAYS, at most `most` at a time. Its words leave the index of
 * a large database bit by bit, with each call. */
bool snapshot_empty_bin(struct snapshot_db *db, wall_time now, unsigned most, unsigned *gone, struct error *err);

/* What is old goes into the bin by a rule: each part of it that is given must hold. Those without a name go by age
 * alone. `most` at a time are looked at more closely, within a window of ids: a few milliseconds, for who saves
 * meanwhile. `out` has those that went, without their long texts; its `more`: go on, with the same sweep. When it
 * fails, it has not moved on. */
struct snapshot_sweep {
    struct str project; /* of this one; STR_NONE: of any */
    wall_time  before;  /* changed before that; 0: whenever */
    uint32_t   keep;    /* so many of its name and project were saved since it was last changed; 0: however many */
    bool       is_dry;  /* looks only */
    int64_t    after;   /* the id up to which it was done */
};
struct snapshot_page;
bool snapshot_prune(struct snapshot_db *db, struct snapshot_sweep *sweep, wall_time now, size_t most, struct arena *a,
                    struct snapshot_page *out, struct error *err);

/* One of them: by id (with `version` 0 the newest version), by name, by project, or by neither the newest of all. Of
 * those that fit, the one saved or changed last. What is in the bin is found only by id with `from_bin`. */
struct snapshot_which {
    int64_t    id; /* 0: not by id */
    uint32_t   version;
    struct str name, project;
    bool       from_bin;
};
bool snapshot_load(struct snapshot_db *db, const struct snapshot_which *which, struct arena *a, struct snapshot *out,
                   struct error *err);

/* Many of them, newest first (created, then id). Of each the text without context, structured and prompt. */
struct snapshot_filter {
    struct str project, tag, name;
    struct str name_begins; /* for completion */
    wall_time  since;       /* changed then or later; 0: ever */
    wall_time  before; /* of a cursor: created before this, or at it with an id under before_id; 0: from the newest */
    int64_t    before_id;
    bool       from_bin; /* those in the bin instead */
    bool       whole;    /* with context, structured and prompt: for export */
    size_t     limit;    /* 1..1000 */
};
struct snapshot_page {
    struct snapshot *items;
    size_t           count;
    bool             more;
};
bool snapshot_list(struct snapshot_db *db, const struct snapshot_filter *filter, struct arena *a,
                   struct snapshot_page *out, struct error *err);
/* The versions of one, newest first, without their long texts. */
bool snapshot_versions(struct snapshot_db *db, int64_t id, struct arena *a, struct snapshot_page *out,
                       struct error *err);

/* Full text over name, project, tags, summary, context and next steps. A query is words, all of which must occur;
 * "several words" is a phrase, word* a beginning, -word must not occur, a OR b one of them; upper and lower case and
 * accents are the same, and languages without spaces are found by any part. Never a syntax error: what reads as none is
 * words. Best first: where and how often it was found, importance, then the newest; of the newest thousand that fit. A
 * query of more than 64 words or 4 KiB, or without any word, is ERROR_INVALID. */
struct snapshot_hit {
    struct snapshot snapshot; /* without its long texts */
    struct str      excerpt;  /* the best place, with each find between HIT_BEGIN and HIT_END */
    double          score;    /* greater is better; of this answer only */
};
#define SNAPSHOT_HIT_BEGIN "\x02"
#define SNAPSHOT_HIT_END   "\x03"
bool snapshot_search(struct snapshot_db *db, struct str query, const struct snapshot_filter *filter, struct arena *a,
                     struct snapshot_hit **hits, size_t *count, struct error *err);

struct snapshot_figures {
    uint64_t  count, in_bin, versions; /* versions: older ones, beside the newest of each */
    uint64_t  bytes;                   /* of texts: what the quota counts */
    wall_time newest;
};
bool snapshot_figures(struct snapshot_db *db, struct snapshot_figures *out, struct error *err);

/* Values that occur, for completion: sorted, those that begin with `begin`, at most `most`. */
enum snapshot_word { SNAPSHOT_NAMES, SNAPSHOT_PROJECTS, SNAPSHOT_TAGS };
bool snapshot_words(struct snapshot_db *db, enum snapshot_word kind, struct str begin, size_t most, struct arena *a,
                    struct str **out, size_t *count, struct error *err);

/* With id, times and version as they were, when that id is free, else with a new one: import and recovery. One that is
 * there already (same origin.source, or same id, created and summary) is left: *id is 0 then. */
bool snapshot_put(struct snapshot_db *db, const struct snapshot *snapshot, int64_t *id, struct error *err);

#endif
