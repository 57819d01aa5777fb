/* bench/histogram.h: how long calls took, in nanoseconds, to within 1.6 %, in constant room. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 64 /* of each power of two */

struct histogram {
    uint64_t count, max;
    uint64_t at[HISTOGRAM_STEPS * 42]; /* up to 2^47 ns, a day and a half */
};

void     histogram_add(struct histogram *h, uint64_t ns);
uint64_t histogram_share(const struct histogram *h, double share); /* 0.99: so many took this long or less */

#endif
