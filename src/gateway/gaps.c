#include "gateway/gaps.h"

#include "base/log.h"

void
gaps_look(struct gaps *g, struct traffic *traffic)
{
    struct traffic_stats stats;
    struct error         why = {0};

    if (traffic == NULL)
        return;
    traffic_stats(traffic, &stats);
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
