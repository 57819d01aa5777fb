#include "base/budget.h"

#include <assert.h>

#include "base/live.h"

bool
budget_take(struct budget *b, size_t bytes)
{
    if (b == NULL)
        return true;
    if (bytes > b->max || b->taken > b->max - bytes)
        return false;
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
