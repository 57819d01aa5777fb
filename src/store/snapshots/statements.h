/* src/store/snapshots/statements.h: all that is asked of the database, by name. Compiled when first used, then kept.
 *
 * Parameters have the same numbers in every statement that has them: see enum bind. */
#ifndef GATEHOUSE_STORE_SNAPSHOTS_STATEMENTS_H
#define GATEHOUSE_STORE_SNAPSHOTS_STATEMENTS_H

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    SAVEPOINT,
    RELEASE,
    ROLLBACK_TO,
    STAMP,

    ADD,          /* a row */
    CHANGE,       /* all of a row but id, created and deleted */
    KEEP,         /* the row as it is, as an older version */
    ADD_WORDS,    /* of the row, from the row */
    REMOVE_WORDS, /* the same; the row must be as it was when they were added */
    ADD_TAG,
    REMOVE_TAG,
    ADD_TOTAL, /* takes what there is more, if the quota has room */
    SET_DELETED,
    FIND_SOURCE,
    FIND_IMPORTED,
    ADD_IMPORTED,
    OVERDUE, /* in the bin for too long */
    REMOVE,
    REMOVE_VERSIONS,
    VERSIONS_TOTAL, /* of one: how many, how large */
    NEXT_OLD,       /* not in the bin, ?1 < id <= ?2, changed before ?3: the first by id */
    NEXT_ID,        /* of any row behind ?1 */
    COUNT_NEWER,    /* of a name and project, created after ?3, or then with an id over ?4; no further than to ?5 */
    MERGE_WORDS,    /* ?1 pages of the index of words; less than zero: all of it, from now on */

    LOAD_ID, /* rows without their long texts: enum row_column */
    LOAD_VERSION,
    LOAD_NEWEST,
    LOAD_NAME,
    LOAD_PROJECT,
    LOAD_LONG, /* context, structured, prompt */
    LOAD_LONG_VERSION,
    LIST_ALL,
    LIST_NAME,
    LIST_PROJECT,
    LIST_TAG,
    LIST_BIN,
    LIST_VERSIONS,
    FIGURES,
    NEXT_NAME,
    NEXT_PROJECT,
    NEXT_TAG,
    SEARCH,
    STATEMENTS
};

extern const char *const snapshot_statements[STATEMENTS];

/* The columns of rows without their long texts, and their parameters: one more. */
enum row_column {
    COLUMN_ID,
    COLUMN_VERSION,
    COLUMN_CREATED,
    COLUMN_CHANGED,
    COLUMN_DELETED,
    COLUMN_IMPORTANCE,
    COLUMN_BYTES,
    COLUMN_NAME,
    COLUMN_PROJECT,
    COLUMN_TAGS,
    COLUMN_CLIENT,
    COLUMN_CLIENT_VERSION,
    COLUMN_SERVER,
    COLUMN_SOURCE,
    COLUMN_SUMMARY,
    COLUMN_NEXT_STEPS,
    COLUMN_CONTEXT, /* of ADD and CHANGE only */
    COLUMN_STRUCTURED,
    COLUMN_PROMPT,
};

#endif
