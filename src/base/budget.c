#include "base/budget.h"

#include <assert.h>

#include "base/live.h"

static bool
has_room(const struct budget *b, size_t bytes)
{
    return bytes <= b->max && b->taken <= b->max - bytes;
}

bool
budget_has(const struct budget *b, size_t bytes)
{
    if (b == NULL)
        return true;
    if (!has_room(b, bytes) && b->settle != NULL)
        b->settle(b->settle_arg);
    return has_room(b, bytes);
}

bool
budget_take(struct budget *b, size_t bytes)
{
    if (!budget_has(b, bytes))
        return false;
    if (b == NULL)
        return true;
    b->taken += bytes;
    live_counts[LIVE_HELD_BYTES] += bytes;
    return true;
}

void
budget_give(struct budget *b, size_t bytes)
{
    if (b == NULL)
        return;
    assert(bytes <= b->taken);
    b->taken -= bytes;
    live_counts[LIVE_HELD_BYTES] -= bytes;
}
