#include "cli_fixture.h"

#include "base/file.h"

static char token[] = "token", show[] = "--show";

TEST(the_token_is_shown_only_to_who_asks_for_it)
{
    struct home  h;
    struct error err = {0};
    char         path[96];

    home_open(&h);
    snprintf(path, sizeof path, "%s/token", h.path);
    assert_true(file_replace(path, STR("gh_local_abc\n"), 0600, &err));
    assert_int_equal(run(&h, token), EXIT_DONE);
    assert_null(strstr(h.out, "gh_local_abc"));
    assert_null(strstr(h.err, "gh_local_abc"));
    assert_said(h.out, "gatehouse token --show");
    assert_int_equal(run(&h, token, show), EXIT_DONE);
    assert_string_equal(h.out, "gh_local_abc\n");
    home_close(&h);
}
