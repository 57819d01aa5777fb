/* src/store/snapshots/search.h: the parts of a search: what was asked, where it is found, how that reads.
 *
 *   asked_read   the words of a person become an expression of FTS5 that is never wrong
 *   found        for a row that fits, an auxiliary function of ours says how well, and where best
 *   excerpt      the text around that place */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_SEARCH_H
#define GATEHOUSE_STORE_SNAPSHOTS_SEARCH_H

#include <sqlite3.h>

#include "base/arena.h"
#include "base/error.h"
#include "store/snapshots/snapshots.h"
#include "store/snapshots/tokens.h"

enum { ASKED_BYTES = 4096, ASKED_WORDS = 64 }; /* of a query: more is ERROR_INVALID, as is one without any word */

/* `out` gets the expression. What the filter asks of name, project and tag stands first in it, where it makes the rows
 * few; `narrowing` says how many phrases these are. (Whether they are equal, the search looks itself.) */
bool asked_read(struct tokens *t, struct str query, const struct snapshot_filter *filter, struct buffer *out,
                unsigned *narrowing, struct error *err);

/* The columns of the table of words. */
enum found_column {
    FOUND_NAME,
    FOUND_PROJECT,
    FOUND_TAGS,
    FOUND_SUMMARY,
    FOUND_CONTEXT,
    FOUND_NEXT_STEPS,
    FOUND_COLUMNS
};

/* The best place of a row: as many different words of the query as possible within EXCERPT_TOKENS. */
enum { FOUND_HITS = 8, EXCERPT_TOKENS = 32 };
struct found {
    double            score; /* where and how often */
    enum found_column column;
    int               count;
    struct {
        int at, len;    /* tokens of the column */
    } hits[FOUND_HITS]; /* ascending */
};
/* Makes gatehouse_find(words, narrowing) known: a struct found as a blob. */
bool search_register(fts5_api *api, struct error *err);

/* `text` is that of found->column. In one line, between SNAPSHOT_HIT_BEGIN and _END what was found; "..." as one
 * character where it was cut. */
bool excerpt_write(struct tokens *t, struct str text, const struct found *found, struct arena *a, struct str *out,
                   struct error *err);

#endif
