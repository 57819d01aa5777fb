#include "api/log_query.h"
#include "api/routes.h"
#include "api/test_docs.h"
#include "base/file.h"
#include "test.h"

static void
expect(struct str text, const char *what)
{
    if (str_find(text, str_from(what)) < 0)
        fail_msg("docs/api.md does not have %s", what);
}

TEST(every_route_and_parameter_stands_in_the_page)
{
    struct buffer page = {.max = MIB(1)};
    struct error  err  = {0};
    char          what[200];
    size_t        rows = 0, found = 0;

    if (!file_read(TEST_DOCS "/api.md", &page, &err))
        fail_msg("%s", err.text);
    struct str text = buffer_str(&page), line;
    for (const struct route *r = api_routes; r->path != NULL; r++, rows++) {
        struct str method = http_method_name(r->method);
        snprintf(what, sizeof what, "| `%.*s %s` |", STR_ARG(method), r->path);
        expect(text, what);
    }
    for (size_t i = 0; log_query_parameter(i) != NULL; i++) {
        snprintf(what, sizeof what, "`%s`", log_query_parameter(i));
        expect(text, what);
    }
    while (str_cut(&text, '\n', &line))
        found += str_starts(line, STR("| `GET /")) || str_starts(line, STR("| `POST /")) ||
                 str_starts(line, STR("| `PUT /")) || str_starts(line, STR("| `DELETE /"));
    assert_int_equal(found, rows); /* and no other */
    buffer_clear(&page);
}
