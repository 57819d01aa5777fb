/* src/api/log_query.h: what GET /api/logs is asked for, read from the query of its URL. The table of its parameters is
 * in log_query.c; docs/api.md has a row for each, and a test holds the two together.
 *
 * Everything is checked here: what is wrong is said in words, and nothing unknown is silently left out. */
#ifndef GATEHOUSE_API_LOG_QUERY_H
#define GATEHOUSE_API_LOG_QUERY_H

#include "base/arena.h"
#include "store/query.h"

enum { LOG_LIMIT = 100, LOG_LIMIT_MAX = 1000, LOG_VALUE_MAX = 1024 };

struct span { /* from <= value < to */
    int64_t from, to;
};

struct log_query {
    struct query query; /* its limit is 0: entries are counted, not exchanges */
    size_t       limit;
    uint64_t     cursor; /* the exchange to begin with; 0: none */
    size_t       skip;   /* so many of its entries were shown */
    struct span  spans[QUERY_MATCHES_MAX];
    size_t       span_count; /* durationEq: any of them; 5 means all from 5.000 to 5.999 ms */

    struct match matches[4][QUERY_MATCHES_MAX];
    struct bound durations[QUERY_MATCHES_MAX], tokens[QUERY_MATCHES_MAX];
    struct str   words[QUERY_TEXTS_MAX], contains[QUERY_TEXTS_MAX];
};

/* NULL: `err`. In the arena, texts too. */
struct log_query *log_query_read(struct str query, struct arena *arena, struct error *err);
/* What the store cannot ask for. */
bool log_query_wants(const struct log_query *q, const struct exchange_view *x);

/* The names of the parameters, one after the other; NULL ends them. */
const char *log_query_parameter(size_t i);

#endif
