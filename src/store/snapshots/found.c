/* An auxiliary function of FTS5: what SQLite calls for each row that fits. Its own bm25() counts all rows that hold a
 * word before it says the first score; this one looks at nothing but its row. */
#include "store/snapshots/search.h"

enum { PHRASES_MOST = ASKED_WORDS + 4, INSTANCES_MOST = 1024, STARTS_MOST = 128 };

/* What a hit there is worth, and which place reads best when several are as good. */
static const struct {
    double worth;
    int    rank;
} columns[FOUND_COLUMNS] = {
    [FOUND_NAME] = {8, 2},    [FOUND_PROJECT] = {3, 0}, [FOUND_TAGS] = {5, 1},
    [FOUND_SUMMARY] = {4, 5}, [FOUND_CONTEXT] = {1, 4}, [FOUND_NEXT_STEPS] = {2, 3},
};

struct instance {
    int phrase, column, at;
};

struct row {
    struct instance instances[INSTANCES_MOST]; /* as they stand in the texts */
    int             count;
};

static int
read_row(const Fts5ExtensionApi *api, Fts5Context *fts, int narrowing, struct row *row)
{
    int all, code = api->xInstCount(fts, &all);

    row->count = 0;
    for (int i = 0; code == SQLITE_OK && i < all && row->count < INSTANCES_MOST; i++) {
        struct instance *next = &row->instances[row->count];
        code                  = api->xInst(fts, i, &next->phrase, &next->column, &next->at);
        row->count += next->phrase >= narrowing && next->phrase < PHRASES_MOST && next->column < FOUND_COLUMNS;
    }
    return code;
}

/* The tenth time says less than the first: n / (n + 1) of a column's worth. */
static double
score_of(const struct row *row)
{
    static _Thread_local unsigned short times[PHRASES_MOST][FOUND_COLUMNS];
    double                              sum = 0;

    for (int i = 0; i < row->count; i++)
        times[row->instances[i].phrase][row->instances[i].column]++;
    for (int i = 0; i < row->count; i++) {
        unsigned short *n = &times[row->instances[i].phrase][row->instances[i].column];
        sum += columns[row->instances[i].column].worth * *n / (*n + 1.0);
        *n = 0; /* counted once, and zero for the next row */
    }
    return sum;
}

/* How many lie within an excerpt that begins at that one, and what it is worth. */
static int
window(const struct row *row, int begin, int *end)
{
    const struct instance *first  = &row->instances[begin];
    uint64_t               either = 0;
    int                    i      = begin;

    for (; i < row->count && row->instances[i].column == first->column; i++) {
        if (row->instances[i].at - first->at >= EXCERPT_TOKENS * 3 / 4)
            break;
        either |= (uint64_t)1 << (row->instances[i].phrase & 63);
    }
    *end = i;
    return __builtin_popcountll(either) * 8 + columns[first->column].rank;
}

static void
choose_place(const Fts5ExtensionApi *api, Fts5Context *fts, const struct row *row, struct found *out)
{
    int best = -1, begin = 0, end = 0;

    for (int i = 0; i < row->count && i < STARTS_MOST; i++) {
        int until, worth = window(row, i, &until);
        if (worth > best) {
            best  = worth;
            begin = i;
            end   = until;
        }
    }
    for (int i = begin; i < end && out->count < FOUND_HITS; i++) {
        const struct instance *instance = &row->instances[i];
        out->column                     = (enum found_column)instance->column;
        out->hits[out->count].at        = instance->at;
        out->hits[out->count++].len     = api->xPhraseSize(fts, instance->phrase);
    }
}

static void
find(const Fts5ExtensionApi *api, Fts5Context *fts, sqlite3_context *result, int value_count, sqlite3_value **values)
{
    struct found found = {.column = FOUND_SUMMARY};
    struct row   row;
    int          code = read_row(api, fts, value_count > 0 ? sqlite3_value_int(values[0]) : 0, &row);

    if (code != SQLITE_OK) {
        sqlite3_result_error_code(result, code);
        return;
    }
    found.score = score_of(&row);
    choose_place(api, fts, &row, &found);
    sqlite3_result_blob(result, &found, sizeof found, SQLITE_TRANSIENT);
}

bool
search_register(fts5_api *api, struct error *err)
{
    return api->xCreateFunction(api, "gatehouse_find", NULL, find, NULL) == SQLITE_OK ||
           error_set(err, ERROR_MEMORY, "no memory for the full-text search");
}
