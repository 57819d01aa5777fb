/* tests/unit/mcp/unheard.h: what a channel or an exchange tells, and nobody listens to. */
#ifndef GATEHOUSE_TESTS_UNIT_MCP_UNHEARD_H
#define GATEHOUSE_TESTS_UNIT_MCP_UNHEARD_H

#include "mcp/channel.h"

static inline void
unheard_ready(void *owner, struct channel *c, const struct envelope *answer)
{
    (void)owner, (void)c, (void)answer;
}

static inline void
unheard_line(void *owner, struct channel *c, struct str line)
{
    (void)owner, (void)c, (void)line;
}

static inline void
unheard_end(struct front *front, struct exchange *x, enum close_reason why, bool head_is_out)
{
    (void)front, (void)x, (void)why, (void)head_is_out;
}

#endif
