/* src/cli/logs/logs.h: what the files of `gatehouse logs` share: one reading of the log. */
#ifndef GATEHOUSE_CLI_LOGS_LOGS_H
#define GATEHOUSE_CLI_LOGS_LOGS_H

#include "cli/cli.h"
#include "cli/grid.h"
#include "store/query.h"

enum { ID_DIGITS = 20, ID_TAIL_LEAST = 8, ERROR_TEXT_MAX = 300 };

struct logs {
    struct cli    *cli;
    struct reader *reader; /* runs the query */
    struct reader *inner;  /* looks up messages while it runs */
    struct query   query;
    struct match   server, session, method, client;
    struct str     words[QUERY_MATCHES_MAX], contains[QUERY_MATCHES_MAX];
    bool           is_json, with_messages, is_raw;
    wall_time      now;
    unsigned       tail; /* digits of the ids on the screen; ID_DIGITS: all of them */
    struct grid    grid;
    struct buffer  out;
    struct buffer  ids;  /* of uint64_t: what the screen will hold */
    struct buffer  part; /* of a cell */
    uint64_t       shown, failed;
    wall_time      first;  /* of those shown */
    bool           broken; /* the output takes no more */
};

/* query.c: what was typed becomes the query. */
bool logs_read_filters(struct logs *l, struct error *err);
/* Nothing was found: because no such server, method or client was ever seen? Says so; the exit code. */
int logs_explain_nothing(struct logs *l);

/* rows.c */
void logs_begin_rows(struct logs *l);
bool logs_row(struct logs *l, const struct exchange_view *x);
bool logs_flush_rows(struct logs *l);
/* The least digits, from `least` on, by which all ids differ. */
unsigned id_tail_digits(const uint64_t *ids, size_t count, unsigned least);
/* The words of a failure, one line, from the last message of the server; the outcome's name when it said nothing. */
void failure_text(struct reader *r, const struct exchange_view *x, struct buffer *out);
bool exchange_failed(const struct exchange_view *x);

/* json.c: an exchange as one line. */
bool logs_json_line(struct logs *l, const struct exchange_view *x);

/* one.c: one exchange in full. */
int logs_one(struct logs *l, const char *id);
/* follow.c: until Ctrl-C. */
int logs_follow(struct logs *l, const char *path);

#endif
