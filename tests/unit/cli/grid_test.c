#include "cli/grid.h"

#include "base/format.h"
#include "test.h"

static const struct grid_column columns[] = {
    {"NAME"},
    {"CALLS", .right = true, .drop = 1},
    {"TARGET", .shorten = SHORTEN_MIDDLE, .least = 8},
};

static void
fill(struct grid *g)
{
    grid_add(g, STYLE_PLAIN, STR("files"));
    grid_add(g, STYLE_PLAIN, STR("1,284"));
    grid_add(g, STYLE_PLAIN, STR("npx -y server-filesystem"));
    grid_add(g, STYLE_RED, STR("w"));
    grid_add(g, STYLE_PLAIN, STR("-"));
    grid_add(g, STYLE_PLAIN, STR("http://h/"));
}

TEST(text_stands_left_numbers_right_and_nothing_ends_in_spaces)
{
    struct grid   g;
    struct buffer b = {.max = KIB(4)};

    grid_init(&g, columns, 3, 0, false);
    fill(&g);
    assert_true(grid_print(&g, &b));
    assert_str(buffer_str(&b), "NAME   CALLS  TARGET\n"
                               "files  1,284  npx -y server-filesystem\n"
                               "w          -  http://h/\n");
    grid_clear(&g);
    buffer_clear(&b);
}

TEST(a_narrow_terminal_shortens_and_then_drops)
{
    struct buffer b = {.max = KIB(4)};

    for (unsigned fit = 15; fit < 60; fit++) {
        struct grid g;
        grid_init(&g, columns, 3, fit, false);
        fill(&g);
        buffer_reset(&b);
        assert_true(grid_print(&g, &b));
        struct str rest = buffer_str(&b), line;
        while (str_cut(&rest, '\n', &line))
            assert_true(text_width(line) <= fit);
        assert_true(str_find(buffer_str(&b), STR("NAME")) == 0);
        assert_int_equal(str_find(buffer_str(&b), STR("CALLS")) < 0, fit < 22);
        grid_clear(&g);
    }
    buffer_clear(&b);
}

TEST(what_a_server_wrote_does_not_reach_the_terminal_as_it_is)
{
    struct grid   g;
    struct buffer b = {.max = KIB(4)};

    grid_init(&g, columns, 3, 0, true);
    grid_add(&g, STYLE_RED, STR("a\033[31mb\nc"));
    grid_add(&g, STYLE_PLAIN, STR_NONE);
    grid_add(&g, STYLE_PLAIN, STR("x"));
    assert_true(grid_print(&g, &b));
    assert_true(str_find(buffer_str(&b), STR("a\\x1b[31mb\\x0ac")) > 0 ||
                str_find(buffer_str(&b), STR("a\\x1b[31mb\\nc")) > 0);
    assert_true(str_find(buffer_str(&b), STR("\033[31ma")) > 0); /* our own colour */
    grid_clear(&g);
    buffer_clear(&b);
}

TEST(later_rows_stand_under_the_first)
{
    struct grid   g;
    struct buffer b = {.max = KIB(4)};

    grid_init(&g, columns, 3, 0, false);
    fill(&g);
    assert_true(grid_print(&g, &b));
    buffer_reset(&b);
    grid_add(&g, STYLE_PLAIN, STR("x"));
    grid_add(&g, STYLE_PLAIN, STR("1"));
    grid_add(&g, STYLE_PLAIN, STR("y"));
    assert_true(grid_print(&g, &b));
    assert_str(buffer_str(&b), "x          1  y\n");
    grid_clear(&g);
    buffer_clear(&b);
}
