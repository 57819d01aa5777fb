#include "cli/call/line.h"

#include <stdlib.h>
#include <unistd.h>

#include "test.h"

static const struct command a_call = {.name = "call", .usage = {"call"}, .most_words = 64, .takes_rest = true};

struct typed {
    struct args      args;
    struct arena    *arena;
    struct call_line line;
    struct error     err;
    bool             ok;
};

static void
type_words(struct typed *t, FILE *in, const char *const *words)
{
    size_t count = 0;

    *t = (struct typed){.arena = arena_new(KIB(4), MIB(64))};
    while (words[count] != NULL)
        count++;
    assert_true(args_parse(&t->args, &a_call, count, (char *const *)(uintptr_t)words, &t->err));
    t->ok = call_line_read(&t->line, &t->args, in, t->arena, &t->err) && call_line_check(&t->line, &t->err);
}

#define type(t, ...) type_words((t), NULL, (const char *[]){__VA_ARGS__, NULL})

static void
forget(struct typed *t)
{
    args_clear(&t->args);
    arena_free(t->arena);
}

TEST(a_name_alone_looks_around)
{
    struct typed t;

    type(&t, "time");
    assert_true(t.ok);
    assert_int_equal(t.line.where, CALL_NAME);
    assert_str(t.line.target, "time");
    assert_int_equal(t.line.method.len, 0);
    forget(&t);
    type(&t, "HTTPS://example.com/mcp");
    assert_int_equal(t.line.where, CALL_URL);
    forget(&t);
    type(&t, "--", "node", "server.js");
    assert_int_equal(t.line.where, CALL_COMMAND);
    assert_int_equal(t.line.method.len, 0);
    forget(&t);
}

TEST(a_word_that_is_no_method_is_a_tool)
{
    struct typed t;

    type(&t, "time", "get_time", "zone=Europe/Paris", "a:=[1]", "url=http://x/?a=b");
    assert_true(t.ok);
    assert_true(t.line.is_tool);
    assert_str(t.line.method, "tools/call");
    assert_str(t.line.subject, "get_time");
    assert_int_equal(t.line.count, 3);
    assert_str(t.line.pairs[0].key, "zone");
    assert_str(t.line.pairs[0].text, "Europe/Paris");
    assert_false(t.line.pairs[0].is_raw);
    assert_str(t.line.pairs[1].key, "a");
    assert_true(t.line.pairs[1].is_raw);
    assert_str(t.line.pairs[2].text, "http://x/?a=b");
    forget(&t);
    type(&t, "time", "ping");
    assert_str(t.line.method, "ping");
    assert_false(t.line.is_tool);
    forget(&t);
    type(&t, "greet", "name=", "--", "node", "x=y", "-v");
    assert_true(t.ok);
    assert_str(t.line.subject, "greet");
    assert_int_equal(t.line.count, 1);
    assert_str(t.line.pairs[0].text, "");
    forget(&t);
}

TEST(a_method_may_be_followed_by_what_it_is_about)
{
    struct typed t;

    type(&t, "time", "tools/call", "ping", "x=1");
    assert_str(t.line.method, "tools/call");
    assert_str(t.line.subject, "ping");
    assert_false(t.line.is_tool);
    forget(&t);
    type(&t, "time", "resources/read", "file:///a");
    assert_str(t.line.subject, "file:///a");
    assert_string_equal(call_subject_key(t.line.method), "uri");
    forget(&t);
    type(&t, "time", "prompts/get", "who=Ada", "name=greet", "n=5");
    assert_str(t.line.subject, "greet");
    assert_int_equal(t.line.count, 2);
    assert_str(t.line.pairs[1].key, "n");
    forget(&t);
    type(&t, "time", "resources/read");
    assert_false(t.ok);
    assert_non_null(strstr(t.err.text, "resources/read needs uri="));
    forget(&t);
    type(&t, "time", "tools/list", "all");
    assert_false(t.ok);
    assert_non_null(strstr(t.err.text, "what is \"all\"?"));
    forget(&t);
    type(&t, "time", "get_time", "Paris");
    assert_false(t.ok);
    assert_non_null(strstr(t.err.text, "key=value"));
    forget(&t);
    assert_string_equal(call_nearest_method(STR("tools/cal")), "tools/call");
    assert_null(call_nearest_method(STR("x/y/zzzzzzz")));
}

TEST(what_is_no_call_is_said)
{
    static char  none[] = "zone=Paris";
    struct typed t;

    type_words(&t, NULL, (const char *[]){NULL});
    assert_false(t.ok);
    assert_non_null(strstr(t.err.text, "call whom?"));
    forget(&t);
    type(&t, "time", none);
    assert_non_null(strstr(t.err.text, "\"zone\" is for what?"));
    forget(&t);
    type(&t, "--");
    assert_non_null(strstr(t.err.text, "command is missing"));
    forget(&t);
    type(&t, "http://x/mcp", "--", "node");
    assert_non_null(strstr(t.err.text, "both are there"));
    forget(&t);
}

TEST(a_value_may_come_from_a_file_or_a_pipe)
{
    char         path[] = "/tmp/gatehouse-call-XXXXXX", word[64], piped[] = "from a pipe\n";
    int          fd = mkstemp(path);
    FILE        *in = fmemopen(piped, strlen(piped), "r");
    struct typed t;

    assert_int_equal(write(fd, "in a file", 9), 9);
    close(fd);
    snprintf(word, sizeof word, "text=@%s", path);
    type_words(&t, in, (const char *[]){"s", "t", word, "more=@-", "mail=@", NULL});
    assert_true(t.ok);
    assert_str(t.line.pairs[0].text, "in a file");
    assert_str(t.line.pairs[1].text, "from a pipe\n");
    assert_str(t.line.pairs[2].text, "@"); /* no name of a file */
    forget(&t);
    unlink(path);
    type_words(&t, in, (const char *[]){"s", "t", word, NULL});
    assert_false(t.ok);
    assert_int_equal(t.err.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(t.err.text, "text: "));
    forget(&t);
    fclose(in);
}
