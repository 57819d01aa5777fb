#include "base/clock.h"

#include <pthread.h>

static wall_time offset;

static mono_time
read_clock(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
take_offset(void)
{
    offset = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
}

mono_time
clock_mono(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

wall_time
clock_wall_of(mono_time t)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, take_offset);
    return t + offset;
}

wall_time
clock_wall(void)
{
    return clock_wall_of(clock_mono());
}

void
time_format_iso(wall_time t, char out[TIME_ISO_SIZE])
{
    time_t    seconds = (time_t)(t / 1000000);
    struct tm date;

    gmtime_r(&seconds, &date);
    size_t len = strftime(out, TIME_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &date);
    snprintf(out + len, TIME_ISO_SIZE - len, ".%03dZ", (int)(t / 1000 % 1000));
}

/* Takes exactly `digits` digits off the front. */
static bool
take_number(struct str *s, size_t digits, int *value)
{
    uint64_t number;

    if (s->len < digits || !str_to_u64(str_take(*s, digits), &number))
        return false;
    *value = (int)number;
    *s     = str_skip(*s, digits);
    return true;
}

static bool
take_char(struct str *s, char c)
{
    if (s->len == 0 || s->data[0] != c)
        return false;
    *s = str_skip(*s, 1);
    return true;
}

/* ".482" or nothing. */
static bool
take_fraction(struct str *s, int64_t *microseconds)
{
    int64_t unit = 100000;

    *microseconds = 0;
    if (!take_char(s, '.'))
        return true;
    if (s->len == 0 || s->data[0] < '0' || s->data[0] > '9')
        return false;
    for (; s->len > 0 && s->data[0] >= '0' && s->data[0] <= '9'; *s = str_skip(*s, 1), unit /= 10)
        *microseconds += unit * (s->data[0] - '0');
    return true;
}

/* "Z", "+01:00", or nothing (taken as UTC). */
static bool
take_zone(struct str *s, int64_t *seconds)
{
    int hours = 0, minutes = 0;

    *seconds = 0;
    if (s->len == 0 || take_char(s, 'Z') || take_char(s, 'z'))
        return s->len == 0;
    int sign = s->data[0] == '-' ? -1 : 1;
    if (!take_char(s, '+') && !take_char(s, '-'))
        return false;
    if (!take_number(s, 2, &hours) || (take_char(s, ':'), !take_number(s, 2, &minutes)) || s->len > 0)
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60;
}

bool
time_parse_iso(struct str s, wall_time *t)
{
    struct tm date     = {0};
    int64_t   fraction = 0, zone = 0;

    if (!take_number(&s, 4, &date.tm_year) || !take_char(&s, '-') || !take_number(&s, 2, &date.tm_mon) ||
        !take_char(&s, '-') || !take_number(&s, 2, &date.tm_mday))
        return false;
    if (s.len > 0) {
        if (!(take_char(&s, 'T') || take_char(&s, 't') || take_char(&s, ' ')) || !take_number(&s, 2, &date.tm_hour) ||
            !take_char(&s, ':') || !take_number(&s, 2, &date.tm_min))
            return false;
        if (take_char(&s, ':') && (!take_number(&s, 2, &date.tm_sec) || !take_fraction(&s, &fraction)))
            return false;
        if (!take_zone(&s, &zone))
            return false;
    }
    if (date.tm_mon < 1 || date.tm_mon > 12 || date.tm_mday < 1 || date.tm_mday > 31 || date.tm_hour > 23 ||
        date.tm_min > 59 || date.tm_sec > 60)
        return false;
    date.tm_year -= 1900;
    date.tm_mon -= 1;
    struct tm day = {.tm_year = date.tm_year, .tm_mon = date.tm_mon, .tm_mday = date.tm_mday};
    timegm(&day);
    if (day.tm_mday != date.tm_mday) /* 30 February is 1 March now */
        return false;
    *t = ((int64_t)timegm(&date) - zone) * 1000000 + fraction;
    return true;
}
