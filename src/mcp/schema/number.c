#include "mcp/schema/number.h"

#include <assert.h>
#include <math.h>

#include "base/json.h"
#include "base/map.h"

__extension__ typedef unsigned __int128 wide;

enum { EXPONENT_MAX_DIGITS = 15 };

static unsigned
digit(const struct number *n, size_t at)
{
    at += n->first;
    return (unsigned)(n->text[at < n->point ? at : at + 1] - '0');
}

static int64_t
read_exponent(const char *text, const char *end)
{
    bool    negative = text < end && *text == '-';
    int64_t value    = 0;

    for (text += text < end && (*text == '-' || *text == '+'); text < end; text++)
        if (value < 100000000000000)
            value = value * 10 + (*text - '0');
    return negative ? -value : value;
}

static void
read_text(struct number *n, struct str text)
{
    const char *at = text.data, *end = text.data + text.len;

    *n = (struct number){.negative = at < end && *at == '-'};
    at += n->negative;
    n->text = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    n->point = n->count = (size_t)(at - n->text);
    if (at < end && *at == '.') {
        while (++at < end && *at >= '0' && *at <= '9')
            n->count++;
    }
    n->exponent = -(int64_t)(n->count - n->point);
    if (at < end && (*at == 'e' || *at == 'E'))
        n->exponent += read_exponent(at + 1, end);
    for (; n->count > 0 && digit(n, 0) == 0; n->count--)
        n->first++;
    for (; n->count > 0 && digit(n, n->count - 1) == 0; n->count--)
        n->exponent++;
    if (n->count == 0) {
        n->negative = false;
        n->exponent = 0;
    }
}

/* The shortest decimal that reads as `value`: "0.1", not "0.10000000000000001". */
static int
print_real(char own[32], double value)
{
    int len = 0;

    for (int digits = 15; digits <= 17; digits++) {
        len = snprintf(own, 32, "%.*e", digits - 1, value);
        if (strtod(own, NULL) == value)
            break;
    }
    return len;
}

void
number_read(struct number *n, yyjson_val *value)
{
    char own[32];
    int  len;

    if (yyjson_is_raw(value)) {
        read_text(n, json_raw(value));
        return;
    }
    if (yyjson_is_real(value))
        len = isfinite(yyjson_get_real(value)) ? print_real(own, yyjson_get_real(value)) : 0;
    else if (yyjson_is_sint(value))
        len = snprintf(own, sizeof own, "%lld", (long long)yyjson_get_sint(value));
    else
        len = snprintf(own, sizeof own, "%llu", (unsigned long long)yyjson_get_uint(value));
    read_text(n, str_of(own, (size_t)len));
    memcpy(n->own, own, sizeof own);
    n->text = n->own + (n->text - own);
}

int
number_compare(const struct number *a, const struct number *b)
{
    int sign = a->negative ? -1 : 1;

    if (a->negative != b->negative)
        return sign;
    if (a->count == 0 || b->count == 0)
        return a->count == b->count ? 0 : a->count > 0 ? sign : b->negative ? 1 : -1;
    int64_t a_size = a->exponent + (int64_t)a->count, b_size = b->exponent + (int64_t)b->count;
    if (a_size != b_size)
        return a_size > b_size ? sign : -sign;
    for (size_t i = 0; i < a->count || i < b->count; i++) {
        unsigned x = i < a->count ? digit(a, i) : 0, y = i < b->count ? digit(b, i) : 0;
        if (x != y)
            return x > y ? sign : -sign;
    }
    return 0;
}

bool
number_to_count(const struct number *n, uint64_t *count)
{
    wide value = 0;

    if (n->negative || !number_is_integer(n))
        return false;
    *count = UINT64_MAX;
    if (n->exponent > 20 || n->count > 20)
        return true;
    for (size_t i = 0; i < n->count; i++)
        value = value * 10 + digit(n, i);
    for (int64_t i = 0; i < n->exponent && value <= UINT64_MAX; i++)
        value *= 10;
    if (value <= UINT64_MAX)
        *count = (uint64_t)value;
    return true;
}

/* With a divisor of digits d x 10^e: more zeros behind d than the number has behind its own digits, and no multiple of
 * d can be it, for its last digit is not 0. Else what is left of the digits, and of the zeros behind them, is left. */
bool
number_is_multiple(const struct number *n, const struct number *divisor)
{
    uint64_t d = 0, left = 0;

    if (n->count == 0)
        return true;
    if (n->exponent < divisor->exponent)
        return false;
    for (size_t i = 0; i < divisor->count; i++)
        d = d * 10 + digit(divisor, i);
    assert(d > 0);
    for (size_t i = 0; i < n->count; i++)
        left = (uint64_t)(((wide)left * 10 + digit(n, i)) % d);
    wide power = 10 % d;
    for (uint64_t zeros = (uint64_t)(n->exponent - divisor->exponent); zeros > 0; zeros >>= 1) {
        if (zeros & 1)
            left = (uint64_t)(left * power % d);
        power = power * power % d;
    }
    return left == 0;
}

/* Counts down, and is false from the bound on. */
static bool
step(uint64_t *steps, uint64_t count)
{
    *steps = *steps > count ? *steps - count : 0;
    return *steps > 0;
}

/* Looks on from where it found the last: in the same order that is one step, else up to all. */
static yyjson_val *
next_of_name(yyjson_obj_iter *members, yyjson_val *key, uint64_t *steps)
{
    size_t      before = members->idx;
    yyjson_val *found  = yyjson_obj_iter_getn(members, yyjson_get_str(key), yyjson_get_len(key));

    return step(steps, members->idx == before + 1 ? 1 : 1 + members->max / 4) ? found : NULL;
}

static bool
objects_are_equal(yyjson_val *a, yyjson_val *b, uint64_t *steps, unsigned depth)
{
    yyjson_obj_iter a_members = yyjson_obj_iter_with(a), b_members = yyjson_obj_iter_with(b);
    yyjson_obj_iter in_a = a_members, in_b = b_members;
    yyjson_val     *key, *other;

    if (yyjson_obj_size(a) != yyjson_obj_size(b))
        return false;
    while ((key = yyjson_obj_iter_next(&a_members)) != NULL) {
        other = next_of_name(&in_b, key, steps);
        if (other == NULL || !values_are_equal(yyjson_obj_iter_get_val(key), other, steps, depth))
            return false;
    }
    while ((key = yyjson_obj_iter_next(&b_members)) != NULL) /* {"x": 1, "x": 1} is not {"x": 1, "y": 2} */
        if (next_of_name(&in_a, key, steps) == NULL)
            return false;
    return true;
}

static bool
arrays_are_equal(yyjson_val *a, yyjson_val *b, uint64_t *steps, unsigned depth)
{
    yyjson_arr_iter items = yyjson_arr_iter_with(a), others = yyjson_arr_iter_with(b);
    yyjson_val     *item;

    if (yyjson_arr_size(a) != yyjson_arr_size(b))
        return false;
    while ((item = yyjson_arr_iter_next(&items)) != NULL)
        if (!values_are_equal(item, yyjson_arr_iter_next(&others), steps, depth))
            return false;
    return true;
}

static bool
is_number(yyjson_val *value)
{
    return yyjson_is_num(value) || yyjson_is_raw(value);
}

bool
values_are_equal(yyjson_val *a, yyjson_val *b, uint64_t *steps, unsigned depth)
{
    if (!step(steps, 1))
        return false;
    if (is_number(a) && is_number(b)) {
        struct number x, y;
        number_read(&x, a);
        number_read(&y, b);
        return step(steps, (x.count + y.count) / 16) && number_compare(&x, &y) == 0;
    }
    if (yyjson_get_type(a) != yyjson_get_type(b))
        return false;
    if (depth == 0) {
        *steps = 0;
        return false;
    }
    switch (yyjson_get_type(a)) {
    case YYJSON_TYPE_STR:
        return step(steps, yyjson_get_len(a) / 64) && str_eq(json_str(a), json_str(b));
    case YYJSON_TYPE_BOOL:
        return yyjson_get_bool(a) == yyjson_get_bool(b);
    case YYJSON_TYPE_ARR:
        return arrays_are_equal(a, b, steps, depth - 1);
    case YYJSON_TYPE_OBJ:
        return objects_are_equal(a, b, steps, depth - 1);
    default:
        return true;
    }
}

static uint64_t
hash_two(uint64_t a, uint64_t b)
{
    uint64_t both[2] = {a, b};

    return hash_bytes(str_of((const char *)both, sizeof both));
}

static uint64_t
hash_number(yyjson_val *value)
{
    struct number n;
    char          digits[40];
    size_t        count = 0;

    number_read(&n, value);
    for (; count < n.count && count < sizeof digits; count++)
        digits[count] = (char)digit(&n, count);
    return hash_two(hash_bytes(str_of(digits, count)) + n.negative, (uint64_t)n.exponent);
}

uint64_t
value_hash(yyjson_val *value, uint64_t *steps, unsigned depth)
{
    yyjson_val *key, *item;
    size_t      at, max;
    uint64_t    hash = 0;

    if (!step(steps, 1 + (yyjson_is_ctn(value) ? 0 : yyjson_get_len(value) / 64)))
        return 0;
    if (is_number(value))
        return hash_number(value);
    if (yyjson_is_str(value))
        return hash_bytes(json_str(value));
    if (!yyjson_is_ctn(value))
        return hash_two(1, yyjson_get_tag(value));
    if (depth == 0) {
        *steps = 0;
        return 0;
    }
    if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, at, max, item) hash = hash_two(hash, value_hash(item, steps, depth - 1));
        return hash_two(2, hash);
    }
    yyjson_obj_foreach(value, at, max, key, item) /* in any order */
        hash += hash_two(value_hash(key, steps, 1), value_hash(item, steps, depth - 1));
    return hash_two(3, hash);
}
