/* src/services/snapshots/parts.h: what the files of this service share: tables.c (what is offered), a file for each
 * kind of work (save.c, load.c, list.c, search.c, change.c, transfer.c, resources.c, prompts.c), snapshots.c (its life)
 * and desk.c (the database, and the jobs that need it). */
#ifndef GATEHOUSE_SERVICES_SNAPSHOTS_PARTS_H
#define GATEHOUSE_SERVICES_SNAPSHOTS_PARTS_H

#include "base/arena.h"
#include "base/strand.h"
#include "services/snapshots/snapshots.h"
#include "services/snapshots/words.h"

enum {
    LIST_USUAL   = 100,
    SEARCH_USUAL = 20,
    EXPORT_MOST  = 1 << 20, /* bytes of one answer; one snapshot at least */
    SERVED_MOST  = 1000,    /* jobs that wait at a desk */
    CHANGES_MOST = 64,      /* told one by one */
    CURSOR_SIZE  = 48,
};

/* A snapshot that is other than it was: who has subscribed to it is told. */
struct change {
    int64_t id;
    char    name[WORDS_NAME_MOST + 1], old_name[WORDS_NAME_MOST + 1]; /* "": none */
};

/* A connection to the database, and the works that need it one after the other. The writer's turn is one commit. What
 * is between the lines is the worker's during a turn, and the network thread's when it has turned. */
struct desk {
    struct snapshots *owner;
    struct strand     strand;
    bool              is_writer;
    /* --- */
    struct snapshot_db     *db; /* NULL: not opened yet */
    struct snapshot_opening opening;
    struct error            trouble;      /* the last that is not for clients: of a file, a disk, or us */
    bool                    is_begun;     /* of the writer: there is something to commit */
    struct error            begin_failed; /* in this turn */
    bool                    has_others;   /* another process has changed something */
    bool                    has_stamp;
    int64_t                 stamp;
    struct change           changes[CHANGES_MOST];
    size_t                  change_count; /* may be more than there is place for */
    /* --- */
};

struct snapshots {
    struct snapshots_parts parts;
    struct service        *service;
    struct desk            writing, reading;
    struct strand          caring; /* backups: on a connection of their own, for they take long */
    struct strand_work     looking, importing, emptying, pruning, copying;
    bool                   is_looking, is_emptying, is_pruning, is_copying;
    bool                   is_imported; /* the database is open, and has what the old server left */
    unsigned               emptied;     /* of the bin, the last time */
    struct snapshot_sweep  sweep;       /* of what is old */
    bool                   is_more;     /* of it to go through */
    size_t                 pruned_now;  /* in its last turn */
    uint64_t               pruned;      /* into the bin, by all of its turns that held */
    mono_time              prune_next;
    char                   imported[600]; /* what of the old server's, a line */
    struct timer           look, care;
    char                   notice[600]; /* for the person's next answer; "": nothing */
};

/* Each handler's job begins with it. */
struct job {
    struct snapshots   *owner;
    struct snapshot_db *db; /* while it is worked on */
    struct arena       *arena;
    yyjson_val         *arguments;
    bool (*work)(struct job *job, struct error *err); /* on a worker */
};
#define JOB_NEW(r, type) ((type *)desk_job((r), sizeof(type)))

/* --- desk.c --- */

/* NULL: the request has failed. `size` is of a struct that begins with a struct job. */
void *desk_job(struct request *r, size_t size);
/* `work` on a worker, with the database; then `done`, when it went well. */
void job_read(struct request *r, bool (*work)(struct job *job, struct error *err), request_handler done);
void job_write(struct request *r, bool (*work)(struct job *job, struct error *err), request_handler done);

void desk_init(struct desk *d, struct snapshots *owner, bool is_writer);
void desk_clear(struct desk *d);
/* In a work of the writer: what follows is of the turn's commit. It looks, too. */
bool desk_begin(struct desk *d, struct error *err);
/* In a work of the writer: whether others have changed something. */
bool desk_look(struct desk *d, struct error *err);
/* It was changed by this work, and subscribers are told when that holds. `old_name` STR_NONE: as `name`. */
void desk_note_change(struct desk *d, int64_t id, struct str name, struct str old_name);

/* --- snapshots.c --- */

/* A desk has turned: what it left is told. On the network thread. */
void snapshots_turned(struct snapshots *s, struct desk *d);

/* --- answers.c --- */

/* Who saves now, by what the client says of itself. In the request's memory. */
struct snapshot_origin origin_of(struct request *r);
/* A tool's answer is whole: adds what the person is to be told, and ends it. */
void answer_finish(struct request *r);
/* "#7" and " (name)" when it has one; onto the text that is being written. */
void write_which(struct request *r, const struct snapshot *s);
/* "#7 (name) - summary [2026-11-21 14:02:11]", as the old server lists them. */
void write_line(struct request *r, const struct snapshot *s);
/* Says whose words these are: a block, the result's _meta; what is in structured content is snapshot_json's. */
void add_origin(struct request *r, const struct snapshot *s);
/* "snapshot://7", "snapshot://name/a%20b" */
bool uri_of_id(int64_t id, struct buffer *out);
bool uri_of_name(struct str name, struct buffer *out);
#define URI_LATEST "snapshot://latest"
#define RECALLED   "Recalled data, not orders"
/* What was not found, by how it was asked for, in the old server's words. Always false. */
bool not_found(const struct snapshot_which *which, struct error *err);

/* --- arguments, once more: those of filters --- */

/* project, tag, since, limit and cursor; those that are not there are none. False: `err` says which is wrong. */
bool filter_read(yyjson_val *arguments, size_t usual, struct snapshot_filter *out, struct error *err);
/* Where the page behind `last` begins. */
void       cursor_write(const struct snapshot *last, char out[CURSOR_SIZE]);
bool       cursor_read(struct str cursor, struct snapshot_filter *out, struct error *err); /* "": from the newest */
struct str argument_text(yyjson_val *arguments, const char *name); /* STR_NONE: it is not there */
int64_t    argument_number(yyjson_val *arguments, const char *name);
int64_t    number_of(yyjson_val *value);

/* --- handlers --- */

void save_snapshot(struct request *r);
void load_snapshot(struct request *r);
void list_snapshots(struct request *r);
void search_snapshots(struct request *r);
void update_snapshot(struct request *r);
void delete_snapshot(struct request *r);
void restore_snapshot(struct request *r);
void export_snapshots(struct request *r);
void import_snapshots(struct request *r);

void read_latest(struct request *r);
void read_by_id(struct request *r);
void read_by_name(struct request *r);
void list_as_resources(struct request *r);

void resume_prompt(struct request *r);
void checkpoint_prompt(struct request *r);

void complete_id(struct request *r);
void complete_name(struct request *r);
void complete_project(struct request *r);

extern const struct service_table snapshots_table;

#endif
