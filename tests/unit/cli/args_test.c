#include "cli/args.h"

#include "test.h"

static bool
parse(struct args *a, const char *command, char *const *words, struct error *err)
{
    size_t count = 0;

    while (words[count] != NULL)
        count++;
    *err = (struct error){0};
    return args_parse(a, command_find(commands, str_from(command)), count, words, err);
}

#define WORDS(...)                                                                                                     \
    (char *const[])                                                                                                    \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }

static char a_json[] = "--json", a_server[] = "--server", a_files[] = "files", a_limit[] = "--limit=5",
            a_text[] = "--text", a_word[] = "rain", a_name[] = "x", a_end[] = "--", a_npx[] = "npx", a_y[] = "-y",
            a_wrong[] = "--sever", a_port[] = "--port", a_zero[] = "0", a_drain[] = "--drain", a_color[] = "--color",
            a_pink[] = "pink", a_id[] = "123";

TEST(options_and_words_come_in_any_order)
{
    struct args  a;
    struct error err;
    struct str   value;

    assert_true(
        parse(&a, "logs", WORDS(a_json, a_id, a_server, a_files, a_limit, a_text, a_word, a_text, a_name), &err));
    assert_true(args_has(&a, "json"));
    assert_false(args_has(&a, "errors"));
    assert_str(args_value(&a, "server"), "files");
    assert_str(args_value(&a, "limit"), "5");
    assert_int_equal(args_count(&a, "text"), 2);
    assert_true(args_each(&a, "text", 1, &value));
    assert_str(value, "x");
    assert_false(args_each(&a, "text", 2, &value));
    assert_int_equal(a.word_count, 1);
    assert_string_equal(a.words[0], "123");
    args_clear(&a);
}

TEST(what_stands_behind_two_dashes_is_left_alone)
{
    struct args  a;
    struct error err;

    assert_true(parse(&a, "add", WORDS(a_files, a_end, a_npx, a_y, a_json), &err));
    assert_int_equal(a.rest_count, 3);
    assert_string_equal(a.rest[1], "-y");
    assert_int_equal(a.given_count, 0);
    args_clear(&a);
    assert_false(parse(&a, "add", WORDS(a_files, a_npx, a_y), &err));
    assert_non_null(strstr(err.text, "put --"));
}

TEST(what_is_typed_wrong_is_answered_with_what_was_meant)
{
    struct args  a;
    struct error err;

    assert_false(parse(&a, "logs", WORDS(a_wrong, a_files), &err));
    assert_non_null(strstr(err.text, "did you mean --server?"));
    assert_false(parse(&a, "logs", WORDS(a_server), &err));
    assert_string_equal(err.text, "--server needs NAME");
    assert_false(parse(&a, "logs", WORDS(a_server, a_files, a_server, a_name), &err));
    assert_string_equal(err.text, "--server is there twice");
    assert_false(parse(&a, "logs", WORDS(a_color, a_pink), &err));
    assert_string_equal(err.text, "--color is auto, always or never, not \"pink\"");
    assert_false(parse(&a, "list", WORDS(a_files), &err));
    assert_false(parse(&a, "remove", WORDS(a_files, a_name), &err));
}

TEST(serve_takes_every_setting)
{
    struct args  a;
    struct error err;

    assert_true(parse(&a, "serve", WORDS(a_port, a_zero, a_drain, a_name), &err));
    assert_true(a.given[0].is_setting && a.given[1].is_setting);
    args_clear(&a);
    assert_false(parse(&a, "list", WORDS(a_port, a_zero), &err));
}
