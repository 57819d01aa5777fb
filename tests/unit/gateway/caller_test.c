#include "base/live.h"
#include "gateway/caller.h"
#include "test.h"

static struct callers all;

/* Of "name: value" lines. */
static struct caller *
find(const char *lines)
{
    struct http_header  items[100];
    struct http_headers headers = {.items = items};
    struct str          rest    = str_from(lines), line, name;
    struct caller      *c;
    struct error        err = {0};

    while (rest.len > 0 && headers.count < 100) {
        str_cut(&rest, '\n', &line);
        str_cut(&line, ':', &name);
        items[headers.count++] = (struct http_header){name, str_trim(line)};
    }
    if (!caller_find(&all, &headers, STR("of-the-house"), &c, &err))
        fail_msg("%s", err.text);
    return c;
}

static void
assert_other(const char *lines, const char *others)
{
    struct caller *a = find(lines), *b = find(others);

    assert_ptr_not_equal(a, b);
    assert_true(caller_number(a) != caller_number(b));
    caller_unref(a);
    caller_unref(b);
}

static void
assert_same(const char *lines, const char *others)
{
    struct caller *a = find(lines), *b = find(others);

    assert_ptr_equal(a, b);
    caller_unref(a);
    caller_unref(b);
}

TEST(who_sends_other_fields_is_another_and_who_sends_none_is_nobody)
{
    callers_init(&all);
    assert_null(find(""));
    assert_int_equal(caller_number(NULL), 0);
    assert_other("Authorization: Bearer a", "");
    assert_other("Authorization: Bearer a", "Authorization: Bearer b");
    assert_other("Authorization: Bearer a", "Authorization: Bearer aa");
    assert_other("Authorization: Bearer a", "X-Api-Key: Bearer a");
    assert_other("Authorization: Bearer a", "Authorization: Bearer a\nX-Tenant: t");
    assert_other("Authorization: Bearer a\nX-Tenant: t", "Authorization: Bearer a\nX-Tenant: u");
    assert_other("X-A: b\nX-C: d", "X-A: b X-C: d");
    assert_same("Authorization: Bearer a", "Authorization: Bearer a");
    assert_int_equal(live_counts[LIVE_CALLERS], 0);
    callers_clear(&all);
}

TEST(what_is_of_a_message_a_program_or_the_connection_makes_nobody_another)
{
    static const char *const others[] = {"Content-Type: a/b",        "Accept-Language: de",
                                         "User-Agent: u/1",          "Traceparent: 00-1-2-01",
                                         "Mcp-Session-Id: s",        "mcp-protocol-version: 2",
                                         "Mcp-Param-Key: a",         "Last-Event-ID: 1",
                                         "X-B3-TraceId: 1",          "Host: h",
                                         "Content-Length: 1",        "Cookie: a=b",
                                         "Origin: http://a",         "Sec-Fetch-Mode: no",
                                         "X-Forwarded-For: 1.2.3.4", "Connection: X-Odd\nX-Odd: 1"};

    callers_init(&all);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char both[200];
        snprintf(both, sizeof both, "Authorization: Bearer a\n%s", others[i]);
        assert_null(find(others[i]));
        assert_same("Authorization: Bearer a", both);
    }
    callers_clear(&all);
}

TEST(the_token_of_the_house_is_nobodys)
{
    callers_init(&all);
    assert_null(find("Authorization: Bearer of-the-house"));
    assert_same("X-Key: k", "authorization: of-the-house\nX-Key: k");
    callers_clear(&all);
}

TEST(there_is_one_copy_until_the_last_lets_go_and_no_number_comes_again)
{
    callers_init(&all);
    struct caller *a = find("Authorization: Bearer a\nX-Key: k"), *b = find("Authorization: Bearer a\nX-Key: k");
    uint64_t       number = caller_number(a);

    assert_int_equal(live_counts[LIVE_CALLERS], 1);
    caller_unref(a);
    struct http_headers fields = caller_fields(b);
    assert_int_equal(fields.count, 2);
    assert_str(http_header(&fields, STR("authorization")), "Bearer a");
    assert_str(http_header(&fields, STR("x-key")), "k");
    caller_unref(caller_ref(b));
    caller_unref(b);
    assert_int_equal(live_counts[LIVE_CALLERS], 0);
    a = find("Authorization: Bearer a\nX-Key: k");
    assert_true(caller_number(a) > number);
    caller_unref(a);
    caller_unref(NULL);
    assert_int_equal(caller_fields(NULL).count, 0);
    callers_clear(&all);
}

TEST(too_many_fields_or_too_large_ones_are_refused)
{
    static char        value[CALLER_BYTES_MAX];
    struct http_header items[CALLER_FIELDS_MAX + 1];
    struct caller     *c;
    struct error       err = {0};

    callers_init(&all);
    for (size_t i = 0; i <= CALLER_FIELDS_MAX; i++)
        items[i] = (struct http_header){STR("X-A"), STR("b")};
    assert_false(caller_find(&all, &(struct http_headers){items, CALLER_FIELDS_MAX + 1}, STR_NONE, &c, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    assert_true(caller_find(&all, &(struct http_headers){items, CALLER_FIELDS_MAX}, STR_NONE, &c, &err));
    caller_unref(c);
    memset(value, 'v', sizeof value);
    items[0].value = str_of(value, sizeof value - 5); /* with the name and two zeros */
    assert_true(caller_find(&all, &(struct http_headers){items, 1}, STR_NONE, &c, &err));
    caller_unref(c);
    items[0].value = str_of(value, sizeof value - 4);
    assert_false(caller_find(&all, &(struct http_headers){items, 1}, STR_NONE, &c, &err));
    assert_int_equal(live_counts[LIVE_CALLERS], 0);
    callers_clear(&all);
}
