/* The snapshots without memory: what they answer is right, or says what failed; and nothing is kept. Of the worker's
 * own the tests of the store tell: failures are the network thread's here. */
#include "each_failure.h"
#include "services/snapshots/parts.h"
#include "services/snapshots_house.h"

struct question {
    const char *method, *members; /* of params, with a comma behind */
    const char *answer;           /* what is in it when all is well */
};

/* The answer, or why there is none, has come. */
static bool
asks(void *arg)
{
    const struct question *q    = arg;
    struct client         *c    = &house.bob;
    struct error           err  = {0};
    size_t                 ends = c->ends;
    char                   text[2000];

    forget(c);
    snprintf(text, sizeof text,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s\"_meta\":{"
             "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
             "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"c\",\"version\":\"1\"},"
             "\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
             q->method, q->members);
    struct exchange *x = exchange_new(&house.exchanges, KIND_REQUEST, &c->front);
    if (x == NULL)
        return false;
    x->is_modern = true;
    if (!envelope_parse(&x->message, str_from(text), x->arena, &err)) {
        exchange_close(x, CLOSE_BUSY);
        return false;
    }
    assert_true(exchange_guard(x));
    exchange_send(x, service_back(house.service));
    while (c->ends == ends || shop.snapshots->writing.strand.count + shop.snapshots->reading.strand.count > 0)
        loop_turn(&house.loop, MILLISECONDS(10));
    if (buffer_len(&c->got) > 0 && !has_got(c, q->answer) && !has_got(c, "\"isError\":true") &&
        !has_got(c, "\"error\":{"))
        fail_msg("neither whole nor an error: %.*s", STR_ARG(buffer_str(&c->got)));
    return has_got(c, q->answer);
}

static void
answers_without_memory(struct question q)
{
    shop_open();
    assert_true(buffer_reserve(&house.bob.got, MIB(1)) && buffer_reserve(&shop.told, KIB(4)));
    call(&house.bob, "save_snapshot",
         "{\"summary\":\"S\",\"context\":{\"files\":[\"f\"]},\"name\":\"n\",\"project\":\"p\",\"tags\":[\"t\"]}");
    assert_got(&house.bob, "Saved snapshot #1 (n)");
    if (!asks(&q)) /* once undisturbed: what is kept for the next is there */
        fail_msg("%.*s", STR_ARG(buffer_str(&house.bob.got)));
    assert_each_failure(asks, &q);
    shop_close();
}

TEST(a_save_without_memory_is_made_or_fails)
{
    answers_without_memory((struct question){
        "tools/call", "\"name\":\"save_snapshot\",\"arguments\":{\"summary\":\"S\",\"context\":{\"a\":1}},",
        "Saved snapshot #"});
}

TEST(a_load_without_memory_is_whole_or_fails)
{
    answers_without_memory((struct question){"tools/call", "\"name\":\"load_snapshot\",\"arguments\":{\"id\":1},",
                                             "\"structured\":{\"files\":[\"f\"]}"});
}

TEST(a_list_and_a_search_without_memory_are_whole_or_fail)
{
    answers_without_memory((struct question){"tools/call", "\"name\":\"list_snapshots\",", "\"more\":false"});
    answers_without_memory((struct question){
        "tools/call", "\"name\":\"search_snapshots\",\"arguments\":{\"query\":\"f\"},", "\"excerpt\":\""});
}

TEST(an_export_without_memory_is_whole_or_fails)
{
    answers_without_memory(
        (struct question){"tools/call", "\"name\":\"export_snapshots\",", "\"count\":1,\"more\":false"});
}

TEST(resources_and_prompts_without_memory_are_whole_or_fail)
{
    answers_without_memory((struct question){"resources/read", "\"uri\":\"snapshot://name/n\",", "Recalled data, not"});
    answers_without_memory((struct question){"resources/list", "", "\"uri\":\"snapshot://1\""});
    answers_without_memory((struct question){"prompts/get", "\"name\":\"resume\",", "Files: f"});
    answers_without_memory((struct question){"prompts/get", "\"name\":\"checkpoint\",", "save_snapshot"});
}
