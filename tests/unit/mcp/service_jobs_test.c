/* What blocks is done on a worker while its request waits: jobs, and all the ways in which a request may end meanwhile.
 */
#include <semaphore.h>

#include "base/strand.h"
#include "mcp/service_house.h"

static struct strand strand;
static sem_t         gate;
static int           begun, worked, answered; /* on a worker: read when it has done */

struct adding {
    yyjson_val   *arguments;
    struct arena *arena;
    struct str    sum;
    bool          is_second;
};

/* Reads the request's arguments, and makes something of its own. */
static bool
add(void *data, struct error *err)
{
    struct adding *job = data;
    int64_t        a   = yyjson_get_sint(yyjson_obj_get(job->arguments, "a"));
    int64_t        b   = yyjson_get_sint(yyjson_obj_get(job->arguments, "b"));

    __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
    if (yyjson_get_bool(yyjson_obj_get(job->arguments, "waits")))
        sem_wait(&gate);
    b += yyjson_get_sint(yyjson_obj_get(job->arguments, "b")) - b; /* they are still there */
    worked++;
    if (b < 0)
        return error_set(err, ERROR_INVALID, "b is below zero");
    job->sum = arena_printf(job->arena, "%lld", (long long)(a + b));
    return true;
}

static void
answer(struct request *r)
{
    struct adding *job = request_data(r);

    answered++;
    if (yyjson_get_bool(yyjson_obj_get(job->arguments, "twice")) && !job->is_second) {
        job->is_second = true;
        request_work(r, &strand, add, answer);
        return;
    }
    request_add_text(r, job->sum);
    request_finish(r);
}

static void
begin(struct request *r)
{
    struct adding *job = request_job(r, sizeof *job);

    if (job == NULL)
        return;
    job->arguments = request_arguments(r);
    job->arena     = request_job_arena(r);
    request_work(r, &strand, add, answer);
}

/* It may have what it needs already. */
static void
fail_first(struct request *r)
{
    if (request_job(r, sizeof(struct adding)) == NULL)
        return;
    request_fail(r, "no");
    request_work(r, &strand, add, answer);
}

static const struct tool tools[] = {
    {.name  = "add",
     .call  = begin,
     .input = JSON({"type": "object"})}, {.name = "unsure", .call = fail_first}, {0},
};
static const struct resource      resources[] = {{.uri = "sum:fails", .name = "sum", .read = begin}, {0}};
static const struct service_table table = {.name = "jobs", .version = "1", .tools = tools, .resources = resources};

static void
open_house(size_t most)
{
    begun = worked = answered = 0;
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    house_open(&table);
    strand = (struct strand){0};
    strand_init(&strand, &house.loop, most);
    enter(&house.ada, "2025-11-25", "{}");
    forget(&house.ada);
}

static void
close_house(void)
{
    strand_clear(&strand);
    house_close();
    sem_destroy(&gate);
}

static void
wait_for_jobs(void)
{
    while (strand.count > 0)
        loop_turn(&house.loop, MILLISECONDS(100));
    house_turn();
}

static void
wait_until_begun(int count)
{
    while (__atomic_load_n(&begun, __ATOMIC_SEQ_CST) < count)
        loop_turn(&house.loop, MILLISECONDS(1));
}

#define CANCEL(id) "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":" id "}}"

TEST(a_job_is_done_on_a_worker_and_its_request_answered_after)
{
    open_house(10);
    say(&house.ada, CALL("1", "add", "{\"a\":2,\"b\":40}"));
    assert_int_equal(buffer_len(&house.ada.got), 0);
    wait_for_jobs();
    assert_got(&house.ada, "\"text\":\"42\"");
    ask_modern(&house.bob, "1", "tools/call", "\"name\":\"add\",\"arguments\":{\"a\":2,\"b\":3,\"twice\":true},", "{}");
    wait_for_jobs();
    wait_for_jobs();
    assert_got(&house.bob, "\"text\":\"5\"");
    assert_int_equal(worked, 3);
    close_house();
}

TEST(a_job_that_fails_fails_its_request_with_its_words)
{
    open_house(10);
    say(&house.ada, CALL("1", "add", "{\"a\":2,\"b\":-1}"));
    wait_for_jobs();
    assert_got(&house.ada, "{\"type\":\"text\",\"text\":\"b is below zero\"}");
    assert_got(&house.ada, "\"isError\":true");
    assert_int_equal(answered, 0);
    close_house();
}

TEST(who_cancels_before_the_work_began_spares_it)
{
    open_house(10);
    say(&house.ada, CALL("1", "add", "{\"waits\":true}"));
    wait_until_begun(1);
    say(&house.ada, CALL("2", "add", "{\"a\":1}"));
    say(&house.ada, CALL("3", "add", "{\"a\":3,\"b\":4}"));
    say(&house.ada, CANCEL("2"));
    house_turn();
    house_turn();
    sem_post(&gate);
    wait_for_jobs();
    assert_int_equal(worked, 2);
    assert_int_equal(answered, 2);
    assert_got(&house.ada, "\"id\":3,");
    assert_not_got(&house.ada, "\"id\":2,");
    close_house();
}

TEST(who_cancels_while_it_is_done_gets_nothing_and_the_work_ends_in_peace)
{
    open_house(10);
    say(&house.ada, CALL("1", "add", "{\"a\":1,\"waits\":true}"));
    wait_until_begun(1);
    say(&house.ada, CANCEL("1"));
    for (int i = 0; i < 3; i++)
        house_turn(); /* the request is gone, and what the worker reads is not */
    sem_post(&gate);
    wait_for_jobs();
    assert_int_equal(worked, 1);
    assert_int_equal(answered, 0);
    assert_int_equal(buffer_len(&house.ada.got), 0);
    close_house();
}

TEST(a_session_may_end_while_its_jobs_are_done)
{
    open_house(10);
    say(&house.ada, CALL("1", "add", "{\"a\":1,\"waits\":true}"));
    wait_until_begun(1);
    say(&house.ada, CALL("2", "add", "{\"a\":1}"));
    service_session_end(house.ada.session, CLOSE_SESSION_ENDED);
    house_turn();
    house_turn();
    sem_post(&gate);
    wait_for_jobs();
    assert_int_equal(worked, 1);
    assert_int_equal(answered, 0);
    close_house();
}

TEST(a_modern_client_may_leave_while_its_job_is_done)
{
    open_house(10);
    struct exchange *x =
        ask_modern(&house.bob, "1", "tools/call", "\"name\":\"add\",\"arguments\":{\"waits\":true},", "{}");
    wait_until_begun(1);
    exchange_close(x, CLOSE_CLIENT_LEFT);
    house_turn();
    sem_post(&gate);
    wait_for_jobs();
    assert_int_equal(answered, 0);
    close_house();
}

TEST(a_service_may_be_freed_while_jobs_are_done)
{
    open_house(10);
    say(&house.ada, CALL("1", "add", "{\"a\":1,\"waits\":true}"));
    wait_until_begun(1);
    say(&house.ada, CALL("2", "add", "{\"a\":1}"));
    service_free(house.service);
    house.service = NULL;
    sem_post(&gate);
    close_house();
    assert_int_equal(answered, 0);
}

TEST(too_much_at_once_is_refused_in_words)
{
    open_house(1);
    say(&house.ada, CALL("1", "add", "{\"a\":1,\"waits\":true}"));
    say(&house.ada, CALL("2", "add", "{\"a\":1}"));
    assert_got(&house.ada, "\"id\":2,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"too much is asked at once");
    forget(&house.ada);
    say(&house.ada, ASK("3", "resources/read", "{\"uri\":\"sum:fails\"}"));
    assert_got(&house.ada, "\"code\":-32603,\"message\":\"too much");
    sem_post(&gate);
    wait_for_jobs();
    close_house();
}

TEST(who_has_answered_starts_nothing_any_more)
{
    open_house(10);
    say(&house.ada, CALL("1", "unsure", "{}"));
    assert_got(&house.ada, "\"text\":\"no\"");
    assert_int_equal(strand.count, 0);
    close_house();
}
