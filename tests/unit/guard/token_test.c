#include "guard/token.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "test.h"

TEST(the_token_is_made_once_and_taken_as_it_is)
{
    char               directory[] = "/tmp/gatehouse-token.XXXXXX", path[64];
    struct local_token first, second;
    struct stat        info;
    struct error       err = {0};

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/token", directory);
    assert_true(local_token_load(&first, path, &err));
    assert_true(first.is_new);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_true(local_token_load(&second, path, &err));
    assert_false(second.is_new);
    assert_string_equal(first.text, second.text);
    assert_true(file_replace(path, STR("  my own \n"), 0600, &err));
    assert_true(local_token_load(&second, path, &err));
    assert_string_equal(second.text, "my own");
    assert_true(file_replace(path, STR("\n"), 0600, &err));
    assert_false(local_token_load(&second, path, &err));
    unlink(path);
    rmdir(directory);
}

TEST(only_the_whole_token_matches)
{
    struct local_token  token = {.text = "gh_local_1"}, none = {0};
    struct http_header  items[] = {{STR("Authorization"), STR("Bearer gh_local_1")},
                                   {STR("Authorization"), STR("Bearer gh_local_1")}};
    struct http_headers headers = {items, 1}, twice = {items, 2};

    assert_true(local_token_is_given(&token, &headers));
    items[0].value = STR("bearer   gh_local_1 ");
    assert_true(local_token_is_given(&token, &headers));
    assert_false(local_token_is_given(&token, &twice));
    items[0].value = STR("Basic gh_local_1");
    assert_false(local_token_is_given(&token, &headers));
    assert_false(local_token_matches(&token, STR("gh_local_")));
    assert_false(local_token_matches(&token, STR("gh_local_12")));
    assert_false(local_token_matches(&token, STR("")));
    assert_false(local_token_matches(&none, STR("")));
}
