#include "base/file.h"
#include "cli/manual.h"
#include "cli_fixture.h"

/* `h->out` is the help of a command. */
static void
check_help(const struct home *h, const struct command *c)
{
    assert_said(h->out, c->text);
    assert_said(h->out, c->usage[0]);
    assert_non_null(c->examples[0].line);
    assert_said(h->out, c->examples[0].line);
    assert_said(h->out, "Exit codes");
    assert_true((c->run == NULL) == (c->commands != NULL));
    for (const struct option *o = c->options; o != NULL && o->name != NULL; o++)
        assert_said(h->out, o->text);
    for (const struct command *below = c->commands; below != NULL && below->name != NULL; below++)
        assert_said(h->out, below->text);
}

/* `group`: its word, NULL of all. */
static void
check_helps(struct home *h, const struct command *table, char *group)
{
    static char dashed[] = "--help", help[] = "help";

    for (const struct command *c = table; c->name != NULL; c++) {
        char word[32];
        snprintf(word, sizeof word, "%.*s", STR_ARG(command_word(c)));
        assert_int_equal(group == NULL ? run(h, word, dashed) : run(h, group, word, dashed), EXIT_DONE);
        check_help(h, c);
        assert_int_equal(group == NULL ? run(h, help, word) : run(h, help, group, word), EXIT_DONE);
        check_help(h, c);
        if (c->commands == NULL)
            continue;
        assert_int_equal(run(h, word), EXIT_DONE); /* a group says what is in it */
        check_help(h, c);
        check_helps(h, c->commands, word);
    }
}

TEST(every_command_has_help_with_an_example)
{
    struct home h;

    home_open(&h);
    check_helps(&h, commands, NULL);
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

static void
check_completion(const struct home *h, const struct command *table)
{
    for (const struct command *c = table; c->name != NULL; c++) {
        char word[32];
        snprintf(word, sizeof word, "%.*s", STR_ARG(command_word(c)));
        assert_said(h->out, word);
        for (const struct option *o = c->options; o != NULL && o->name != NULL; o++)
            assert_said(h->out, o->name);
        if (c->commands != NULL)
            check_completion(h, c->commands);
    }
}

TEST(completion_knows_every_command_and_option)
{
    static char shells[][8] = {"bash", "zsh", "fish"};
    struct home h;

    home_open(&h);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(run(&h, (char[]){"completion"}, shells[i]), EXIT_DONE);
        check_completion(&h, commands);
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
    assert_int_equal(run(&h, (char[]){"snapshots"}, (char[]){"lits"}), EXIT_TYPED_WRONG);
    assert_said(h.err, "there is no command \"snapshots lits\"; did you mean \"snapshots list\"?");
    assert_said(h.err, "gatehouse help snapshots");
    assert_int_equal(run(&h, (char[]){"help"}, (char[]){"snapshots"}, (char[]){"lits"}), EXIT_TYPED_WRONG);
    assert_said(h.err, "did you mean \"snapshots list\"?");
    assert_int_equal(run(&h, (char[]){"help"}, (char[]){"logs"}, (char[]){"x"}), EXIT_TYPED_WRONG);
    assert_int_equal(run(&h, (char[]){"snapshots"}, (char[]){"--json"}), EXIT_TYPED_WRONG);
    assert_int_equal(run(&h, (char[]){"--version"}), EXIT_DONE);
    assert_string_equal(h.out, "Gatehouse " GATEHOUSE_VERSION "\n");
    home_close(&h);
}
