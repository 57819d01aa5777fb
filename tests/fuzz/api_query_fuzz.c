/* tests/fuzz/api_query_fuzz.c: the query of GET /api/logs: understood within its bounds, or refused in words. */
#include <assert.h>

#include "api/log_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_texts(const struct str *texts, size_t count, size_t max)
{
    for (size_t i = 0; i < count; i++)
        assert(texts[i].len > 0 && texts[i].len <= max && str_is_utf8(texts[i]) && str_index(texts[i], '\0') < 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena     *arena = arena_new(4096, MIB(16));
    struct error      err   = {0};
    struct log_query *q     = log_query_read(str_of((const char *)data, size), arena, &err);

    if (q == NULL) {
        assert(err.code == ERROR_INVALID && err.text[0] != '\0');
    } else {
        const struct matches lists[] = {q->query.server, q->query.session, q->query.method, q->query.client};
        assert(q->limit >= 1 && q->limit <= LOG_LIMIT_MAX && q->query.limit == 0);
        for (size_t i = 0; i < 4; i++)
            for (size_t k = 0; k < lists[i].count; k++)
                check_texts(&lists[i].items[k].text, 1, LOG_VALUE_MAX);
        check_texts(q->query.words, q->query.word_count, LOG_VALUE_MAX);
        check_texts(q->query.contains, q->query.contains_count, QUERY_CONTAINS_MAX);
        assert(q->query.duration_us.count <= QUERY_MATCHES_MAX && q->query.tokens.count <= QUERY_MATCHES_MAX);
        log_query_wants(q, &(struct exchange_view){.duration_us = 5});
    }
    arena_free(arena);
    return 0;
}
