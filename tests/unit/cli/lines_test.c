#include "cli/lines.h"

#include <stdlib.h>

#include "test.h"

/* "-b +x": what went and came; lines that are alike as " a". */
static const char *
compare(const char *before, const char *after)
{
    static char   text[256];
    struct arena *a = arena_new(KIB(4), MIB(1));
    struct line  *lines;
    size_t        count, len = 0;

    text[0] = '\0';
    assert_non_null(a);
    assert_true(lines_compare(str_from(before), str_from(after), a, &lines, &count));
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%c%.*s", lines[i].sign, STR_ARG(lines[i].text));
    arena_free(a);
    return text;
}

TEST(what_went_and_what_came_stand_where_they_were)
{
    assert_string_equal(compare("a\nb\nc", "a\nx\nc"), " a-b+x c");
    assert_string_equal(compare("a\nb\nc\nd\ne", "b\nc\nx\ne"), "-a b c-d+x e");
    assert_string_equal(compare("a\nb", "a\nb"), " a b");
    assert_string_equal(compare("a\na", "a\na\na"), " a a+a");
    assert_string_equal(compare("", "a\nb"), "+a+b");
    assert_string_equal(compare("a\nb", ""), "-a-b");
    assert_string_equal(compare("", ""), "");
    assert_string_equal(compare("a\n\nb", "a\nb"), " a- b");
}

/* Two texts of 3000 lines, each other than all of the other's but one, which only a larger table would find. */
TEST(what_is_too_much_to_compare_went_and_came_whole)
{
    static char   before[40000], after[40000];
    struct arena *a   = arena_new(KIB(64), MIB(64));
    size_t        len = 0, len_after = 0, count, went = 0;
    struct line  *lines;

    for (int i = 0; i < 3000; i++) {
        len += (size_t)snprintf(before + len, sizeof before - len, "%s%d\n", i == 7 ? "same" : "b", i);
        len_after += (size_t)snprintf(after + len_after, sizeof after - len_after, "%s%d\n", i == 7 ? "same" : "a", i);
    }
    assert_non_null(a);
    assert_true(lines_compare(str_of(before, len), str_of(after, len_after), a, &lines, &count));
    assert_int_equal(count, 6000);
    for (size_t i = 0; i < count; i++)
        went += lines[i].sign == '-';
    assert_int_equal(went, 3000);
    arena_free(a);
}

TEST(without_memory_nothing_is_compared)
{
    static char   text[4000];
    struct arena *a = arena_new(KIB(1), KIB(2));
    struct line  *lines;
    size_t        count;

    memset(text, '\n', sizeof text);
    assert_non_null(a);
    assert_false(lines_compare(str_of(text, sizeof text), STR("x"), a, &lines, &count));
    arena_free(a);
}
