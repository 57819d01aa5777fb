/* src/cli/snapshots/snapshots.h: what the files of `gatehouse snapshots` share: one use of the person's database. */
#ifndef GATEHOUSE_CLI_SNAPSHOTS_SNAPSHOTS_H
#define GATEHOUSE_CLI_SNAPSHOTS_SNAPSHOTS_H

#include "cli/cli.h"
#include "cli/grid.h"
#include "store/snapshots/snapshots.h"

struct memory {
    struct cli         *cli;
    const char         *path; /* of the database */
    struct snapshot_db *db;   /* NULL: MEMORY_PATH, or MEMORY_LOOK and there is none yet */
    struct arena       *arena;
    struct buffer       out, part;
    wall_time           now;
    bool                is_json;
};

enum memory_use {
    MEMORY_PATH, /* the file is not opened */
    MEMORY_LOOK, /* opened when it is there: looking makes none */
    MEMORY_MAKE, /* made when it is missing */
};

/* Runs `work` on the person's database, and says what opening it did besides. The exit code. */
int memory_run(struct cli *cli, enum memory_use use, int (*work)(struct memory *m));

/* Whether there is a database. False, with a code in `err`: nobody can say. */
bool memory_is_there(struct memory *m, struct error *err);

/* "7" or "#7". */
bool memory_is_id(struct str word, int64_t *id);
/* One by id, or the newest of a name; `version` 0: its newest. The exit code; says why there is none. */
int memory_find(struct memory *m, struct str word, uint32_t version, bool from_bin, struct snapshot *out);
/* Why there is none of that id. EXIT_NOT_FOUND. */
int memory_no_id(struct memory *m, int64_t id);
/* Says that there is none at all, and how that changes. */
void memory_invite(struct memory *m);
/* --project, --tag, --name, --since and --bin, as far as the command has them. */
bool memory_read_filter(const struct memory *m, struct snapshot_filter *out, struct error *err);
/* A project, tag or name that no snapshot has: says so, with the nearest; else -1. */
int memory_no_word(struct memory *m, enum snapshot_word kind, const char *what, struct str word);

/* One as JSON. `hit`: with what was found in it; may be NULL. */
bool memory_json(struct memory *m, const struct snapshot *s, bool whole, const struct snapshot_hit *hit);
/* An array of them, a line each: before the next, and behind the last. */
bool memory_json_next(struct memory *m, uint64_t before);
bool memory_json_end(struct memory *m, uint64_t count);
/* What is in `out` goes out. EXIT_DONE, or why not; `ok` false: there was no memory for it. */
int memory_put(struct memory *m, bool ok);

/* Its title: "#7 auth-rewrite". */
bool memory_title(const struct snapshot *s, struct buffer *out);
/* On one line, whatever stands in it. */
bool memory_line(struct buffer *out, struct str text);
bool memory_tags(const struct snapshot *s, struct buffer *out);
/* "1,284 snapshots", "1 snapshot" */
bool memory_count(struct buffer *out, uint64_t count);

/* A sub-command each. */
int snapshots_list(struct cli *cli);
int snapshots_show(struct cli *cli);
int snapshots_versions(struct cli *cli);
int snapshots_search(struct cli *cli);
int snapshots_words(struct cli *cli);
int snapshots_save(struct cli *cli);
int snapshots_update(struct cli *cli);
int snapshots_delete(struct cli *cli);
int snapshots_restore(struct cli *cli);
int snapshots_prune(struct cli *cli);
int snapshots_diff(struct cli *cli);
int snapshots_backup(struct cli *cli);
int snapshots_backups(struct cli *cli);
int snapshots_verify(struct cli *cli);
int snapshots_export(struct cli *cli);
int snapshots_import(struct cli *cli);

/* copies.c: `restore FILE|DATE`. */
int memory_restore_copy(struct memory *m);

#endif
