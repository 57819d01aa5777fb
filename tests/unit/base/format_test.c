#include "base/format.h"

#include "test.h"

static const char *
took(int64_t us)
{
    static char   text[64];
    struct buffer b = {.max = 64};

    format_took(&b, us);
    snprintf(text, sizeof text, "%.*s", STR_ARG(buffer_str(&b)));
    buffer_clear(&b);
    return text;
}

static const char *
print(bool (*format)(struct buffer *, uint64_t), uint64_t value)
{
    static char   text[64];
    struct buffer b = {.max = 64};

    format(&b, value);
    snprintf(text, sizeof text, "%.*s", STR_ARG(buffer_str(&b)));
    buffer_clear(&b);
    return text;
}

TEST(durations_have_a_unit_and_the_digits_that_matter)
{
    assert_string_equal(took(-1), "-");
    assert_string_equal(took(0), "0 µs");
    assert_string_equal(took(999), "999 µs");
    assert_string_equal(took(1000), "1 ms");
    assert_string_equal(took(3140), "3.1 ms");
    assert_string_equal(took(9960), "10 ms");
    assert_string_equal(took(88400), "88 ms");
    assert_string_equal(took(1900000), "1.9 s");
    assert_string_equal(took(59400000), "59 s");
    assert_string_equal(took(125000000), "2 min 5 s");
    assert_string_equal(took(11520000000), "3 h 12 min");
}

TEST(sizes_and_counts_are_grouped)
{
    assert_string_equal(print(format_bytes, 186), "186 B");
    assert_string_equal(print(format_bytes, 1000), "1 kB");
    assert_string_equal(print(format_bytes, 3140000), "3.1 MB");
    assert_string_equal(print(format_bytes, 999999), "1 MB");
    assert_string_equal(print(format_bytes, 14000000), "14 MB");
    assert_string_equal(print(format_bytes, UINT64_MAX), "18447 PB");
    assert_string_equal(print(format_count, 7), "7");
    assert_string_equal(print(format_count, 1284), "1,284");
    assert_string_equal(print(format_count, 1000000), "1,000,000");
}

TEST(a_moment_is_an_age_or_a_time)
{
    wall_time now, t;

    assert_true(time_parse_iso(STR("2026-11-21T14:00:00Z"), &now));
    assert_true(parse_moment(STR("10m"), now, &t));
    assert_int_equal(now - t, MINUTES(10));
    assert_true(parse_moment(STR("2h"), now, &t));
    assert_int_equal(now - t, MINUTES(120));
    assert_true(parse_moment(STR("2026-11-21"), now, &t));
    assert_int_equal(now - t, MINUTES(14 * 60));
    assert_false(parse_moment(STR("yesterday"), now, &t));
    assert_false(parse_moment(STR("m"), now, &t));
    assert_false(parse_moment(STR(""), now, &t));
}

TEST(width_is_what_a_terminal_shows)
{
    assert_int_equal(text_width(STR("abc")), 3);
    assert_int_equal(text_width(STR("天気")), 4);
    assert_int_equal(text_width(STR("e\xcc\x81")), 1);
    assert_int_equal(text_width(STR("→✗")), 2);
    assert_int_equal(text_width(STR("🙂")), 2);
    assert_int_equal(text_width(STR("\xe5")), 1); /* cut off within a character */
}

TEST(texts_are_cut_at_the_end_or_in_the_middle)
{
    struct buffer b = {.max = 256};

    text_shorten(&b, STR("npx -y @modelcontextprotocol/server-filesystem"), 20);
    assert_str(buffer_str(&b), "npx -y @mo…ilesystem");
    assert_int_equal(text_width(buffer_str(&b)), 20);
    buffer_reset(&b);
    text_cut(&b, STR("forecast"), 5);
    assert_str(buffer_str(&b), "fore…");
    buffer_reset(&b);
    text_shorten(&b, STR("天気天気天気天気"), 8);
    assert_true(text_width(buffer_str(&b)) <= 8);
    buffer_reset(&b);
    text_cut(&b, STR("fits"), 4);
    assert_str(buffer_str(&b), "fits");
    buffer_clear(&b);
}
