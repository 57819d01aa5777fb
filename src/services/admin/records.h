/* src/services/admin/records.h: what search_records found: records.c fills it on a worker, records_print.c says it.
 *
 * An answer is bounded: BODIES_MOST bytes of what was said are shared out among the records that were found, so the
 * fewer there are, the more is shown of each. What does not fit is counted. */
#ifndef GATEHOUSE_SERVICES_ADMIN_RECORDS_H
#define GATEHOUSE_SERVICES_ADMIN_RECORDS_H

#include "services/admin/parts.h"
#include "store/query.h"

enum { BODIES_MOST = 96 << 10, BODY_LEAST = 100, BODY_MOST = 32 << 10 };

/* What was said, one way. */
struct body {
    struct str text;    /* empty: nothing */
    uint64_t   omitted; /* bytes behind `text` */
};

struct record {
    uint64_t           id;
    wall_time          at;
    struct str         server, session, client, method, target;
    enum exchange_kind kind;
    enum outcome       outcome;
    bool               has_error_code;
    int                error_code, http_status;
    int64_t            duration_us;
    unsigned           messages;
    struct body        request, response;
    bool               is_cut; /* the log has not all that was said */
};

/* In the job's arena. */
struct search {
    struct query   query;
    struct match   server, session, method;
    struct str     words;
    size_t         limit;
    struct record *records; /* `limit` of them */
    size_t         count;
    bool           has_more;
    struct str     near;        /* a registered name like the one that was asked for and is not; empty: none */
    bool           is_unknown;  /* no server of that name is registered */
    bool           is_captured; /* or it is switched off */
};

/* Onto the text, on the worker. */
void records_say(struct job *job, const struct search *s);
/* As data. */
yyjson_mut_val *records_put(struct job *job, const struct search *s);

#endif
