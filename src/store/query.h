/* src/store/query.h: the reading side of the traffic database: for the command line with no gateway running, and for
 * the API in workers. A reader belongs to one thread at a time.
 *
 * It opens the file read-only and trusts nothing in it. No read transaction lives longer than a slice of the work (a
 * page of rows, a block of messages): what is found is handed out between transactions, so `each` may be slow. */
#ifndef GATEHOUSE_STORE_QUERY_H
#define GATEHOUSE_STORE_QUERY_H

#include "base/error.h"
#include "store/traffic.h"

struct reader;

/* ERROR_NOT_FOUND when there is no database yet. */
struct reader *reader_open(const char *path, struct error *err);
void           reader_close(struct reader *r);

struct match {
    struct str text;
    bool       contains; /* anywhere in it, without case; else the whole, exactly */
};

struct matches { /* any of them will do; none: everything does */
    const struct match *items;
    size_t              count;
};

enum bound_op { BOUND_EQ, BOUND_GT, BOUND_GTE, BOUND_LT, BOUND_LTE };

struct bound {
    enum bound_op op;
    int64_t       value;
};

struct bounds { /* EQs: any of them; the others: all of them */
    const struct bound *items;
    size_t              count;
};

enum { QUERY_TEXTS_MAX = 32, QUERY_CONTAINS_MAX = 256, QUERY_MATCHES_MAX = 64 };

struct query {
    struct matches    server, session, method, client;
    const struct str *words; /* each must occur: whole words, without (ASCII) case; several words in one text: all */
    size_t            word_count;
    const struct str *contains; /* each must occur: any part of a message, without case, <= QUERY_CONTAINS_MAX bytes */
    size_t            contains_count;
    wall_time         after, before;       /* exclusive; 0: no bound */
    uint64_t          after_id, before_id; /* exclusive; 0: no bound */
    bool              errors_only;         /* but ok and open; of a bridged call one row */
    struct bounds     duration_us;
    struct bounds     tokens;  /* both ways together */
    struct str        id_part; /* decimal digits anywhere in the id; empty: any */
    size_t            limit;   /* 0: all */
    bool              ascending;
};

/* Strings are good during the call of `each` only. */
struct exchange_view {
    uint64_t   id;
    wall_time  at;
    struct str server, session, principal, client, client_version, server_name, server_version, revision, transport,
        address, user_agent;
    struct str         method, target, jsonrpc_id;
    enum exchange_kind kind;
    enum outcome       outcome; /* OUTCOME_OPEN while there is none */
    bool               has_error_code;
    int                error_code;
    int                http_status;   /* 0: none */
    int64_t            duration_us;   /* -1: none */
    int64_t            first_byte_us; /* -1: none */
    uint64_t           bytes_in, bytes_out;
    uint64_t           tokens_in, tokens_out;
};

/* Newest first unless ascending. `each` returns false to stop. */
bool query_run(struct reader *r, const struct query *q, bool (*each)(const struct exchange_view *x, void *arg),
               void *arg, struct error *err);
/* One exchange by its id. ERROR_NOT_FOUND. */
bool reader_exchange(struct reader *r, uint64_t id, bool (*each)(const struct exchange_view *x, void *arg), void *arg,
                     struct error *err);

struct message_view {
    wall_time         at; /* when its first byte came */
    enum message_from from;
    struct str        text;   /* whole: pieces are joined; good during the call only */
    bool              is_cut; /* only its begin was kept: there was no memory for the rest */
};

/* All messages of one exchange in order. An exchange with none gives none; so does one that is not there. */
bool reader_messages(struct reader *r, uint64_t id, bool (*each)(const struct message_view *m, void *arg), void *arg,
                     struct error *err);

struct session_view {
    struct str server, session;
    wall_time  start, end;
    uint64_t   count;
};
struct client_view {
    struct str name, version;
    uint64_t   count, sessions;
};
struct method_view {
    struct str method;
    uint64_t   count;
};
struct server_view {
    struct str server;
    uint64_t   count;
    uint64_t   errors;
    int64_t    p50_us; /* of the last STATS_RECENT calls that were answered; -1: none */
    wall_time  last;   /* start of the newest */
};
struct totals {
    uint64_t  count;
    wall_time first, last; /* 0: empty */
    uint64_t  file_bytes;
    uint64_t  lost; /* exchanges that could not be recorded, of all gaps on record */
};
enum { STATS_RECENT = 1000 };

bool reader_servers(struct reader *r, bool (*each)(const struct server_view *v, void *arg), void *arg,
                    struct error *err);
/* `server` empty: of all servers. */
bool reader_sessions(struct reader *r, struct str server, bool (*each)(const struct session_view *v, void *arg),
                     void *arg, struct error *err);
bool reader_clients(struct reader *r, bool (*each)(const struct client_view *v, void *arg), void *arg,
                    struct error *err);
/* `server` empty: of all servers. */
bool reader_methods(struct reader *r, struct str server, bool (*each)(const struct method_view *v, void *arg),
                    void *arg, struct error *err);
/* How many exchanges could not be recorded, of gaps that ended after a time. */
bool reader_lost(struct reader *r, wall_time after, uint64_t *lost, struct error *err);
bool reader_totals(struct reader *r, struct totals *out, struct error *err);

/* Requests that began after a time; a bridged one counts once. The two durations are below 1 % too large; -1: none was
 * answered. */
struct call_figures {
    uint64_t count, failed;
    int64_t  p50_us, p95_us;
};
bool reader_call_figures(struct reader *r, wall_time after, struct call_figures *out, struct error *err);

#endif
