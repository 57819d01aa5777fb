#include "http/headers.h"

#include "test.h"

TEST(a_field_is_found_whatever_its_case)
{
    struct http_header  items[] = {{STR("Accept"), STR("a")}, {STR("X-A"), STR("1")}, {STR("x-a"), STR("2")}};
    struct http_headers headers = {items, 3};

    assert_str(http_header(&headers, STR("x-A")), "1");
    assert_int_equal(http_header_count(&headers, STR("X-a")), 2);
    assert_null(http_header(&headers, STR("x-b")).data);
    assert_int_equal(http_header_count(&headers, STR("x-b")), 0);
}

TEST(methods_have_their_names)
{
    for (int m = HTTP_METHOD_GET; m <= HTTP_METHOD_PATCH; m++)
        assert_int_equal(http_method_of(http_method_name((enum http_method)m)), m);
    assert_int_equal(http_method_of(STR("get")), HTTP_METHOD_OTHER);
    assert_int_equal(http_method_of(STR("")), HTTP_METHOD_OTHER);
}

TEST(every_status_has_words)
{
    assert_str(http_status_text(200), "OK");
    assert_str(http_status_text(431), "Request Header Fields Too Large");
    assert_str(http_status_text(299), "Status");
    for (int status = 100; status < 600; status++) {
        struct str text = http_status_text(status);
        assert_int_equal(strlen(text.data), text.len);
    }
}

TEST(a_type_is_one_type_with_or_without_parameters)
{
    static const char *const json[]   = {"application/json", "Application/JSON", "application/json;charset=utf-8",
                                         "application/json ; a=\"b\""};
    static const char *const others[] = {"",
                                         "application",
                                         "application/jsonp",
                                         "application/json-seq",
                                         "text/plain;application/json",
                                         "application/json x",
                                         "application/json, text/html",
                                         "application/json; a=b, text/html"};

    for (size_t i = 0; i < sizeof json / sizeof json[0]; i++)
        if (!http_is_type(str_from(json[i]), STR("application/json")))
            fail_msg("refused: %s", json[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (http_is_type(str_from(others[i]), STR("application/json")))
            fail_msg("taken: %s", others[i]);
}
