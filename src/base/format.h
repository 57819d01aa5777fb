/* src/base/format.h: numbers, times and texts as people read them: three digits that matter, a unit, local time; and
 * how wide a text is on a terminal. */
#ifndef GATEHOUSE_BASE_FORMAT_H
#define GATEHOUSE_BASE_FORMAT_H

#include "base/buffer.h"
#include "base/clock.h"

/* How long something took: "410 µs", "3.1 ms", "88 ms", "1.9 s", "2 min 5 s". Below 0: "-". */
bool format_took(struct buffer *out, int64_t us);
/* How long ago, or up: "12 s", "4 min", "3 h 12 min", "2 d 4 h". */
bool format_age(struct buffer *out, int64_t us);
/* "186 B", "3.1 kB", "14 MB"; powers of 1000. */
bool format_bytes(struct buffer *out, uint64_t bytes);
/* "1,284" */
bool format_count(struct buffer *out, uint64_t count);
/* "14:02:11.482" in local time; with its day before it unless that is the day of `now`. */
bool format_time(struct buffer *out, wall_time t, wall_time now);

/* A moment as people type it: "10m", "2h", "30s", "7d" before `now`; an ISO 8601 time; a date. */
bool parse_moment(struct str text, wall_time now, wall_time *t);

/* Columns that a text takes on a terminal: 2 for East Asian wide characters and emoji, 0 for combining ones. */
size_t text_width(struct str text);
/* At most `columns` wide, cut at its end or in its middle with "…". */
bool text_cut(struct buffer *out, struct str text, size_t columns);
bool text_shorten(struct buffer *out, struct str text, size_t columns);

#endif
