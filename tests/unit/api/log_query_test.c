#include "api/log_query.h"
#include "test.h"

static struct arena *arena;

static struct log_query *
ask(const char *query)
{
    struct error      err = {0};
    struct log_query *q;

    arena_free(arena);
    arena = arena_new(4096, MIB(1));
    q     = log_query_read(str_from(query), arena, &err);
    if (q == NULL)
        fail_msg("%s: %s", query, err.text);
    return q;
}

static void
refused(const char *query, const char *words)
{
    struct error err = {0};

    arena_free(arena);
    arena = arena_new(4096, MIB(1));
    assert_null(log_query_read(str_from(query), arena, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    if (strstr(err.text, words) == NULL)
        fail_msg("%s: said \"%s\"", query, err.text);
}

TEST(without_parameters_the_newest_hundred)
{
    struct log_query *q = ask("");

    assert_int_equal(q->limit, 100);
    assert_false(q->query.ascending);
    assert_int_equal(q->query.server.count + q->query.word_count + q->cursor, 0);
    q = ask("&&limit=7&");
    assert_int_equal(q->limit, 7);
}

TEST(prefixes_choose_how_to_match)
{
    struct log_query *q = ask("server=a+b&server=contains:c%20d&server=is:e&server=like:f&method=call&method=is:ping");

    assert_int_equal(q->query.server.count, 4);
    assert_str(q->query.server.items[0].text, "a b");
    assert_false(q->query.server.items[0].contains);
    assert_str(q->query.server.items[1].text, "c d");
    assert_true(q->query.server.items[1].contains);
    assert_str(q->query.server.items[2].text, "e");
    assert_str(q->query.server.items[3].text, "like:f");
    assert_true(q->query.method.items[0].contains);
    assert_false(q->query.method.items[1].contains);
}

TEST(texts_are_words_or_parts)
{
    struct log_query *q = ask("q=rain+oslo&q=contains:a%22b&q=%C3%B8l");

    assert_int_equal(q->query.word_count, 2);
    assert_str(q->query.words[0], "rain oslo");
    assert_str(q->query.words[1], "øl");
    assert_str(q->query.contains[0], "a\"b");
}

TEST(durations_are_milliseconds)
{
    struct log_query    *q = ask("durationGt=1.5&durationLte=250");
    struct exchange_view x = {.duration_us = 5999};

    assert_int_equal(q->query.duration_us.items[0].value, 1500);
    assert_int_equal(q->query.duration_us.items[1].value, 250000);
    q = ask("durationEq=5&durationEq=7.25");
    assert_int_equal(q->query.duration_us.items[0].value, 5000);
    assert_int_equal(q->query.duration_us.items[1].value, 7260);
    assert_true(log_query_wants(q, &x));
    x.duration_us = 6000;
    assert_false(log_query_wants(q, &x));
    x.duration_us = 7259;
    assert_true(log_query_wants(q, &x));
    refused("durationEq=-1", "milliseconds");
    refused("durationGt=1.", "milliseconds");
    refused("durationGt=1.2345", "milliseconds");
    refused("durationGt=99999999999999999999", "milliseconds");
    refused("durationGt=", "milliseconds");
}

TEST(times_bound_and_must_be_in_order)
{
    struct log_query *q = ask("after=2026-11-21&before=2026-11-21T14:02:11.482731%2B01:00");

    assert_int_equal(q->query.before, 1795266131482731);
    refused("after=2026-11-22&before=2026-11-21", "earlier");
    refused("after=yesterday", "must be a time");
    refused("before=1960-01-01", "must be a time");
}

TEST(a_cursor_begins_with_its_exchange)
{
    struct log_query *q = ask("cursor=1000-3");

    assert_int_equal(q->query.before_id, 1001);
    assert_int_equal(q->skip, 3);
    q = ask("order=asc&cursor=1000");
    assert_int_equal(q->query.after_id, 999);
    assert_int_equal(q->query.before_id, 0);
    refused("cursor=0", "nextCursor");
    refused("cursor=1-", "nextCursor");
    refused("cursor=-1", "nextCursor");
    refused("cursor=99999999999999999999", "nextCursor");
}

/* `text` so many times, behind each other. */
static void
refused_repeat(const char *text, int times, const char *words)
{
    struct buffer query = {.max = MIB(1)};

    for (int i = 0; i < times; i++)
        buffer_append(&query, str_from(text));
    buffer_append_char(&query, '\0');
    refused(query.data, words);
    buffer_clear(&query);
}

TEST(what_is_not_understood_is_refused)
{

    refused("limit=0", "1 to 1000");
    refused("limit=1001", "1 to 1000");
    refused("limit=ten", "1 to 1000");
    refused("order=up", "asc or desc");
    refused("errors=1", "true or false");
    refused("tokensEq=-1", "tokens");
    refused("sever=x", "did you mean \"server\"");
    refused("zzzzzzzzzzz=1", "docs/api.md");
    refused("server=", "needs a value");
    refused("server=contains:", "needs a value");
    refused("q=", "needs a value");
    refused("server=%", "%25");
    refused("server=%4", "%25");
    refused("server=%zz", "%25");
    refused("server=%00", "NUL");
    refused("server=%ff", "UTF-8");
    refused_repeat("server=x&", 65, "at most 64 times");
    refused_repeat("q=x&", 33, "at most 32 times");
    refused_repeat("limit=1&", 600, "at most 512");
    refused_repeat("server=xxxxxxxxxxxxxxxxxxxxxxxx", 50, "at most 1024 bytes");
    arena_free(arena);
    arena = NULL;
}
