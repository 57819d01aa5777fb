#include "gateway/era.h"
#include "test.h"

/* The answer to a request of that era, as the gateway would see it. */
static bool
shows_other(bool is_modern, const char *method, int status, const char *body)
{
    struct exchange x   = {.is_modern = is_modern, .kind = KIND_REQUEST, .message = {.method = str_from(method)}};
    struct arena   *a   = arena_new(KIB(4), MIB(1));
    struct error    err = {0};
    struct envelope e;

    if (!envelope_parse(&e, str_from(body), a, &err))
        e = (struct envelope){0};
    bool is_other = answer_is_of_other_era(&x, status, str_from(body), &e);
    arena_free(a);
    return is_other;
}

#define FAULT(code) "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":" #code ",\"message\":\"no\"}}"
#define RESULT      "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"
#define SUPPORTED(revisions)                                                                                           \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":{\"supported\":[" revisions  \
    "]}}}"

TEST(what_a_modern_request_is_answered_by_a_legacy_server)
{
    assert_true(shows_other(true, "tools/list", 400, FAULT(-32000)));
    assert_true(shows_other(true, "tools/list", 404, "not found"));
    assert_true(shows_other(true, "tools/list", 405, ""));
    assert_true(shows_other(true, "server/discover", 200, FAULT(-32601)));
    assert_true(shows_other(true, "tools/list", 400, SUPPORTED("\"2025-11-25\",\"2025-06-18\"")));
}

TEST(what_a_modern_server_may_say_is_its_own)
{
    assert_false(shows_other(true, "tools/list", 200, RESULT));
    assert_false(shows_other(true, "tools/list", 200, FAULT(-32601)));
    assert_false(shows_other(true, "x/y", 404, FAULT(-32601)));
    assert_false(shows_other(true, "tools/call", 400, FAULT(-32020)));
    assert_false(shows_other(true, "tools/call", 400, FAULT(-32021)));
    assert_false(shows_other(true, "tools/call", 400, FAULT(-32602)));
    assert_false(shows_other(true, "tools/call", 400, SUPPORTED("\"2026-07-28\"")));
    assert_false(shows_other(true, "tools/call", 400, FAULT(-32022)));
}

TEST(what_initialize_is_answered_by_a_modern_server)
{
    assert_true(shows_other(false, "initialize", 400, SUPPORTED("\"2026-07-28\"")));
    assert_true(shows_other(false, "initialize", 404, FAULT(-32601)));
    assert_true(shows_other(false, "initialize", 200, FAULT(-32600)));
    assert_true(shows_other(false, "initialize", 405, "Method Not Allowed"));
    assert_false(shows_other(false, "initialize", 200, RESULT));
}

TEST(what_comes_after_initialize_shows_nothing)
{
    assert_false(shows_other(false, "tools/list", 404, FAULT(-32001)));
    assert_false(shows_other(false, "tools/call", 400, FAULT(-32602)));
}

TEST(who_is_not_let_in_or_finds_it_broken_learns_nothing_of_eras)
{
    static const int statuses[] = {401, 403, 429, 500, 502, 503};

    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        assert_false(shows_other(true, "server/discover", statuses[i], "no"));
        assert_false(shows_other(false, "initialize", statuses[i], FAULT(-32000)));
    }
}

TEST(what_was_learnt_of_eras_is_forgotten_at_once)
{
    struct eras e = {0};

    assert_true(eras_may_speak(&e, ERA_MODERN));
    eras_learn(&e, ERA_MODERN, false);
    eras_learn(&e, ERA_LEGACY, true);
    assert_false(eras_may_speak(&e, ERA_MODERN));
    assert_true(eras_may_speak(&e, ERA_LEGACY));
    eras_forget(&e);
    assert_true(eras_may_speak(&e, ERA_MODERN));
}
