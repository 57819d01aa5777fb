/* bench/raw_save.c: what saving a snapshot costs in SQLite alone: the rows of one snapshot and one commit, again and
 * again, in a database that Gatehouse filled, without Gatehouse.
 *
 *   raw_save --database snapshots.db --rows FILE --warm N
 *
 * FILE has a snapshot a line, its fields parted by tabs: name, summary, context, next steps; the first N are not timed.
 * What is written is what src/store/snapshots writes for a save, by statements of our own: the row, its words, the
 * total; WAL, synchronous FULL. The words are parted by SQLite's own tokenizer (the driver says so in the schema of the
 * copy), which costs less than ours. Prints the commits and the microseconds of each as JSON. */
#include "histogram.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum field { NAME, SUMMARY, CONTEXT, NEXT_STEPS, FIELDS };

static const char *const texts[] = {
    "BEGIN IMMEDIATE",
    "INSERT INTO snapshot(version, created, changed, importance, bytes, name, client, client_version, server, summary,"
    " next_steps, context, prompt) VALUES(1, ?1, ?1, 3, ?2, ?3, 'gatehouse-bench', '1.0.0', 'snapshots 0.1.0', ?4, ?5, "
    "?6, ?7)",
    "INSERT INTO words(rowid, name, project, tags, summary, context, next_steps) SELECT id, name, project, tags, "
    "summary,"
    " context, next_steps FROM snapshot WHERE id = ?1",
    "UPDATE total SET count = count + 1, bytes = bytes + ?1",
    "COMMIT",
};
enum { BEGIN, ADD, ADD_WORDS, ADD_TOTAL, COMMIT, STATEMENTS };

struct raw {
    sqlite3      *db;
    sqlite3_stmt *statements[STATEMENTS];
};

static uint64_t
now(clockid_t which)
{
    struct timespec t;

    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool
run(struct raw *r, int which)
{
    bool ok = sqlite3_step(r->statements[which]) == SQLITE_DONE;

    sqlite3_reset(r->statements[which]);
    return ok;
}

static bool
raw_open(struct raw *r, const char *path)
{
    bool ok =
        sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_exec(r->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", NULL, NULL, NULL) == SQLITE_OK;

    for (int i = 0; ok && i < STATEMENTS; i++)
        ok = sqlite3_prepare_v2(r->db, texts[i], -1, &r->statements[i], NULL) == SQLITE_OK;
    return ok;
}

static bool
save(struct raw *r, char *const fields[FIELDS])
{
    char          prompt[65536];
    sqlite3_stmt *add   = r->statements[ADD];
    int           len   = snprintf(prompt, sizeof prompt, "Resuming: %s\n\nContext:\n%s\n\nNext:\n%s", fields[SUMMARY],
                                   fields[CONTEXT], fields[NEXT_STEPS]);
    int64_t       bytes = len;

    for (int i = 0; i < FIELDS; i++)
        bytes += (int64_t)strlen(fields[i]);
    sqlite3_bind_int64(add, 1, (int64_t)(now(CLOCK_REALTIME) / 1000));
    sqlite3_bind_int64(add, 2, bytes);
    if (fields[NAME][0] == '\0')
        sqlite3_bind_null(add, 3);
    else
        sqlite3_bind_text(add, 3, fields[NAME], -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 4, fields[SUMMARY], -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 5, fields[NEXT_STEPS], -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 6, fields[CONTEXT], -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 7, prompt, len, SQLITE_STATIC);
    if (!run(r, BEGIN) || !run(r, ADD))
        return false;
    sqlite3_bind_int64(r->statements[ADD_WORDS], 1, sqlite3_last_insert_rowid(r->db));
    sqlite3_bind_int64(r->statements[ADD_TOTAL], 1, bytes);
    return run(r, ADD_WORDS) && run(r, ADD_TOTAL) && run(r, COMMIT);
}

static bool
save_line(struct raw *r, char *line, struct histogram *took)
{
    char *fields[FIELDS];

    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < FIELDS; i++)
        if ((fields[i] = strsep(&line, "\t")) == NULL)
            return false;
    uint64_t began = now(CLOCK_MONOTONIC);
    bool     ok    = save(r, fields);
    if (took != NULL)
        histogram_add(took, now(CLOCK_MONOTONIC) - began);
    return ok;
}

int
main(int argc, char **argv)
{
    struct raw        r    = {0};
    struct histogram *took = calloc(1, sizeof *took);
    FILE             *rows = NULL;
    char             *line = NULL;
    size_t            room = 0;

    if (argc != 7 || strcmp(argv[1], "--database") != 0 || strcmp(argv[3], "--rows") != 0 ||
        strcmp(argv[5], "--warm") != 0) {
        fprintf(stderr, "usage: raw_save --database snapshots.db --rows FILE --warm N\n");
        return 2;
    }
    bool ok = took != NULL && (rows = fopen(argv[4], "re")) != NULL && raw_open(&r, argv[2]);
    for (uint64_t warm = strtoull(argv[6], NULL, 10); ok && getline(&line, &room, rows) > 0; warm -= warm > 0)
        ok = save_line(&r, line, warm > 0 ? NULL : took);
    if (ok)
        printf("{\"calls\":%llu,\"errors\":0,\"p50_us\":%.2f,\"p95_us\":%.2f,\"p99_us\":%.2f,\"max_us\":%.2f}\n",
               (unsigned long long)took->count, (double)histogram_share(took, 0.5) / 1e3,
               (double)histogram_share(took, 0.95) / 1e3, (double)histogram_share(took, 0.99) / 1e3,
               (double)took->max / 1e3);
    else
        fprintf(stderr, "raw_save: %s\n", r.db == NULL ? "no such file" : sqlite3_errmsg(r.db));
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(r.statements[i]);
    sqlite3_close(r.db);
    if (rows != NULL)
        fclose(rows);
    free(line);
    free(took);
    return ok ? 0 : 1;
}
