#include "base/live.h"

size_t live_counts[LIVE_KINDS];

/* clang-format off */
const char *const live_names[LIVE_KINDS] = {
    [LIVE_EXCHANGES]      = "exchanges",
    [LIVE_HOPS]           = "hops",
    [LIVE_DELAYED]        = "delayed",
    [LIVE_API_JOBS]       = "apiJobs",
    [LIVE_VISITS]         = "visits",
    [LIVE_SESSIONS]       = "sessions",
    [LIVE_SERVICE_CALLS]  = "serviceCalls",
    [LIVE_LANES]          = "lanes",
    [LIVE_CHANNELS]       = "channels",
    [LIVE_CHANNEL_CALLS]  = "channelCalls",
    [LIVE_QUESTIONS]      = "questions",
    [LIVE_HELD_MESSAGES]  = "heldMessages",
    [LIVE_ANSWER_STREAMS] = "answerStreams",
    [LIVE_KEPT_EVENTS]    = "keptEvents",
    [LIVE_CHILDREN]       = "children",
    [LIVE_UPSTREAM_CALLS] = "upstreamCalls",
    [LIVE_TELLINGS]       = "tellings",
    [LIVE_CLIENT_CALLS]   = "clientCalls",
    [LIVE_MAILS]          = "mails",
    [LIVE_HTTP_CALLS]     = "httpCalls",
    [LIVE_DIALS]          = "dials",
    [LIVE_LOOKUPS]        = "lookups",
    [LIVE_WIRES]          = "wires",
    [LIVE_LINKS]          = "links",
    [LIVE_CONNECTIONS]    = "connections",
    [LIVE_POLLS]          = "polls",
    [LIVE_WORKER_JOBS]    = "workerJobs",
    [LIVE_PEERS]          = "peers",
    [LIVE_CALLERS]        = "callers",
    [LIVE_CROSSINGS]      = "crossings",
    [LIVE_HELD_TASKS]     = "heldTasks",
    [LIVE_FOLLOWERS]      = "followers",
    [LIVE_SERVERS]        = "servers",
    [LIVE_HELD_BYTES]     = "heldBytes",
};
/* clang-format on */
