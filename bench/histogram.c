#include "histogram.h"

#include <stddef.h>

#define PLACES (sizeof((struct histogram *)NULL)->at / sizeof(uint64_t))

/* Below 64 each value has a place of its own; above, the six bits after the highest one choose it. */
static size_t
place_of(uint64_t ns)
{
    if (ns < HISTOGRAM_STEPS)
        return (size_t)ns;

    unsigned shift = (unsigned)(63 - __builtin_clzll(ns)) - 6;
    size_t   place = (size_t)(shift + 1) * HISTOGRAM_STEPS + (size_t)((ns >> shift) - HISTOGRAM_STEPS);
    return place < PLACES ? place : PLACES - 1;
}

static uint64_t
value_of(size_t place)
{
    if (place < HISTOGRAM_STEPS)
        return place;

    unsigned shift = (unsigned)(place / HISTOGRAM_STEPS) - 1;
    return ((uint64_t)(place % HISTOGRAM_STEPS) + HISTOGRAM_STEPS) << shift;
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
    h->at[place_of(ns)]++;
    h->count++;
    if (ns > h->max)
        h->max = ns;
}

uint64_t
histogram_share(const struct histogram *h, double share)
{
    uint64_t wanted = (uint64_t)((double)h->count * share), seen = 0;

    for (size_t i = 0; i < PLACES; i++) {
        seen += h->at[i];
        if (seen > wanted)
            return value_of(i);
    }
    return h->max;
}
