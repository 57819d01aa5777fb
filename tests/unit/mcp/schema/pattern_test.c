#include "mcp/schema/pattern.h"

#include "test.h"

/* What one pattern says of one text: '+' it matches, '-' it does not, '!' no such pattern, '?' given up. */
static char
says(struct str pattern, struct str text)
{
    struct arena          *a     = arena_new(KIB(4), MIB(4));
    struct pattern_runner *r     = pattern_runner_new();
    struct error           err   = {0};
    struct pattern        *p     = pattern_compile(a, pattern, &err);
    uint64_t               steps = 2000000;
    char                   said  = '!';

    if (p != NULL)
        said = "-+?x"[pattern_matches(p, text, r, &steps)];
    else
        assert_int_equal(err.code, ERROR_INVALID);
    pattern_runner_free(r);
    arena_free(a);
    return said;
}

TEST(patterns_mean_what_ecma_262_says)
{
    // clang-format off
    static const struct { const char *pattern, *text; char says; } table[] = {
        {"b", "abc", '+'},            {"^b", "abc", '-'},             {"", "", '+'},
        {"^.$", "\xF0\x9F\x98\x80", '+'}, {"^.$", "\n", '-'},         {"^.$", "\r", '-'},
        {"^.$", "\xE2\x80\xA8", '-'}, {"^.$", "\v", '+'},             {"a$", "a\n", '-'},
        {"^[^]$", "\n", '+'},         {"[]", "a", '-'},               {"^\\s$", "\xC2\xA0", '+'},
        {"^\\s$", "\xEF\xBB\xBF", '+'}, {"^[\\S]$", "\xC2\xA0", '-'}, {"^\\S$", "\xC3\xA9", '+'},
        {"^\\d$", "\xD9\xA1", '-'},   {"^\\w$", "\xC3\xA9", '-'},     {"^\\v$", "\v", '+'},
        {"^\\u0041\\x42$", "AB", '+'}, {"^\\u{1F600}$", "\xF0\x9F\x98\x80", '+'}, {"^\\ud83d\\ude00$", "\xF0\x9F\x98\x80", '+'},
        {"^\\p{Letter}\\P{Lu}$", "\xC3\x89\xC3\xA9", '+'},            {"^\\p{Script=Greek}+$", "\xCE\xB1\xCE\xB2", '+'},
        {"^(?<x>a|b)\\k<x>$", "bb", '+'}, {"(?<=a)b", "ab", '+'},     {"(?<!a)b", "ab", '-'},
        {"^[[:alpha:]$", ":", '+'}, {"^[[:alpha:]$", "z", '-'},   {"^\\cA\\0$", "\x01", '-'},
        {"^a{2,3}?$", "aaa", '+'},    {"^[a\\-z]$", "-", '+'},        {"\\/", "/", '+'},
        {"(?:a)|(b)\\1", "b", '-'},   {"^(?:(a)|b)\\1$", "b", '+'},
        /* what only PCRE2 knows, and what is no pattern */
        {"a++", "a", '!'},   {"(?>a)", "a", '!'},  {"(?R)", "", '!'},  {"(*ACCEPT)", "", '!'}, {"\\Aa", "a", '!'}, {"\\Qa", "a", '!'},
        {"(?i)a", "A", '!'}, {"(?#x)", "", '!'},   {"(?P<x>a)", "a", '!'}, {"a{", "a", '!'},   {"}", "}", '!'},    {"]", "]", '!'},
        {"(", "", '!'},      {"[a", "a", '!'},     {"[z-a]", "a", '!'}, {"*a", "a", '!'},      {"a**", "a", '!'},  {"\\", "", '!'},
        {"\\u12", "", '!'},  {"\\ud800", "", '!'}, {"\\01", "", '!'},  {"\\p{No_Such}", "", '!'}, {"{2}", "", '!'}, {"\\z", "z", '!'},
        {"^*", "", '!'},     {"\\k", "", '!'},     {"\\x{41}", "A", '!'}, {"((a{1,900}){1,900}){1,900}", "a", '!'},
    };
    // clang-format on

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char said = says(str_from(table[i].pattern), str_from(table[i].text));
        if (said != table[i].says)
            fail_msg("%s says %c of \"%s\", wanted %c", table[i].pattern, said, table[i].text, table[i].says);
    }
}

TEST(a_pattern_that_backtracks_without_end_is_given_up)
{
    assert_int_equal(says(STR("^(a+)+$"), STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")), '?');
    assert_int_equal(says(STR("(x+x+)+y"), STR("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")),
                     '-'); /* no y: seen at once */
}

TEST(a_large_text_costs_what_is_looked_at)
{
    size_t len  = MIB(1);
    char  *text = malloc(len);

    assert_non_null(text);
    memset(text, 'a', len);
    assert_int_equal(says(STR("\\w"), str_of(text, len)), '+');
    assert_int_equal(says(STR("^a*$"), str_of(text, len)), '+');
    assert_int_equal(says(STR("a*[bc]"), str_of(text, len)), '?'); /* a million times a million */
    free(text);
}

TEST(a_place_in_the_middle_of_a_character_is_none)
{
    char text[4 * 37 + 1] = "";

    for (int i = 0; i < 37; i++)
        memcpy(text + 4 * i, "\xF0\x9F\x98\x80", 4);
    assert_int_equal(says(STR("[^\\u{1F600}]"), str_from(text)), '-');
    text[4 * 37] = 'x';
    assert_int_equal(says(STR("x$"), str_of(text, sizeof text)), '+');
}
