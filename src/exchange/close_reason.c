#include "exchange/close_reason.h"

/* clang-format off */
const struct close_info close_info[CLOSE_REASONS] = {
    [CLOSE_ANSWERED]       = {"answered",       "ok",          200, "answered"},
    [CLOSE_REFUSED]        = {"refused",        "refused",     403, "refused the request"},
    [CLOSE_UNREACHABLE]    = {"unreachable",    "unreachable", 502, "is down"},
    [CLOSE_TIMED_OUT]      = {"timed-out",      "timed_out",   504, "did not answer in time"},
    [CLOSE_CUT]            = {"closed",         "cut",         502, "ended before it had answered"},
    [CLOSE_MALFORMED]      = {"malformed",      "cut",         502, "sent an answer that is not MCP"},
    [CLOSE_TOO_LARGE]      = {"too-large",      "cut",         502, "sent a message over the limit"},
    [CLOSE_BUSY]           = {"busy",           "refused",     503, "has too much to do"},
    [CLOSE_CLIENT_LEFT]    = {"client-left",    "cancelled",   499, "was left by its client"},
    [CLOSE_CLIENT_STALLED] = {"client-stalled", "cancelled",   499, "was not read by its client"},
    [CLOSE_CANCELLED]      = {"cancelled",      "cancelled",   499, "was told to stop"},
    [CLOSE_SESSION_ENDED]  = {"session-ended",  "cut",         404, "ended the session"},
    [CLOSE_SHUTDOWN]       = {"shutdown",       "cut",         503, "is cut off: Gatehouse is shutting down"},
};
/* clang-format on */
