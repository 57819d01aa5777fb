/* How a client finds out of which era a server is, and what it does when that fails. MCP 2026-07-28 basic/versioning.
 */
#include "mcp/client/client_house.h"

static void
probe(enum way_kind kind)
{
    house_open(kind, (struct client_parts){0});
    client_open(house.client);
    assert_sent(last(), "server/discover");
    assert_true(last()->spec.is_modern);
    assert_int_equal(house.count, 1);
}

TEST(a_modern_server_answers_discover)
{
    probe(WAY_HTTP);
    assert_str(last()->spec.revision, "2026-07-28");
    assert_str(last()->spec.method, "server/discover");
    assert_null(last()->spec.name.data);
    assert_says(last(), "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"");
    assert_says(last(), "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"ada\",\"version\":\"1\"}");
    assert_says(last(), "\"io.modelcontextprotocol/clientCapabilities\":{}");
    assert_null(client_server(house.client));
    reply(last(), 200, "result", MODERN_SERVER);
    assert_heard("open 2026-07-28\n");
    const struct client_server *server = client_server(house.client);
    assert_int_equal(server->era, CLIENT_MODERN);
    assert_str(server->info, "{\"name\":\"s\",\"version\":\"1\"}");
    assert_str(server->instructions, "Be kind");
    assert_true(str_find(server->capabilities, STR("subscribe")) > 0);
    house_close();
    assert_int_equal(house.count, 1); /* no session to end */
}

TEST(a_server_info_in_the_body_is_taken_too)
{
    probe(WAY_HTTP);
    head(last(), 200, "a-session-that-nobody-asked-for");
    answer(last(), "result",
           "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{},\"serverInfo\":{\"name\":\"x\"}}");
    assert_heard("open 2026-07-28\n");
    assert_str(client_server(house.client)->info, "{\"name\":\"x\"}");
    assert_str(client_server(house.client)->session, "");
    house_close();
}

TEST(a_recognised_modern_error_is_a_modern_server)
{
    static const struct {
        int         status;
        const char *error;
    } cases[] = {{400, "{\"code\":-32020,\"message\":\"\"}"},
                 {400, "{\"code\":-32021,\"message\":\"\"}"},
                 {404, "{\"code\":-32601,\"message\":\"\"}"},
                 {400, "{\"code\":-32602,\"message\":\"\"}"},
                 {200, "{\"code\":-32602,\"message\":\"\"}"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        probe(WAY_HTTP);
        reply(last(), cases[i].status, "error", cases[i].error);
        assert_heard("open 2026-07-28\n");
        assert_int_equal(house.count, 1);
        house_close();
    }
}

TEST(any_other_refusal_over_http_is_met_with_initialize)
{
    static const struct {
        int         status;
        const char *error;
    } cases[] = {{400, NULL},
                 {404, NULL},
                 {405, NULL},
                 {400, "{\"code\":-32000,\"message\":\"no session\"}"},
                 {400, "{\"code\":-32600,\"message\":\"\"}"},
                 {200, "{\"code\":-32601,\"message\":\"\"}"},
                 {500, NULL}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        probe(WAY_HTTP);
        head(last(), cases[i].status, NULL);
        struct mail *first = last();
        if (cases[i].error != NULL)
            answer(first, "error", cases[i].error);
        end(first, cases[i].status);
        assert_sent(last(), "initialize");
        assert_false(last()->spec.is_modern);
        assert_null(last()->spec.revision.data);
        assert_null(last()->spec.method.data);
        assert_says(last(), "\"protocolVersion\":\"2025-11-25\"");
        assert_heard("");
        house_close();
    }
}

TEST(who_may_ask_is_not_the_business_of_the_probe)
{
    static const int statuses[] = {401, 403, 429};

    for (size_t i = 0; i < 3; i++) {
        probe(WAY_HTTP);
        head(last(), statuses[i], NULL);
        end(last(), statuses[i]);
        assert_int_equal(house.count, 1);
        struct str heard = buffer_str(&house.heard);
        assert_true(str_starts(heard, STR("lost 0 4")));
        assert_true(str_find(heard, arena_printf(house.arena, "lost 0 %d ", statuses[i])) == 0);
        house_close();
    }
}

TEST(what_an_opening_is_challenged_with_is_that_of_all_who_wait)
{
    for (int at = 0; at < 2; at++) {
        house_open(WAY_HTTP, (struct client_parts){.era = CLIENT_LEGACY});
        ask("tools/list", NULL);
        ask("tools/list", NULL);
        if (at == 1) { /* the session is there, and cannot be used */
            reply(last(), 200, "result",
                  "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"serverInfo\":{\"name\":\"s\"}}");
            assert_str(last()->e.method, "notifications/initialized");
        }
        head(last(), 401, NULL);
        challenge(last(), "Bearer a");
        end_as(last(), (struct mail_end){.why = CLOSE_ANSWERED, .status = 401, .words = "no", .retry = -1});
        struct str heard = buffer_str(&house.heard);
        assert_true(str_find(heard, STR("wanted of it, 401: Bearer a\nerror")) > 0);
        assert_true(str_ends(heard, STR("\nwanted Bearer a\n")));
        buffer_reset(&house.heard);
        client_open(house.client);
        assert_int_equal(client_challenge(house.client).len, 0);
        house_close();
    }
}

TEST(a_version_of_those_supported_is_tried_once_even_the_very_same)
{
    probe(WAY_HTTP);
    const char *error = "{\"code\":-32022,\"message\":\"\",\"data\":{\"supported\":[\"2026-07-28\"]}}";
    struct str  first = last()->e.id;
    reply(last(), 400, "error", error);
    assert_int_equal(house.count, 2);
    assert_sent(last(), "server/discover");
    assert_false(str_eq(first, last()->e.id));
    reply(last(), 400, "error", error);
    assert_heard("open 2026-07-28\n"); /* a modern one, of whom no more is known */
    assert_int_equal(house.count, 2);
    house_close();
}

TEST(a_server_that_names_only_legacy_versions_is_met_with_initialize)
{
    static const enum way_kind kinds[] = {WAY_HTTP, WAY_STDIO};

    for (size_t i = 0; i < 2; i++) {
        probe(kinds[i]);
        answer(last(), "error", "{\"code\":-32022,\"message\":\"\",\"data\":{\"supported\":[\"2025-06-18\"]}}");
        assert_sent(last(), "initialize");
        house_close();
    }
    probe(WAY_HTTP);
    reply(last(), 200, "result", "{\"supportedVersions\":[\"2025-06-18\"],\"capabilities\":{}}");
    assert_sent(last(), "initialize");
    house_close();
}

TEST(a_server_that_speaks_nothing_of_ours_is_lost)
{
    probe(WAY_HTTP);
    reply(last(), 400, "error", "{\"code\":-32022,\"message\":\"\",\"data\":{\"supported\":[\"2031-01-01\"]}}");
    assert_heard("lost -32022 0 it speaks no revision of the protocol that we do\n");
    house_close();
}

TEST(over_stdio_any_other_error_or_silence_is_met_with_initialize)
{
    static const char *const errors[] = {"{\"code\":-32601,\"message\":\"\"}", "{\"code\":-32602,\"message\":\"\"}",
                                         "{\"code\":-32020,\"message\":\"\"}", NULL};

    for (size_t i = 0; i < 4; i++) {
        probe(WAY_STDIO);
        assert_int_equal(last()->spec.patience, SECONDS(10));
        struct mail *first = last();
        if (errors[i] != NULL)
            answer(first, "error", errors[i]);
        else
            end_as(first, (struct mail_end){.why = CLOSE_TIMED_OUT, .retry = -1});
        assert_sent(last(), "initialize");
        house_close();
    }
    probe(WAY_STDIO);
    answer(last(), "result", MODERN_SERVER);
    assert_heard("open 2026-07-28\n");
    house_close();
}

TEST(a_server_of_http_and_sse_is_legacy_without_a_question)
{
    house_open(WAY_SSE, (struct client_parts){0});
    client_open(house.client);
    assert_sent(last(), "initialize");
    house_close();
}

TEST(a_legacy_server_is_opened_and_told_so)
{
    house_open(WAY_HTTP, (struct client_parts){.era          = CLIENT_LEGACY,
                                               .revision     = STR("2025-06-18"),
                                               .capabilities = STR("{\"roots\":{}}")});
    client_open(house.client);
    assert_says(last(), "\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"roots\":{}}");
    head(last(), 200, "sid");
    answer(last(), "result",
           "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},\"serverInfo\":{\"name\":\"s\"}}");
    assert_int_equal(last()->spec.kind, KIND_NOTIFICATION);
    assert_str(last()->e.method, "notifications/initialized");
    assert_str(last()->spec.session, "sid");
    assert_str(last()->spec.revision, "2025-06-18");
    assert_heard("");
    say(last(), STR("{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}")); /* some do */
    go_on(200);
    assert_heard("open 2025-06-18\n");
    client_free(house.client);
    house.client = NULL;
    assert_int_equal(last()->spec.kind, KIND_DELETE);
    assert_str(last()->spec.session, "sid");
    assert_int_equal(house.freed, 1);
    house_close();
}

TEST(the_field_of_the_revision_came_with_2025_06_18)
{
    house_open(WAY_HTTP, (struct client_parts){.era = CLIENT_LEGACY});
    client_open(house.client);
    answer(last(), "result", "{\"protocolVersion\":\"2025-03-26\",\"capabilities\":{}}");
    assert_null(last()->spec.revision.data);
    assert_null(last()->spec.session.data);
    go_on(202);
    assert_heard("open 2025-03-26\n");
    client_free(house.client);
    house.client = NULL;
    assert_int_equal(last()->spec.kind, KIND_STREAM); /* for questions: no session, nothing to end */
    house_close();
}

TEST(a_revision_that_we_do_not_speak_loses_the_server)
{
    static const char *const revisions[] = {"2026-07-28", "1999-01-01", ""};

    for (size_t i = 0; i < 3; i++) {
        house_open(WAY_HTTP, (struct client_parts){.era = CLIENT_LEGACY});
        assert_non_null(ask("tools/list", NULL));
        answer(last(), "result", arena_printf(house.arena, "{\"protocolVersion\":\"%s\"}%c", revisions[i], 0).data);
        struct str heard = buffer_str(&house.heard);
        assert_true(str_starts(heard, STR("error malformed -32603 it speaks revision \"")));
        assert_true(str_find(heard, STR("\nlost 0 0 it speaks revision \"")) > 0);
        assert_int_equal(client_calls(house.client), 0);
        house_close();
    }
}

TEST(a_refused_initialize_is_told_with_its_status_and_code)
{
    house_open(WAY_HTTP, (struct client_parts){.era = CLIENT_LEGACY});
    client_open(house.client);
    reply(last(), 400, "error", "{\"code\":-32001,\"message\":\"not today\"}");
    assert_heard("lost -32001 400 not today\n");
    client_open(house.client); /* again, from the beginning */
    assert_int_equal(house.count, 2);
    head(last(), 405, NULL);
    end(last(), 405);
    assert_heard("lost 0 405 it answered with HTTP status 405\n");
    house_close();
}

TEST(a_pinned_modern_server_is_asked_nothing)
{
    house_open(WAY_HTTP, (struct client_parts){.era = CLIENT_MODERN});
    client_open(house.client);
    assert_heard("open 2026-07-28\n");
    assert_int_equal(house.count, 0);
    assert_non_null(ask("tools/list", NULL));
    assert_sent(last(), "tools/list");
    house_close();
}

TEST(one_that_is_to_be_checked_is_lost_when_it_is_none)
{
    house_open(WAY_HTTP, (struct client_parts){.era = CLIENT_MODERN, .discovers = true});
    client_open(house.client);
    reply(last(), 200, "error", "{\"code\":-32601,\"message\":\"what?\"}");
    assert_heard("lost -32601 200 what?\n");
    assert_int_equal(house.count, 1);
    client_open(house.client);
    reply(last(), 200, "result", MODERN_SERVER);
    assert_heard("open 2026-07-28\n");
    house_close();
}

TEST(who_cannot_be_reached_is_lost_a_little_later)
{
    house_open(WAY_HTTP, (struct client_parts){0});
    house.refuses = true;
    assert_non_null(ask("tools/list", NULL));
    assert_heard("");
    pass(MILLISECONDS(50));
    assert_heard("error unreachable -32603 nobody is there\nlost 0 0 nobody is there\n");
    house.refuses = false;
    assert_non_null(ask("tools/list", NULL)); /* the next call tries anew */
    assert_sent(last(), "server/discover");
    end_as(last(), (struct mail_end){.why = CLOSE_UNREACHABLE, .words = "no route", .retry = -1});
    assert_heard("error unreachable -32603 no route\nlost 0 0 no route\n");
    house_close();
}

TEST(calls_made_before_it_is_open_wait)
{
    house_open(WAY_HTTP, (struct client_parts){0});
    assert_non_null(ask("tools/list", NULL));
    assert_non_null(ask("prompts/list", NULL));
    assert_int_equal(house.count, 1);
    assert_int_equal(client_calls(house.client), 2);
    reply(last(), 200, "result", MODERN_SERVER);
    assert_int_equal(house.count, 3);
    assert_sent(&house.mails[1], "tools/list");
    assert_sent(&house.mails[2], "prompts/list");
    client_call_cancel(house.call, CLOSE_CANCELLED, NULL);
    assert_true(house.mails[2].is_dropped);
    assert_int_equal(client_calls(house.client), 1);
    house_close();
}

TEST(parts_that_are_wrong_are_refused)
{
    struct error        err   = {0};
    struct way          none  = {0};
    struct client_parts parts = {.way = &none, .revision = STR("2026-07-28")};

    assert_null(client_new(&parts, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    parts = (struct client_parts){.way = &none, .capabilities = STR("[]")};
    assert_null(client_new(&parts, &err));
    assert_int_equal(err.code, ERROR_INVALID);
}
