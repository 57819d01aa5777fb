#include "base/file.h"
#include "cli/manual.h"
#include "cli_fixture.h"

TEST(every_command_has_help_with_an_example)
{
    struct home h;

    home_open(&h);
    for (const struct command *c = commands; c->name != NULL; c++) {
        char name[32];
        snprintf(name, sizeof name, "%s", c->name);
        assert_int_equal(run(&h, name, (char[]){"--help"}), EXIT_DONE);
        assert_said(h.out, c->text);
        assert_said(h.out, c->usage[0]);
        assert_non_null(c->examples[0].line);
        assert_said(h.out, c->examples[0].line);
        assert_said(h.out, "Exit codes");
        assert_non_null(c->run);
        for (const struct option *o = c->options; o != NULL && o->name != NULL; o++)
            assert_said(h.out, o->text);
    }
    home_close(&h);
}

TEST(the_page_is_what_the_table_says)
{
    struct buffer made = {.max = MIB(1)}, kept = {.max = MIB(1)};
    struct error  err = {0};
    char          path[512];

    snprintf(path, sizeof path, "%.*s../../../docs/cli.md", (int)(strrchr(__FILE__, '/') - __FILE__ + 1), __FILE__);
    assert_true(manual_print_markdown(&made));
    if (getenv("GATEHOUSE_WRITE_DOCS") != NULL)
        assert_true(file_replace(path, buffer_str(&made), 0644, &err));
    assert_true(file_read(path, &kept, &err));
    if (!str_eq(buffer_str(&made), buffer_str(&kept)))
        fail_msg("docs/cli.md is not what the table says: run this test with GATEHOUSE_WRITE_DOCS=1");
    buffer_clear(&made);
    buffer_clear(&kept);
}

TEST(completion_knows_every_command_and_option)
{
    static char shells[][8] = {"bash", "zsh", "fish"};
    struct home h;

    home_open(&h);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(run(&h, (char[]){"completion"}, shells[i]), EXIT_DONE);
        for (const struct command *c = commands; c->name != NULL; c++) {
            assert_said(h.out, c->name);
            for (const struct option *o = c->options; o != NULL && o->name != NULL; o++)
                assert_said(h.out, o->name);
        }
    }
    assert_int_equal(run(&h, (char[]){"completion"}, (char[]){"ksh"}), EXIT_TYPED_WRONG);
    home_close(&h);
}

TEST(a_misspelt_command_gets_the_nearest)
{
    struct home h;

    home_open(&h);
    assert_int_equal(run(&h, (char[]){"lgos"}), EXIT_TYPED_WRONG);
    assert_said(h.err, "did you mean \"logs\"?");
    assert_string_equal(h.out, "");
    assert_int_equal(run(&h, (char[]){"--version"}), EXIT_DONE);
    assert_string_equal(h.out, "Gatehouse " GATEHOUSE_VERSION "\n");
    home_close(&h);
}
