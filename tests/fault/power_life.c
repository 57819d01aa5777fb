#include "power_life.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/db.h"
#include "store/purge.h"
#include "store/query.h"
#include "test.h"

static const char *const names[CALLERS] = {"ada", "bob"};

void
life_begin(struct life *l, struct disk *disk, uint64_t seed)
{
    *l = (struct life){.disk = disk, .random = seed};
    snprintf(l->directory, sizeof l->directory, "/tmp/fault-XXXXXX");
    assert_non_null(mkdtemp(l->directory));
    snprintf(l->path, sizeof l->path, "%s/traffic.db", l->directory);
    for (int i = 0; i < CALLERS; i++)
        l->who[i] = labels_new(&(struct label_texts){
            .server = STR("weather"), .session = STR("s-1"), .client = STR("c"), .principal = str_from(names[i])});
}

void
life_end(struct life *l)
{
    life_close(l);
    for (int i = 0; i < CALLERS; i++)
        labels_unref(l->who[i]);
    remove_directory(l->directory);
}

bool
life_open(struct life *l, const struct traffic_options *options, struct error *err)
{
    l->lost_here = 0;
    return traffic_open(&l->traffic, l->path, options, err);
}

void
life_close(struct life *l)
{
    traffic_close(l->traffic);
    l->traffic = NULL;
}

/* A message of this length, the same each time. */
static void
say(uint64_t seed, bool is_answer, char *out, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_-.";
    int head = snprintf(out, len, "{\"jsonrpc\":\"2.0\",\"id\":7,\"%s\":{\"text\":\"", is_answer ? "result" : "params");
    uint64_t state = seed + (is_answer ? 1 : 0);

    for (size_t i = (size_t)head; i < len - 3; i++)
        out[i] = letters[next_random(&state) % (sizeof letters - 1)];
    memcpy(out + len - 3, "\"}}", 3);
}

void
life_call(struct life *l, int who, size_t answer_len)
{
    const struct exchange_facts facts = {.kind          = KIND_REQUEST,
                                         .outcome       = OUTCOME_OF_ANSWER,
                                         .method        = STR("tools/call"),
                                         .target        = STR("forecast"),
                                         .jsonrpc_id    = STR("7"),
                                         .http_status   = 200,
                                         .final         = true,
                                         .duration_us   = 900,
                                         .first_byte_us = 800};
    struct exchange_facts       open  = facts;
    struct call                *c     = &l->calls[l->count++];
    char                       *text  = malloc(answer_len + 1000);

    assert_true(l->count < CALLS_MAX && text != NULL);
    open.final       = false;
    open.outcome     = OUTCOME_OPEN;
    *c               = (struct call){.id          = traffic_next_id(l->traffic, clock_wall()),
                                     .seed        = next_random(&l->random),
                                     .request_len = 120 + next_random(&l->random) % 400,
                                     .answer_len  = answer_len < 60 ? 60 : answer_len,
                                     .who         = who};
    struct record *r = record_new(l->traffic, c->id, l->who[who]);
    say(c->seed, false, text, c->request_len);
    record_add(r, FROM_CLIENT, traffic_id_time(c->id), str_of(text, c->request_len), false);
    say(c->seed, true, text, c->answer_len);
    for (size_t at = 0, piece; at < c->answer_len; at += piece) {
        piece = c->answer_len - at < KIB(40) ? c->answer_len - at : KIB(40);
        record_add(r, FROM_SERVER, traffic_id_time(c->id) + 800, str_of(text + at, piece), at + piece < c->answer_len);
        if (at + piece < c->answer_len && record_size(r) > RECORD_LARGE / 2) {
            traffic_put(l->traffic, r, &open);
            if (next_random(&l->random) % 2 == 0)
                traffic_flush(l->traffic); /* a long call lies in several commits */
            r = record_new(l->traffic, c->id, l->who[who]);
        }
    }
    traffic_put(l->traffic, r, &facts);
    free(text);
}

bool
life_commit(struct life *l)
{
    struct traffic_stats stats;
    size_t               position = 1;

    traffic_flush(l->traffic);
    traffic_stats(l->traffic, &stats);
    bool is_whole = stats.lost == l->lost_here;
    l->lost += stats.lost - l->lost_here;
    l->lost_here = stats.lost;
    if (l->disk != NULL)
        position = disk_position(l->disk);
    for (size_t i = l->count; i-- > 0 && l->calls[i].kept == 0;)
        l->calls[i].kept = is_whole ? position : KEPT_PERHAPS;
    return is_whole;
}

void
life_work(struct life *l, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        int calls = 1 + (int)(next_random(&l->random) % 3);
        for (int k = 0; k < calls; k++) {
            uint64_t dice = next_random(&l->random) % 40;
            size_t   len  = dice == 0 ? 100000 + next_random(&l->random) % 200000 : dice < 6 ? 9000 : 300;
            life_call(l, next_random(&l->random) % 4 == 0, len);
        }
        life_commit(l);
    }
}

void
life_lets_go(struct life *l)
{
    for (size_t i = 0; i < l->count; i++)
        l->calls[i].may_go = true;
}

bool
life_purge(struct life *l, int who, struct error *err)
{
    struct purge what = {.principal = who < 0 ? STR_NONE : str_from(names[who])};

    for (size_t i = 0; i < l->count; i++)
        l->calls[i].may_go |= who < 0 || l->calls[i].who == who;
    if (!traffic_purge(l->path, &what, NULL, err))
        return false;
    for (size_t i = 0; i < l->count; i++) {
        if (l->calls[i].erased == 0 && (who < 0 || l->calls[i].who == who))
            l->calls[i].erased = l->disk == NULL ? 1 : disk_position(l->disk);
    }
    return true;
}

/* One row against its call. */
struct checking {
    const struct call *call;
    struct reader     *reader;
    const char        *where;
    bool               is_there, is_complete;
    int                messages;
    const char        *wrong;
};

static bool
check_row(const struct exchange_view *x, void *arg)
{
    struct checking *c = arg;

    c->is_there    = true;
    c->is_complete = x->outcome == OUTCOME_OK;
    if (x->outcome != OUTCOME_OK && x->outcome != OUTCOME_CUT)
        c->wrong = "is neither complete nor said to be cut";
    return true;
}

static bool
check_message(const struct message_view *m, void *arg)
{
    struct checking *c         = arg;
    bool             is_answer = c->messages++ == 1;
    size_t           len       = is_answer ? c->call->answer_len : c->call->request_len;
    char            *wanted    = malloc(len);

    say(c->call->seed, is_answer, wanted, len);
    if ((m->from == FROM_SERVER) != is_answer)
        c->wrong = "has its messages in another order";
    else if (m->text.len > len || (c->is_complete && m->text.len < len))
        c->wrong = "has a message of another length";
    else if (memcmp(m->text.data, wanted, m->text.len) != 0)
        c->wrong = "has a message with other bytes";
    free(wanted);
    return true;
}

static void
check_call(struct checking *c, bool is_due, bool is_gone)
{
    struct error err = {0};

    if (!reader_exchange(c->reader, c->call->id, check_row, c, &err) && err.code != ERROR_NOT_FOUND)
        fail_msg("reading an exchange: %s", err.text);
    if (c->is_there && !reader_messages(c->reader, c->call->id, check_message, c, &err))
        fail_msg("reading messages: %s", err.text);
    if (c->is_complete && c->messages != 2)
        c->wrong = "is complete but has not its two messages";
    if (c->is_there && is_gone)
        c->wrong = "was erased and is back";
    if (is_due && !(c->is_there && c->is_complete))
        c->wrong = "was kept and is not there";
    if (c->wrong != NULL)
        fail_msg("%s: a call with %zu bytes of answer %s", c->where, c->call->answer_len, c->wrong);
}

size_t
life_check(const struct life *l, const char *path, size_t synced, size_t position)
{
    struct error   err    = {0};
    sqlite3       *db     = db_open(path, DB_READ, &err);
    struct reader *reader = reader_open(path, &err);
    int64_t        open   = -1;
    size_t         there = 0, missing = 0;

    if (db == NULL || reader == NULL)
        fail_msg("%s: %s", l->where, err.text);
    sqlite3_stmt *check = db_prepare(db, "PRAGMA integrity_check", &err);
    assert_int_equal(db_row(check, &err), 1);
    if (strcmp((const char *)sqlite3_column_text(check, 0), "ok") != 0)
        fail_msg("%s: %s", l->where, (const char *)sqlite3_column_text(check, 0));
    sqlite3_finalize(check);
    assert_true(
        db_number(db, "SELECT (SELECT count(*) FROM open) + (SELECT count(*) FROM exchange_row WHERE outcome IS NULL)",
                  0, &open, &err));
    assert_int_equal(open, 0);
    for (size_t i = 0; i < l->count; i++) {
        const struct call *c       = &l->calls[i];
        struct checking    one     = {.call = c, .reader = reader, .where = l->where};
        bool               is_gone = c->erased > 0 && c->erased <= position;
        check_call(&one, c->kept > 0 && c->kept < synced && !c->may_go, is_gone);
        there += one.is_there;
        missing += !one.is_complete && !c->may_go && c->kept == KEPT_PERHAPS;
    }
    if (missing > l->lost)
        fail_msg("%s: %zu calls are missing, %zu were said to be", l->where, missing, (size_t)l->lost);
    reader_close(reader);
    db_close(db);
    return there;
}
