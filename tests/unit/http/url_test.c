#include "http/url.h"

#include "test.h"

static struct http_url
parse(const char *text)
{
    struct http_url url;
    struct error    err = {0};

    if (!http_url_parse(str_from(text), &url, &err))
        fail_msg("%s: %s", text, err.text);
    return url;
}

static void
refuse(const char *text, const char *words)
{
    struct http_url url;
    struct error    err = {0};

    if (http_url_parse(str_from(text), &url, &err))
        fail_msg("%s was taken", text);
    assert_int_equal(err.code, ERROR_INVALID);
    if (strstr(err.text, words) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, words);
}

TEST(a_url_falls_into_its_parts)
{
    struct http_url url = parse("https://api.example.com:8443/a/b%20c?x=1&y=/#top");

    assert_true(url.tls);
    assert_str(url.host, "api.example.com");
    assert_int_equal(url.port, 8443);
    assert_str(url.authority, "api.example.com:8443");
    assert_str(url.target, "/a/b%20c?x=1&y=/");
}

TEST(what_is_not_written_has_its_default)
{
    struct http_url plain = parse("http://Localhost"), tls = parse("HTTPS://h?q"), empty = parse("http://h:/");

    assert_false(plain.tls);
    assert_int_equal(plain.port, 80);
    assert_str(plain.host, "Localhost");
    assert_str(plain.target, "/");
    assert_int_equal(tls.port, 443);
    assert_str(tls.target, "?q");
    assert_int_equal(empty.port, 80);
    assert_str(empty.authority, "h");
}

TEST(an_ipv6_address_stands_in_brackets)
{
    struct http_url url = parse("http://[::1]:9000/mcp");

    assert_str(url.host, "::1");
    assert_str(url.authority, "[::1]:9000");
    assert_int_equal(url.port, 9000);
    assert_str(parse("http://[2001:db8::7]#f").authority, "[2001:db8::7]");
    refuse("http://[::1", "[ without ]");
    refuse("http://[::1]9000/", "between ] and the port");
    refuse("http://[fe80::1%25eth0]/", "no IPv6 address");
    refuse("http://[not:an:address]/", "no IPv6 address");
    refuse("http://[]/", "no IPv6 address");
}

TEST(other_schemes_are_refused)
{
    refuse("", "must start with http");
    refuse("ftp://h/", "must start with http");
    refuse("http:/h/", "must start with http");
    refuse("localhost:3000/mcp", "must start with http");
}

TEST(credentials_before_the_host_are_refused_and_not_repeated)
{
    struct http_url url;
    struct error    err = {0};

    assert_false(http_url_parse(STR("https://ada:s3cret@example.com/"), &url, &err));
    assert_non_null(strstr(err.text, "put credentials in headers"));
    assert_null(strstr(err.text, "s3cret"));
    parse("https://example.com/@me"); /* behind the host it is a path */
}

TEST(what_cannot_stand_in_a_request_line_is_refused)
{
    refuse("http://h/a b", "a space at byte 11");
    refuse("http://h/a\tb", "control character");
    refuse("http://h/\r\nX: y", "control character");
    refuse("http://h/\x7f", "control character");
    refuse("http://h/\xc3\xa4", "beyond ASCII");
    refuse("http://b\xc3\xbc"
           "cher.de/",
           "xn--");
}

TEST(a_host_is_a_name)
{
    refuse("http://", "no host");
    refuse("http:///path", "no host");
    refuse("http://:80/", "no host");
    refuse("http://a,b/", "','");
    refuse("http://a%41/", "'%'");
    refuse("http://a\\b/", "'\\'");
    refuse("http://.a/", "empty label");
    refuse("http://a..b/", "empty label");
    assert_str(parse("http://my_server-1.local./").host, "my_server-1.local.");
}

TEST(a_port_is_a_number_in_range)
{
    refuse("http://h:0/", "port");
    refuse("http://h:65536/", "port");
    refuse("http://h:+80/", "port");
    refuse("http://h:8 0/", "space");
    refuse("http://h:80:80/", "port");
    assert_int_equal(parse("http://h:65535").port, 65535);
}

TEST(a_url_has_a_longest_length)
{
    static char text[HTTP_URL_MAX + 16] = "http://h/";

    memset(text + 9, 'a', sizeof text - 10);
    refuse(text, "longer than");
    text[HTTP_URL_MAX] = '\0';
    parse(text);
}
