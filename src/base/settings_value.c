/* Sizes and durations as people write them. */
#include "base/settings.h"

struct unit {
    const char *name;
    uint64_t    factor;
};

/* The largest first; the first of each factor is the one that is printed. */
static const struct unit size_units[] = {
    {"TiB", 1ULL << 40}, {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}, {"", 1}, {0},
};
static const struct unit duration_units[] = {
    {"d", 86400000000ULL}, {"h", 3600000000ULL}, {"min", 60000000ULL}, {"m", 60000000ULL},
    {"s", 1000000ULL},     {"ms", 1000ULL},      {"us", 1ULL},         {0},
};

static bool
parse(const struct unit *units, struct str text, uint64_t *value)
{
    size_t   digits = 0;
    uint64_t number = 0;

    text = str_trim(text);
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    struct str name = str_trim(str_skip(text, digits));
    if (!str_to_u64(str_take(text, digits), &number))
        return false;
    for (const struct unit *unit = units; unit->name != NULL; unit++)
        if (str_eq_nocase(name, str_from(unit->name)))
            return !__builtin_mul_overflow(number, unit->factor, value);
    return false;
}

static bool
print(const struct unit *units, struct buffer *out, uint64_t value)
{
    const struct unit *unit = units;

    while (unit->factor > 1 && (value == 0 || value % unit->factor != 0))
        unit++;
    return buffer_printf(out, "%llu%s", (unsigned long long)(value / unit->factor), unit->name);
}

bool
size_parse(struct str text, uint64_t *bytes)
{
    return parse(size_units, text, bytes);
}

bool
size_print(struct buffer *out, uint64_t bytes)
{
    return print(size_units, out, bytes);
}

bool
duration_parse(struct str text, mono_time *duration)
{
    uint64_t microseconds = 0;

    if (str_eq(str_trim(text), STR("0"))) { /* the one number that needs no unit */
        *duration = 0;
        return true;
    }
    if (!parse(duration_units, text, &microseconds) || microseconds > INT64_MAX)
        return false;
    *duration = (mono_time)microseconds;
    return true;
}

bool
duration_print(struct buffer *out, mono_time duration)
{
    return duration == 0 ? buffer_append(out, STR("0s")) : print(duration_units, out, (uint64_t)duration);
}
