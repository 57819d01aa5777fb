#include "test.h"

TEST(numbers_are_whole_or_refused)
{
    uint64_t n = 7;

    assert_true(str_to_u64(STR("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), &n));
    assert_false(str_to_u64(STR(""), &n));
    assert_false(str_to_u64(STR("+1"), &n));
    assert_false(str_to_u64(STR("1 "), &n));
}

TEST(case_is_folded_in_letters_only)
{
    char a[16] = "abcdefgh_ijklmn", b[16] = "abcdefgh_ijklmn";

    assert_true(str_eq_nocase(STR("MCP-Session-Id"), STR("mcp-session-id")));
    assert_false(str_eq_nocase(STR("mcp-session-id"), STR("mcp-session-ids")));
    for (size_t at = 0; at < 15; at += 7)
        for (int left = 0; left < 256; left++)
            for (int right = 0; right < 256; right++) {
                bool is_same =
                    left == right || ((left ^ right) == 0x20 && (left | 0x20) >= 'a' && (left | 0x20) <= 'z');
                a[at] = (char)left;
                b[at] = (char)right;
                assert_true(str_eq_nocase(str_of(a, 15), str_of(b, 15)) == is_same);
                a[at] = b[at] = 'x';
            }
}

TEST(numbers_are_written_whole)
{
    char digits[STR_DIGITS];

    assert_str(str_of_u64(digits, 0), "0");
    assert_str(str_of_u64(digits, 1070), "1070");
    assert_str(str_of_u64(digits, UINT64_MAX), "18446744073709551615");
}

TEST(cutting_gives_every_part_once)
{
    struct str rest = STR("a,,b");
    struct str part;

    assert_true(str_cut(&rest, ',', &part));
    assert_str(part, "a");
    assert_true(str_cut(&rest, ',', &part));
    assert_str(part, "");
    assert_true(str_cut(&rest, ',', &part));
    assert_str(part, "b");
    assert_false(str_cut(&rest, ',', &part));
}

TEST(utf8_is_checked_as_rfc_3629_says)
{
    assert_true(str_is_utf8(STR("plain text of more than eight bytes, \xC3\xA9 and \xF0\x9F\x98\x80")));
    assert_false(str_is_utf8(STR("\xC0\xAF")));         /* overlong */
    assert_false(str_is_utf8(STR("\xED\xA0\x80")));     /* surrogate */
    assert_false(str_is_utf8(STR("\xF4\x90\x80\x80"))); /* above U+10FFFF */
    assert_false(str_is_utf8(STR("abc\xE2\x82")));      /* cut off */
}

TEST(case_is_folded_for_ascii_only)
{
    assert_true(str_eq_nocase(STR("Content-Type"), STR("content-type")));
    assert_false(str_eq_nocase(STR("a"), STR("ab")));
    assert_int_equal(str_find_nocase(STR("text/HTML"), STR("html")), 5);
    assert_int_equal(str_find(STR("abc"), STR("d")), -1);
}

TEST(trim_and_bounds)
{
    assert_str(str_trim(STR(" \t a b\r\n")), "a b");
    assert_str(str_trim_front(STR(" \t a b\r\n")), "a b\r\n");
    assert_str(str_skip(STR("ab"), 5), "");
    assert_str(str_take(STR("ab"), 1), "a");
    assert_true(str_ends(STR("server.json"), STR(".json")));
}
