#include "mcp/log_level.h"

const char *const log_levels[LOG_LEVELS] = {"debug", "info",     "notice", "warning",
                                            "error", "critical", "alert",  "emergency"};

int
log_level_of(struct str word)
{
    for (int i = 0; i < LOG_LEVELS; i++)
        if (str_eq(word, str_from(log_levels[i])))
            return i;
    return -1;
}
