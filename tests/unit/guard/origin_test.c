#include "guard/origin.h"

#include "test.h"

struct attempt {
    const char *host, *origin, *site, *mode;
    bool        passes, passes_as_page;
};

/* clang-format off */
static const struct attempt attempts[] = {
    {"localhost:3333",        NULL,                       NULL,          NULL,       true,  true},
    {"127.0.0.1:3333",        "http://127.0.0.1:3333",    "same-origin", "cors",     true,  true},
    {"[::1]:3333",            "http://localhost:3333",    NULL,          NULL,       true,  true},
    {"LOCALHOST:3333",        NULL,                       "none",        NULL,       true,  true},
    {"localhost:3333",        NULL,                       "none",        "navigate", false, true},
    {"front.test",            "https://front.test",       NULL,          NULL,       true,  true},
    {"localhost",             NULL,                       NULL,          NULL,       false, false},
    {"localhost:3334",        NULL,                       NULL,          NULL,       false, false},
    {"evil.test:3333",        NULL,                       NULL,          NULL,       false, false},
    {"localhost.evil.test:3333", NULL,                    NULL,          NULL,       false, false},
    {"localhost:3333@evil.test", NULL,                    NULL,          NULL,       false, false},
    {"",                      NULL,                       NULL,          NULL,       false, false},
    {"localhost:3333",        "http://evil.test",         NULL,          NULL,       false, false},
    {"localhost:3333",        "null",                     NULL,          NULL,       false, false},
    {"localhost:3333",        "http://localhost:8080",    NULL,          NULL,       false, false},
    {"localhost:3333",        "",                         NULL,          NULL,       false, false},
    {"localhost:3333",        NULL,                       "cross-site",  NULL,       false, false},
    {"localhost:3333",        NULL,                       "same-site",   NULL,       false, false},
    {"localhost:3333",        NULL,                       "cross-site",  "navigate", false, false},
    {"localhost:3333",        NULL,                       "other-site",  NULL,       false, false},
    {"localhost:3333",        NULL,                       "none, cross-site", NULL,  false, false},
};
/* clang-format on */

TEST(only_our_own_origin_speaks_to_us)
{
    struct origin_rules rules = {.port = 3333, .allowed_hosts = STR("gate.test:80,front.test")};

    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        const struct attempt *a = &attempts[i];
        struct http_header    items[4];
        struct http_request   r        = {.headers = {.items = items}};
        struct error          err      = {0};
        const char *const     values[] = {a->host, a->origin, a->site, a->mode};
        static const char    *names[]  = {"Host", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode"};
        for (size_t h = 0; h < 4; h++)
            if (values[h] != NULL)
                items[r.headers.count++] =
                    (struct http_header){str_from(names[h]), str_of(values[h], strlen(values[h]))};
        if (origin_check(&rules, &r, false, &err) != a->passes ||
            origin_check(&rules, &r, true, &err) != a->passes_as_page)
            fail_msg("row %zu: Host %s, Origin %s", i, a->host, a->origin == NULL ? "-" : a->origin);
    }
}

TEST(of_two_origins_neither_is_ours)
{
    struct origin_rules rules   = {.port = 3333};
    struct http_header  items[] = {{STR("Host"), STR("localhost:3333")},
                                   {STR("Origin"), STR("http://localhost:3333")},
                                   {STR("origin"), STR("http://evil.test")}};
    struct http_request r       = {.headers = {.items = items, .count = 2}};
    struct error        err     = {0};

    assert_true(origin_check(&rules, &r, false, &err));
    r.headers.count = 3; /* the first is ours, which a reader of the last would not see */
    assert_false(origin_check(&rules, &r, false, &err));
    assert_false(origin_check(&rules, &r, true, &err));
    assert_int_equal(err.code, ERROR_DENIED);
}
