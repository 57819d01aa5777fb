#include "gateway/gaps.h"

#include "base/log.h"

/* Bodies that memory.max had no room for. Once for a run of them: it is over when a second brought none. */
static void
tell_missing(struct gaps *g, uint64_t missing)
{
    bool is_more = missing != g->missing;

    if (is_more && !g->is_missing)
        log_line(LOG_WARN, "messages are recorded cut: memory.max is spent. Their begin is kept, what is missing is "
                           "marked in the log");
    else if (!is_more && g->is_missing)
        log_line(LOG_WARN, "messages are recorded whole again; %llu bytes were not kept",
                 (unsigned long long)(missing - g->missing_before));
    if (!is_more)
        g->missing_before = missing;
    g->is_missing = is_more;
    g->missing    = missing;
}

void
gaps_look(struct gaps *g, struct traffic *traffic)
{
    struct traffic_stats stats;
    struct error         why = {0};

    if (traffic == NULL)
        return;
    traffic_stats(traffic, &stats);
    tell_missing(g, stats.missing_bytes);
    bool is_wrong = stats.full || stats.failing;
    if (is_wrong && !g->is_told)
        log_line(LOG_WARN,
                 "the record fails: %s; calls %s. Make room on the disk of the home, or: gatehouse logs --clear",
                 traffic_failure(traffic, &why) ? why.text : "less than 64 MiB are free on the disk",
                 traffic_refuses(traffic) ? "are refused (capture.on_full: refuse)"
                                          : "pass unrecorded (capture.on_full: pass)");
    else if (!is_wrong && g->is_told)
        log_line(LOG_WARN, "calls are recorded again; %llu were not", (unsigned long long)(stats.lost - g->lost));
    g->is_told = is_wrong;
    if (!is_wrong)
        g->lost = stats.lost;
}
