/* tests/unit/store/store_bench.c: what recording a call costs, and what finding one does, without a gateway around it.
 *
 *   store_bench DATABASE CALLS REQUEST_BYTES ANSWER_BYTES [CALLS_PER_SECOND]
 *
 * Texts are made of words of a vocabulary of 20,000, of which few are frequent (Zipf), as in prose; each call has an id
 * and a path of its own. CPU is that of the whole process less that of making the texts. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/query.h"

enum { WORDS = 20000, PAIRS = 4096 };

static char     words[WORDS][14];
static uint64_t seed = 88172645463325252ULL;

static uint64_t
random_number(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static void
make_words(void)
{
    for (int i = 0; i < WORDS; i++) {
        size_t len = 2 + random_number() % 4 + (size_t)(i > 200 ? random_number() % 6 : 0);
        for (size_t k = 0; k < len; k++)
            words[i][k] = "etaoinshrdlucmfwypvbgkqjxz"[(random_number() % 26) * (random_number() % 26) / 26];
    }
}

static size_t
add_words(char *out, size_t len, size_t until)
{
    while (len < until) {
        double   u    = (double)(random_number() >> 11) / 9007199254740992.0;
        unsigned rank = (unsigned)(u * u * u * u * WORDS); /* most of them are among the first */
        len += (size_t)snprintf(out + len, until - len + 1, "%s ", words[rank % WORDS]);
        len = len > until ? until : len;
    }
    return len;
}

static size_t
make_request(char *out, size_t size, uint64_t id)
{
    static const char *const tools[] = {"read_file", "search_nodes", "create_issue", "query", "fetch", "run_tests"};
    size_t                   len =
        (size_t)snprintf(out, size,
                         "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\","
                         "\"arguments\":{\"path\":\"/home/ada/src/%06llx\",\"text\":\"",
                         (unsigned long long)id, tools[id % 6], (unsigned long long)random_number() & 0xffffff);
    len = add_words(out, len, size - 40);
    return len + (size_t)snprintf(out + len, 40, "\"}}}");
}

static size_t
make_answer(char *out, size_t size, uint64_t id)
{
    size_t len = (size_t)snprintf(
        out, size, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"",
        (unsigned long long)id);
    len = add_words(out, len, size - 40);
    return len + (size_t)snprintf(out + len, 40, "\"}],\"isError\":false}}");
}

static double
cpu_of(int who)
{
    struct rusage u;

    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static bool
count_row(const struct exchange_view *x, void *arg)
{
    (void)x;
    ++*(size_t *)arg;
    return true;
}

static void
time_query(const char *path, const char *name, const struct query *q)
{
    struct error   err   = {0};
    struct reader *r     = reader_open(path, &err);
    size_t         count = 0;

    for (int i = 0; i < 2; i++) { /* the second is warm */
        count           = 0;
        mono_time began = clock_mono();
        if (r == NULL || !query_run(r, q, count_row, &count, &err))
            fprintf(stderr, "%s\n", err.text);
        if (i == 1)
            printf("  %-28s %9.2f ms, %zu found\n", name, (double)(clock_mono() - began) / 1e3, count);
    }
    reader_close(r);
}

struct plan {
    const char *path;
    uint64_t    calls, request_size, answer_size, rate; /* rate: calls a second; 0: as fast as they go */
};

static struct str requests[PAIRS], answers[PAIRS];

static void
make_pairs(const struct plan *p)
{
    make_words();
    for (int i = 0; i < PAIRS; i++) {
        char *request = malloc(p->request_size + 64), *answer = malloc(p->answer_size + 64);
        if (request == NULL || answer == NULL)
            abort();
        requests[i] = str_of(request, make_request(request, p->request_size + 20, random_number() % 1000000));
        answers[i]  = str_of(answer, make_answer(answer, p->answer_size + 20, random_number() % 1000000));
    }
}

/* Captures one call; returns its bytes. */
static size_t
capture(struct traffic *t, struct labels *l, uint64_t number)
{
    size_t         k  = random_number() % PAIRS;
    wall_time      at = clock_wall();
    uint64_t       id = traffic_next_id(t, at);
    struct record *r  = record_new(t, id, l);
    char           text[24];
    int            len = snprintf(text, sizeof text, "%llu", (unsigned long long)number);

    record_add(r, FROM_CLIENT, at, requests[k], false);
    record_add(r, FROM_SERVER, at + 300, answers[k], false);
    traffic_put(t, r,
                &(struct exchange_facts){.kind          = KIND_REQUEST,
                                         .outcome       = OUTCOME_OF_ANSWER,
                                         .method        = STR("tools/call"),
                                         .target        = STR("read_file"),
                                         .jsonrpc_id    = str_of(text, (size_t)len),
                                         .http_status   = 200,
                                         .final         = true,
                                         .duration_us   = 300 + (int64_t)(k % 500),
                                         .first_byte_us = 250});
    return requests[k].len + answers[k].len;
}

/* Eight calls a turn. Returns the bytes of all messages. */
static size_t
capture_all(const struct plan *p, struct traffic *t, struct labels *l, double *log_max)
{
    mono_time   next  = clock_mono();
    size_t      bytes = 0;
    char        log[4096];
    struct stat file;

    snprintf(log, sizeof log, "%s-wal", p->path);
    for (uint64_t i = 0; i < p->calls; i++) {
        bytes += capture(t, l, i);
        if (i % 8 != 7)
            continue;
        traffic_turn(t);
        while (traffic_is_behind(t))
            usleep(200);
        if (i % 4096 == 7 && stat(log, &file) == 0 && (double)file.st_size > *log_max)
            *log_max = (double)file.st_size;
        next += p->rate > 0 ? (mono_time)(8000000 / p->rate) : 0;
        if (p->rate > 0 && next > clock_mono())
            usleep((unsigned)(next - clock_mono()));
    }
    traffic_flush(t);
    return bytes;
}

static bool
measure(const struct plan *p)
{
    struct traffic      *t;
    struct error         err     = {0};
    double               log_max = 0;
    struct traffic_stats stats;
    struct stat          file;

    if (!traffic_open(&t, p->path, NULL, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    struct labels *l   = labels_new(&(struct label_texts){
          .server = STR("files"), .session = STR("bench"), .client = STR("bench"), .transport = STR("http")});
    double         all = cpu_of(RUSAGE_SELF), mine = cpu_of(RUSAGE_THREAD), calls = (double)p->calls;
    mono_time      began   = clock_mono();
    size_t         bytes   = capture_all(p, t, l, &log_max);
    double         network = cpu_of(RUSAGE_THREAD) - mine, total = cpu_of(RUSAGE_SELF) - all;
    double         wall = (double)(clock_mono() - began) / 1e6;
    traffic_stats(t, &stats);
    traffic_close(t);
    labels_unref(l);
    if (stat(p->path, &file) != 0)
        return false;
    printf("%.0f calls of %.0f bytes: %.2f us CPU a call (network side %.2f, store thread %.2f), %.0f calls/s, %.0f "
           "bytes on "
           "disk a call, %llu commits, log at most %.1f MiB, lost %llu\n",
           calls, (double)bytes / calls, total / calls * 1e6, network / calls * 1e6, (total - network) / calls * 1e6,
           calls / wall, (double)file.st_size / calls, (unsigned long long)stats.commits, log_max / 1048576,
           (unsigned long long)stats.lost);
    return true;
}

static void
measure_queries(const char *path)
{
    static const struct str none   = {"zzqqnowhere", 11};
    struct str              common = str_from(words[0]), rare = str_from(words[WORDS - 3]);

    time_query(path, "latest 50", &(struct query){.limit = 50});
    time_query(path, "two columns, latest 50",
               &(struct query){.limit  = 50,
                               .server = {&(struct match){STR("files"), false}, 1},
                               .method = {&(struct match){STR("tools/call"), false}, 1}});
    time_query(path, "column that matches nothing", &(struct query){.limit = 50, .errors_only = true});
    time_query(path, "rare word", &(struct query){.limit = 50, .words = &rare, .word_count = 1});
    time_query(path, "common word", &(struct query){.limit = 50, .words = &common, .word_count = 1});
    time_query(path, "word that is nowhere", &(struct query){.limit = 50, .words = &none, .word_count = 1});
    time_query(path, "part that is nowhere", &(struct query){.limit = 50, .contains = &none, .contains_count = 1});
}

int
main(int argc, char **argv)
{
    struct plan p = {0};

    if (argc < 5 || !str_to_u64(str_from(argv[2]), &p.calls) || !str_to_u64(str_from(argv[3]), &p.request_size) ||
        !str_to_u64(str_from(argv[4]), &p.answer_size) || (argc > 5 && !str_to_u64(str_from(argv[5]), &p.rate)) ||
        p.calls == 0 || p.request_size < 140 || p.answer_size < 140) {
        fprintf(stderr, "usage: store_bench DATABASE CALLS REQUEST_BYTES ANSWER_BYTES [CALLS_PER_SECOND]\n"
                        "       (messages of 140 bytes and more)\n");
        return 2;
    }
    p.path = argv[1];
    make_pairs(&p);
    if (!measure(&p))
        return 1;
    measure_queries(p.path);
    return 0;
}
