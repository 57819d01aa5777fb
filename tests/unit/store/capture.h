/* tests/unit/store/capture.h: calls on record, as the gateway would put them there. */
#ifndef GATEHOUSE_TESTS_STORE_CAPTURE_H
#define GATEHOUSE_TESTS_STORE_CAPTURE_H

#include "store/traffic.h"

static inline struct labels *
labels_for(const char *server, const char *session, const char *client)
{
    return labels_new(&(struct label_texts){
        .server         = str_from(server),
        .session        = str_from(session),
        .client         = str_from(client),
        .client_version = STR("1.0"),
        .transport      = STR("http"),
        .revision       = STR("2025-06-18"),
    });
}

/* A whole tools/call that took `duration_us`; returns its id. Without an answer when that is NULL. */
static inline uint64_t
capture_call(struct traffic *traffic, struct labels *l, const char *tool, const char *request, const char *answer,
             int64_t duration_us)
{
    uint64_t       id = traffic_next_id(traffic, clock_wall());
    struct record *r  = record_new(traffic, id, l);

    record_add(r, FROM_CLIENT, traffic_id_time(id), str_from(request), false);
    if (answer != NULL)
        record_add(r, FROM_SERVER, traffic_id_time(id) + 900, str_from(answer), false);
    traffic_put(traffic, r,
                &(struct exchange_facts){
                    .kind          = KIND_REQUEST,
                    .outcome       = OUTCOME_OF_ANSWER,
                    .method        = STR("tools/call"),
                    .target        = str_from(tool),
                    .jsonrpc_id    = STR("7"),
                    .http_status   = 200,
                    .final         = true,
                    .duration_us   = duration_us,
                    .first_byte_us = 800,
                });
    return id;
}

#endif
