#include "base/buffer.h"
#include "base/log.h"

#include "test.h"

TEST(a_full_buffer_stays_as_it_was)
{
    struct buffer b = {.max = 8};

    assert_true(buffer_append(&b, STR("12345678")));
    assert_false(buffer_append(&b, STR("9")));
    assert_str(buffer_str(&b), "12345678");
    buffer_consume(&b, 4);
    assert_true(buffer_append(&b, STR("abcd")));
    assert_str(buffer_str(&b), "5678abcd");
    buffer_clear(&b);
}

TEST(json_text_is_escaped_and_broken_bytes_are_replaced)
{
    struct buffer b = {.max = KIB(4)};

    assert_true(buffer_append_json(&b, STR("a\"\\\n\x01\xC3\xA9\xFF")));
    assert_str(buffer_str(&b), "\"a\\\"\\\\\\n\\u0001\xC3\xA9\xEF\xBF\xBD\"");
    buffer_reset(&b);
    assert_true(buffer_append_json(&b, STR("\x7F\xC2\x9B\xC2\xA0")));
    assert_str(buffer_str(&b), "\"\\u007f\\u009b\xC2\xA0\"");
    buffer_clear(&b);
}

TEST(what_a_server_wrote_cannot_steer_a_terminal)
{
    struct buffer b = {.max = KIB(4)};

    assert_true(buffer_append_printable(&b, STR("a\x1b[31m\xE2\x80\xAE\xC2\x9B\nb\xFF"), true));
    assert_str(buffer_str(&b), "a\\x1b[31m\\u202e\\u009b\\nb\\xff");
    buffer_reset(&b);
    assert_true(buffer_append_printable(&b, STR("a\xE2\x80\x8B\xE2\x80\x8F\xD8\x9C\xC2\xAD\xF3\xA0\x84\x80z"), true));
    assert_str(buffer_str(&b), "a\\u200b\\u200f\\u061c\\u00ad\\ue0100z");
    buffer_clear(&b);
}
