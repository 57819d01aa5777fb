#include "api/print.h"
#include "test.h"

TEST(commas_come_by_themselves)
{
    struct buffer text = {.max = 1000};
    struct print  p    = {.to = &text};

    print_open(&p, NULL, '{');
    print_open(&p, "empty", '[');
    print_close(&p, ']');
    print_open(&p, "list", '[');
    print_number(&p, NULL, -1);
    print_bool(&p, NULL, true);
    print_text(&p, NULL, STR("a\"b"));
    print_close(&p, ']');
    print_text_or_null(&p, "none", STR_NONE);
    print_id(&p, "id", UINT64_MAX);
    print_json(&p, "json", STR("{\"a\":1}"));
    print_close(&p, '}');
    assert_false(p.failed);
    assert_str(buffer_str(&text), "{\"empty\":[],\"list\":[-1,true,\"a\\\"b\"],\"none\":null,"
                                  "\"id\":\"18446744073709551615\",\"json\":{\"a\":1}}");
    buffer_clear(&text);
}

TEST(times_can_be_given_back_as_bounds)
{
    struct buffer text = {.max = 1000};
    struct print  p    = {.to = &text};
    wall_time     t, given = 1795269731482731;

    print_time(&p, NULL, given);
    assert_str(buffer_str(&text), "\"2026-11-21T14:02:11.482731Z\"");
    assert_true(time_parse_iso(str_take(str_skip(buffer_str(&text), 1), buffer_len(&text) - 2), &t));
    assert_int_equal(t, given);
    buffer_reset(&text);
    p.wants_comma = false;
    print_milliseconds(&p, NULL, 20149);
    assert_str(buffer_str(&text), "20.149");
    buffer_clear(&text);
}

TEST(what_does_not_fit_is_noticed_once_and_for_all)
{
    struct buffer text = {.max = 10};
    struct print  p    = {.to = &text};

    print_text(&p, NULL, STR("far too long for it"));
    assert_true(p.failed);
    print_number(&p, NULL, 1);
    assert_true(p.failed);
    assert_true(buffer_len(&text) <= 10);
    buffer_clear(&text);
}
