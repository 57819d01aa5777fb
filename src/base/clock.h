/* src/base/clock.h: the one clock. Microseconds everywhere inside.
 *
 * mono_time counts from an unknown start and never steps; wall_time is UTC since 1970. Inside a process the wall clock
 * is the monotonic one plus a fixed offset taken at start, so that it never steps back either. */
#ifndef GATEHOUSE_BASE_CLOCK_H
#define GATEHOUSE_BASE_CLOCK_H

#include "base/str.h"

typedef int64_t mono_time;
typedef int64_t wall_time;

#define MILLISECONDS(n) ((mono_time)(n)*1000)
#define SECONDS(n)      ((mono_time)(n)*1000000)
#define MINUTES(n)      ((mono_time)(n)*60000000)

mono_time clock_mono(void);
wall_time clock_wall(void);
wall_time clock_wall_of(mono_time t);

static inline mono_time
time_max(mono_time a, mono_time b)
{
    return a > b ? a : b;
}

/* "2026-11-21T14:02:11.482Z" into `out`, NUL-terminated. */
enum { TIME_ISO_SIZE = 32 };
void time_format_iso(wall_time t, char out[TIME_ISO_SIZE]);
/* RFC 3339, or the date alone (midnight UTC). False when it is neither. */
bool time_parse_iso(struct str s, wall_time *t);

#endif
