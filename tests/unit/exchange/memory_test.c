#include <stdlib.h>

#include "each_failure.h"
#include "exchange/envelope.h"

static const char call[] =
    "{\"jsonrpc\":\"2.0\",\"id\":\"a\\u0041\",\"method\":\"tools/\\u0063all\",\"params\":{\"name\":\"fore\\ncast\","
    "\"_meta\":{\"progressToken\":\"p\"},\"arguments\":{\"city\":\"Oslo\",\"n\":[1,2,{\"deep\":null}]}}}";

static bool
reads_a_call(void *arg)
{
    struct arena   *a   = arena_new(64, MIB(1));
    struct error    err = {0};
    struct envelope e;

    (void)arg;
    if (a == NULL)
        return false;
    bool ok = envelope_parse(&e, str_from(call), a, &err);
    if (ok) {
        assert_str(e.method, "tools/call");
        assert_str(e.target, "fore\ncast");
    } else {
        assert_int_equal(err.code, ERROR_MEMORY);
    }
    arena_free(a);
    return ok;
}

TEST(a_message_without_memory_to_read_it_is_not_taken_for_wrong)
{
    assert_each_failure(reads_a_call, NULL);
}

static bool
tells_an_error(void *arg)
{
    struct buffer b = {.max = KIB(64)};
    char          text[2000];

    (void)arg;
    memset(text, 'x', sizeof text);
    bool ok = append_error_message(&b, STR("7"), -32603, str_of(text, sizeof text), "busy");
    assert_true(!ok || buffer_len(&b) > sizeof text);
    buffer_clear(&b);
    return ok;
}

TEST(an_error_is_told_whole_or_not_at_all)
{
    assert_each_failure(tells_an_error, NULL);
}
