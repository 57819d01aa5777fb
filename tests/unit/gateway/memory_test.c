#include <stdlib.h>

#include "base/live.h"
#include "each_failure.h"
#include "gateway/caller.h"
#include "gateway/registry/registry.h"

static const char text[] =
    "{\"mcpServers\": { // by hand\n"
    "\"weather\": {\"url\": \"http://localhost:9000/${PLACE}\", \"headers\": {\"X-Team\": \"${TEAM:-a}\"}},\n"
    "\"files\": {\"command\": \"npx\", \"args\": [\"-y\", \"p\"], \"env\": {\"A\": \"${PLACE}\"}, \"cwd\": "
    "\"~/p\"},\n"
    "\"wrong\": {\"url\": 7},\n"
    "\"files\": {\"command\": \"twice\"}}}";

/* NULL is no memory; what came is as it is with memory, or says that there was none. */
static bool
reads_the_registry(void *arg)
{
    char *const            environment[] = {(char[]){"PLACE=mcp"}, (char[]){"HOME=/home/ada"}, NULL};
    struct registry_source from          = {
                 .path = "/home/ada/.gatehouse/mcp.json", .environment = environment, .has_built_in = true};
    struct registry *previous = arg;
    struct registry *r        = registry_parse(&from, str_from(text), previous);

    if (r == NULL)
        return false;
    const struct server_entry *weather = registry_find(r, STR("weather")), *files = registry_find(r, STR("files"));
    bool                       ok = r->file_error.code == ERROR_NONE;
    if (ok && weather != NULL && weather->kind != SERVER_WRONG)
        assert_str(weather->url, "http://localhost:9000/mcp");
    if (ok && files != NULL && files->kind != SERVER_WRONG)
        assert_str(str_from(files->cwd), "/home/ada/p");
    ok = ok && weather != NULL && weather->kind == SERVER_HTTP && files != NULL;
    registry_unref(r);
    return ok;
}

TEST(a_registry_without_memory_to_read_it_is_none_or_says_so)
{
    assert_each_failure(reads_the_registry, NULL);
}

TEST(the_registry_before_outlives_one_that_found_no_memory)
{
    struct registry_source from     = {.path = "/home/ada/.gatehouse/mcp.json", .environment = (char *const[]){NULL}};
    struct registry       *previous = registry_parse(&from, str_from(text), NULL);

    assert_non_null(previous);
    assert_each_failure(reads_the_registry, previous);
    registry_unref(previous);
}

static bool
finds_a_caller(void *arg)
{
    struct http_header items[] = {{STR("Authorization"), STR("Bearer a")}};
    struct callers     all;
    struct caller     *c;
    struct error       err = {0};

    (void)arg;
    callers_init(&all);
    bool is_found = caller_find(&all, &(struct http_headers){items, 1}, STR_NONE, &c, &err);
    assert_true(is_found ? c != NULL : c == NULL && err.code == ERROR_MEMORY); /* never nobody instead */
    caller_unref(c);
    assert_int_equal(live_counts[LIVE_CALLERS], 0);
    callers_clear(&all);
    return is_found;
}

TEST(who_is_not_found_for_lack_of_memory_is_not_nobody)
{
    assert_each_failure(finds_a_caller, NULL);
}
