#include <yyjson.h>

#include "../store/store_fixture.h"
#include "api/routes.h"

static struct fixture f;
static struct api     api;

/* What GET /api/logs answers; the doc is the caller's. */
static yyjson_doc *
get(handler *handle, const char *query, const char *name, int status)
{
    struct arena  *arena = arena_new(8192, MIB(64));
    struct api_job job   = {.api    = &api,
                            .arena  = arena,
                            .query  = str_from(query),
                            .name   = str_from(name),
                            .body   = {.max = MIB(64)},
                            .status = 200};

    api.parts.traffic_path = f.path;
    handle(&job);
    if (job.status != status)
        fail_msg("%s: %d %.*s", query, job.status, STR_ARG(buffer_str(&job.body)));
    yyjson_doc *doc = yyjson_read(job.body.data, buffer_len(&job.body), 0);
    assert_non_null(doc);
    buffer_clear(&job.body);
    arena_free(arena);
    return doc;
}

static uint64_t
number_at(yyjson_doc *doc, const char *pointer)
{
    return yyjson_get_uint(yyjson_doc_ptr_get(doc, pointer));
}

static const char *
text_at(yyjson_doc *doc, const char *pointer)
{
    const char *text = yyjson_get_str(yyjson_doc_ptr_get(doc, pointer));

    return text == NULL ? "" : text;
}

/* Calls 1..count, each a request and an answer. */
static void
fill(int count)
{
    char request[100], answer[100];

    fixture_open(&f);
    for (int i = 1; i <= count; i++) {
        snprintf(request, sizeof request, "{\"id\":%d,\"method\":\"tools/call\"}", i);
        snprintf(answer, sizeof answer, "{\"id\":%d,\"result\":{}}", i);
        capture(&f, request, answer);
    }
    traffic_flush(f.traffic);
}

/* Follows the cursors; each entry must come once, in order. */
static void
walk(const char *order, int limit, int entries, int calls)
{
    char query[200], cursor[64] = "";
    int  seen = 0, last = strcmp(order, "asc") == 0 ? 0 : calls + 1;
    bool more = true;

    for (int pages = 0; more; pages++) {
        assert_true(pages <= entries);
        snprintf(query, sizeof query, "order=%s&limit=%d%s%s", order, limit,
                 cursor[0] == '\0' ? "" : "&cursor=", cursor);
        yyjson_doc *doc   = get(logs_list, query, "", 200);
        yyjson_val *entry = NULL;
        size_t      i, max;
        assert_in_range(number_at(doc, "/pagination/count"), 1, limit);
        yyjson_arr_foreach(yyjson_doc_ptr_get(doc, "/data"), i, max, entry)
        {
            int  id         = (int)yyjson_get_int(yyjson_obj_get(entry, "id"));
            bool is_request = yyjson_equals_str(yyjson_obj_get(entry, "direction"), "request");
            bool begins     = is_request == (strcmp(order, "asc") == 0);
            assert_int_equal(id, begins ? last + (strcmp(order, "asc") == 0 ? 1 : -1) : last);
            last = id;
            seen++;
        }
        snprintf(cursor, sizeof cursor, "%s", text_at(doc, "/pagination/nextCursor"));
        more = yyjson_get_bool(yyjson_doc_ptr_get(doc, "/pagination/hasMore"));
        assert_int_equal(more, cursor[0] != '\0');
        yyjson_doc_free(doc);
    }
    assert_int_equal(seen, entries);
}

TEST(cursors_lose_and_repeat_nothing)
{
    static const int limits[] = {1, 2, 3, 5, 14, 15, 1000};

    fill(7);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        walk("desc", limits[i], 14, 7);
        walk("asc", limits[i], 14, 7);
    }
    fixture_close(&f);
}

TEST(an_exchange_longer_than_a_page_goes_on)
{
    static const char *const orders[] = {"asc", "desc"};
    struct record           *r;
    char                     text[100], query[100];

    fixture_open(&f);
    uint64_t id = traffic_next_id(f.traffic, clock_wall());
    r           = record_new(f.traffic, id, f.labels);
    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "{\"method\":\"notifications/message\",\"params\":%d}", i);
        record_add(r, FROM_SERVER, traffic_id_time(id) + i, str_from(text), false);
    }
    traffic_put(f.traffic, r, &(struct exchange_facts){.kind = KIND_STREAM, .outcome = OUTCOME_OK, .final = true});
    traffic_flush(f.traffic);
    for (int o = 0; o < 2; o++) {
        int  seen       = 0;
        char cursor[64] = "";
        do {
            snprintf(query, sizeof query, "limit=3&order=%s%s%s", orders[o],
                     cursor[0] == '\0' ? "" : "&cursor=", cursor);
            yyjson_doc *doc = get(logs_list, query, "", 200);
            yyjson_val *entry;
            size_t      i, max;
            yyjson_arr_foreach(yyjson_doc_ptr_get(doc, "/data"), i, max, entry)
            {
                snprintf(text, sizeof text, "{\"method\":\"notifications/message\",\"params\":%d}",
                         o == 0 ? seen : 9 - seen);
                assert_string_equal(yyjson_get_str(yyjson_ptr_get(entry, "/sseEvent/data")), text);
                seen++;
            }
            snprintf(cursor, sizeof cursor, "%s", text_at(doc, "/pagination/nextCursor"));
            yyjson_doc_free(doc);
        } while (cursor[0] != '\0');
        assert_int_equal(seen, 10);
    }
    fixture_close(&f);
}

TEST(pages_follow_each_other_by_time)
{
    char        query[200] = "limit=4";
    int         seen       = 0;
    yyjson_doc *doc;

    fill(5);
    for (;;) {
        doc = get(logs_list, query, "", 200);
        seen += (int)number_at(doc, "/pagination/count");
        if (!yyjson_get_bool(yyjson_doc_ptr_get(doc, "/pagination/hasMore")))
            break;
        snprintf(query, sizeof query, "limit=4&before=%s", text_at(doc, "/pagination/oldestTimestamp"));
        yyjson_doc_free(doc);
    }
    yyjson_doc_free(doc);
    assert_int_equal(seen, 10);
    fixture_close(&f);
}

TEST(filters_choose_exchanges)
{
    static const struct {
        const char *query;
        uint64_t    count;
    } asked[] = {
        {"server=weather", 6}, {"server=Weather", 0},  {"server=contains:EATH", 6},   {"server=x&server=weather", 6},
        {"method=call", 6},    {"method=is:call", 0},  {"session=s-1&client=ada", 6}, {"q=TOOLS", 6},
        {"q=tool", 0},         {"q=contains:tool", 6}, {"q=tools&q=nowhere", 0},      {"durationEq=0.9", 6},
        {"durationEq=1", 0},   {"durationEq=0", 6},    {"durationGt=0.9", 0},         {"durationGte=0.9", 6},
        {"tokensGte=0", 6},    {"errors=true", 0},     {"after=2020-01-01", 6},       {"before=2020-01-01", 0},
    };

    fill(3);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        yyjson_doc *doc = get(logs_list, asked[i].query, "", 200);
        if (number_at(doc, "/pagination/count") != asked[i].count)
            fail_msg("%s gave %d", asked[i].query, (int)number_at(doc, "/pagination/count"));
        yyjson_doc_free(doc);
    }
    yyjson_doc_free(get(logs_list, "limit=-1", "", 400));
    fixture_close(&f);
}

TEST(one_exchange_in_full)
{
    char name[32];

    fixture_open(&f);
    snprintf(name, sizeof name, "%llu", (unsigned long long)capture(&f, "{\"id\":1}", "no \"json\""));
    traffic_flush(f.traffic);
    yyjson_doc *doc = get(log_show, "", name, 200);
    assert_string_equal(text_at(doc, "/exchangeId"), name);
    assert_string_equal(text_at(doc, "/messages/0/text"), "{\"id\":1}");
    assert_string_equal(text_at(doc, "/messages/1/text"), "no \"json\"");
    assert_string_equal(text_at(doc, "/messages/1/from"), "server");
    yyjson_doc_free(doc);
    yyjson_doc_free(get(log_show, "", "17", 404));
    yyjson_doc_free(get(log_show, "", "seventeen", 400));
    yyjson_doc_free(get(log_show, "", "0", 400));
    fixture_close(&f);
}

TEST(what_was_recorded_can_be_forgotten)
{
    fill(3);
    yyjson_doc *doc = get(logs_clear, "", "", 200);
    assert_int_equal(number_at(doc, "/exchanges"), 3);
    yyjson_doc_free(doc);
    doc = get(logs_list, "", "", 200);
    assert_int_equal(number_at(doc, "/pagination/count"), 0);
    yyjson_doc_free(doc);
    fixture_close(&f);
}

TEST(without_a_database_there_is_nothing_to_see)
{
    snprintf(f.path, sizeof f.path, "/nonexistent/traffic.db");
    yyjson_doc *doc = get(logs_list, "", "", 200);
    assert_int_equal(number_at(doc, "/pagination/count"), 0);
    yyjson_doc_free(doc);
    doc = get(clients_list, "", "", 200);
    assert_non_null(yyjson_doc_ptr_get(doc, "/clients"));
    yyjson_doc_free(doc);
    yyjson_doc_free(get(log_show, "", "17", 404));
    yyjson_doc_free(get(logs_clear, "", "", 200));
}
