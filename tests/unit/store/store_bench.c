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

int
main(int argc, char **argv)
{
    uint64_t        calls, request_size, answer_size, rate = 0;
    struct traffic *t;
    struct error    err = {0};
    struct stat     file;
    static char    *requests[PAIRS], *answers[PAIRS];
    static size_t   request_len[PAIRS], answer_len[PAIRS];
    char            wal[4096];
    double          wal_max = 0;

    if (argc < 5 || !str_to_u64(str_from(argv[2]), &calls) || !str_to_u64(str_from(argv[3]), &request_size) ||
        !str_to_u64(str_from(argv[4]), &answer_size) || (argc > 5 && !str_to_u64(str_from(argv[5]), &rate))) {
        fprintf(stderr, "usage: store_bench DATABASE CALLS REQUEST_BYTES ANSWER_BYTES [CALLS_PER_SECOND]\n");
        return 2;
    }
    make_words();
    for (int i = 0; i < PAIRS; i++) {
        requests[i]    = malloc(request_size + 64);
        answers[i]     = malloc(answer_size + 64);
        request_len[i] = make_request(requests[i], request_size + 20, random_number() % 1000000);
        answer_len[i]  = make_answer(answers[i], answer_size + 20, random_number() % 1000000);
    }
    if (!traffic_open(&t, argv[1], NULL, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    struct labels *l = labels_new(&(struct label_texts){
        .server = STR("files"), .session = STR("bench"), .client = STR("bench"), .transport = STR("http")});
    snprintf(wal, sizeof wal, "%s-wal", argv[1]);
    double    all = cpu_of(RUSAGE_SELF), mine = cpu_of(RUSAGE_THREAD);
    mono_time began = clock_mono(), next = began;
    size_t    bytes = 0;
    for (uint64_t i = 0; i < calls; i++) {
        size_t         k  = random_number() % PAIRS;
        wall_time      at = clock_wall();
        uint64_t       id = traffic_next_id(t, at);
        char           number[24];
        int            number_len = snprintf(number, sizeof number, "%llu", (unsigned long long)i);
        struct record *r          = record_new(t, id, l);
        record_add(r, FROM_CLIENT, at, str_of(requests[k], request_len[k]), false);
        record_add(r, FROM_SERVER, at + 300, str_of(answers[k], answer_len[k]), false);
        bytes += request_len[k] + answer_len[k];
        traffic_put(t, r,
                    &(struct exchange_facts){.kind          = KIND_REQUEST,
                                             .outcome       = OUTCOME_OF_ANSWER,
                                             .method        = STR("tools/call"),
                                             .target        = STR("read_file"),
                                             .jsonrpc_id    = str_of(number, (size_t)number_len),
                                             .http_status   = 200,
                                             .final         = true,
                                             .duration_us   = 300 + (int64_t)(k % 500),
                                             .first_byte_us = 250});
        if (i % 8 == 7) {
            traffic_turn(t);
            while (traffic_is_behind(t))
                usleep(200);
            if (i % 4096 == 7 && stat(wal, &file) == 0 && (double)file.st_size > wal_max)
                wal_max = (double)file.st_size;
            if (rate > 0) {
                next += (mono_time)(8000000 / rate);
                if (next > clock_mono())
                    usleep((unsigned)(next - clock_mono()));
            }
        }
    }
    traffic_flush(t);
    double               network = cpu_of(RUSAGE_THREAD) - mine, total = cpu_of(RUSAGE_SELF) - all;
    double               wall = (double)(clock_mono() - began) / 1e6;
    struct traffic_stats stats;
    traffic_stats(t, &stats);
    traffic_close(t);
    stat(argv[1], &file);
    printf(
        "%llu calls of %zu bytes: %.2f us CPU a call (network side %.2f, store thread %.2f), %.0f calls/s, %.0f bytes "
        "on disk a call, %llu commits, log at most %.1f MiB, lost %llu\n",
        (unsigned long long)calls, bytes / calls, total / (double)calls * 1e6, network / (double)calls * 1e6,
        (total - network) / (double)calls * 1e6, (double)calls / wall, (double)file.st_size / (double)calls,
        (unsigned long long)stats.commits, wal_max / 1048576, (unsigned long long)stats.lost);
    static const struct str none = {"zzqqnowhere", 11};
    time_query(argv[1], "latest 50", &(struct query){.limit = 50});
    time_query(argv[1], "two columns, latest 50",
               &(struct query){.limit  = 50,
                               .server = {&(struct match){STR("files"), false}, 1},
                               .method = {&(struct match){STR("tools/call"), false}, 1}});
    time_query(argv[1], "column that matches nothing", &(struct query){.limit = 50, .errors_only = true});
    time_query(argv[1], "rare word",
               &(struct query){
                   .limit = 50, .words = &(struct str){words[WORDS - 3], strlen(words[WORDS - 3])}, .word_count = 1});
    time_query(argv[1], "common word",
               &(struct query){.limit = 50, .words = &(struct str){words[0], strlen(words[0])}, .word_count = 1});
    time_query(argv[1], "word that is nowhere", &(struct query){.limit = 50, .words = &none, .word_count = 1});
    time_query(argv[1], "part that is nowhere", &(struct query){.limit = 50, .contains = &none, .contains_count = 1});
    labels_unref(l);
    return 0;
}
