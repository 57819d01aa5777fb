#include "client_fixture.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\nok"

static void
begin_default(void)
{
    begin(http_client_limits_default);
}

TEST(head_and_body_of_a_request_arrive_as_given)
{
    struct heard       h         = {0};
    struct http_header headers[] = {{STR("Accept"), STR("application/json")}, {STR("Mcp-Session-Id"), STR("a b")}};
    char               wanted[256];

    begin_default();
    assert_non_null(start(
        &h,
        (struct http_call_spec){.method = HTTP_METHOD_POST, .headers = headers, .header_count = 2, .body = STR("{}")}));
    int fd = peer_accept();
    snprintf(wanted, sizeof wanted,
             "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: application/json\r\nMcp-Session-Id: a b\r\n"
             "Content-Length: 2\r\n\r\n{}",
             port);
    assert_string_equal(peer_read(fd, "{}"), wanted);
    peer_send(fd, OK_ANSWER);
    WAIT_FOR(h.ends);
    assert_int_equal(h.err.code, ERROR_NONE);
    assert_int_equal(h.status, 200);
    assert_string_equal(h.type, "application/json");
    assert_str(buffer_str(&h.body), "ok");
    close(fd);
    forget(&h);
    finish();
}

TEST(a_post_without_body_says_length_0_and_a_get_says_none)
{
    struct heard h = {0};

    begin_default();
    post(&h, STR_NONE);
    int fd = peer_accept();
    assert_non_null(strstr(peer_read(fd, "\r\n\r\n"), "Content-Length: 0\r\n"));
    peer_send(fd, OK_ANSWER);
    WAIT_FOR(h.ends);
    forget(&h);
    get(&h);
    assert_null(strstr(peer_read(fd, "\r\n\r\n"), "Content-Length"));
    peer_send(fd, OK_ANSWER);
    WAIT_FOR(h.ends);
    close(fd);
    forget(&h);
    finish();
}

TEST(a_query_without_a_path_gets_one)
{
    struct heard    h   = {0};
    struct http_url url = url_for("http", "127.0.0.1");

    begin_default();
    url        = url_for("http", "127.0.0.1");
    url.target = STR("?a=1");
    assert_non_null(start(&h, (struct http_call_spec){.url = &url, .method = HTTP_METHOD_GET}));
    int fd = peer_accept();
    assert_non_null(strstr(peer_read(fd, "\r\n\r\n"), "GET /?a=1 HTTP/1.1\r\n"));
    close(fd);
    WAIT_FOR(h.ends);
    forget(&h);
    finish();
}

TEST(nothing_is_smuggled_in_a_header)
{
    static const struct http_header bad[] = {
        {{"X", 1}, {"a\r\nY: b", 7}},
        {{"X", 1}, {"a\nb", 3}},
        {{"X", 1}, {"a\0b", 3}},
        {{"X\r\nY", 4}, {"a", 1}},
        {{"", 0}, {"a", 1}},
        {{"X Y", 3}, {"a", 1}},
        {{"X:", 2}, {"a", 1}},
        {{"content-length", 14}, {"3", 1}},
        {{"Transfer-Encoding", 17}, {"chunked", 7}},
        {{"Connection", 10}, {"close", 5}},
        {{"Expect", 6}, {"100-continue", 12}},
    };

    begin_default();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct heard h = {0};
        assert_null(
            start(&h, (struct http_call_spec){.method = HTTP_METHOD_GET, .headers = &bad[i], .header_count = 1}));
        assert_int_equal(h.err.code, ERROR_INVALID);
        forget(&h);
    }
    turns(3);
    assert_false(peer_is_asked());
    finish();
}

TEST(a_host_given_replaces_ours)
{
    struct heard       h    = {0};
    struct http_header host = {STR("host"), STR("inside.example")};

    begin_default();
    assert_non_null(start(&h, (struct http_call_spec){.method = HTTP_METHOD_GET, .headers = &host, .header_count = 1}));
    int         fd   = peer_accept();
    const char *text = peer_read(fd, "\r\n\r\n");
    assert_non_null(strstr(text, "host: inside.example\r\n"));
    assert_null(strstr(text, "Host: "));
    close(fd);
    WAIT_FOR(h.ends);
    forget(&h);
    finish();
}

TEST(a_connection_is_used_again)
{
    struct heard        h = {0};
    struct http_url     url;
    struct http_origin *origin;

    begin_default();
    url    = url_for("http", "127.0.0.1");
    origin = http_client_origin(client, &url, NULL);
    int fd = -1;
    for (int i = 0; i < 5; i++) {
        assert_non_null(
            start(&h, (struct http_call_spec){.origin = origin, .method = HTTP_METHOD_POST, .body = STR("{}")}));
        if (i == 0)
            fd = peer_accept();
        peer_read(fd, "{}");
        peer_send(fd, OK_ANSWER);
        WAIT_FOR(h.ends);
        assert_int_equal(h.err.code, ERROR_NONE);
        assert_int_equal(http_client_connections(client), 1);
        forget(&h);
    }
    assert_false(peer_is_asked());
    http_origin_release(origin);
    close(fd);
    finish();
}

TEST(a_call_started_in_the_end_of_another_takes_its_connection)
{
    struct heard first = {0}, second = {0};

    begin_default();
    first.next = &second;
    post(&first, STR("{}"));
    int fd = peer_accept();
    peer_read(fd, "{}");
    peer_send(fd, OK_ANSWER);
    WAIT_FOR(first.ends);
    assert_non_null(strstr(peer_read(fd, "\r\n\r\n"), "GET /mcp"));
    peer_send(fd, OK_ANSWER);
    WAIT_FOR(second.ends);
    assert_int_equal(http_client_connections(client), 1);
    close(fd);
    forget(&first);
    forget(&second);
    finish();
}

/* ---- how answers are framed ---- */

struct answer_case {
    const char     *text;
    int             status; /* 0: no head is told */
    const char     *body;
    enum error_code code;
    bool            closes; /* the server closes behind it */
    bool            kept;   /* the connection may be used again */
};

static void
check_answer(const struct answer_case *a, size_t piece)
{
    struct heard h = {0};

    begin_default();
    post(&h, STR("{}"));
    int fd = peer_accept(), one = 1;
    setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
    peer_read(fd, "{}");
    for (size_t at = 0; at < strlen(a->text) && h.ends == 0; at += piece) {
        struct str part = str_take(str_skip(str_from(a->text), at), piece);
        send(fd, part.data, part.len, MSG_NOSIGNAL);
        turn();
    }
    if (a->closes)
        close(fd);
    WAIT_FOR(h.ends);
    if (h.err.code != a->code || h.status != a->status || !str_eq(buffer_str(&h.body), str_from(a->body)))
        fail_msg("in pieces of %zu: %s\ngot status %d, body \"%.*s\", error %s (%s)", piece, a->text, h.status,
                 STR_ARG(buffer_str(&h.body)), error_code_name(h.err.code), h.err.text);
    if (!a->closes) {
        assert_int_equal(http_client_connections(client), a->kept ? 1 : 0);
        close(fd);
    }
    forget(&h);
    finish();
}

/* clang-format off */
static const struct answer_case good_answers[] = {
    {OK_ANSWER, 200, "ok", ERROR_NONE, false, true},
    {"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 202, "", ERROR_NONE, false, true},
    {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", ERROR_NONE, false, true},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, "", ERROR_NONE, false, true},
    {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 204, "", ERROR_NONE, false, true},
    {"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 1\r\n\r\nx", 302, "x", ERROR_NONE, false, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", 200, "abcde", ERROR_NONE, false, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nX-Trailer: t\r\n\r\n", 200, "a", ERROR_NONE, false, true},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK_ANSWER, 200, "ok", ERROR_NONE, false, true},
    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200, "ok", ERROR_NONE, false, false},
    {"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok", 200, "ok", ERROR_NONE, false, false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", ERROR_NONE, false, false},
    {"HTTP/1.1 200 OK\r\nX-Empty:\r\nX-Blank:   \r\nContent-Type: a/b \t\r\nContent-Length: 2\r\n\r\nok", 200, "ok", ERROR_NONE, false, true},
    {"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, "until the end", ERROR_NONE, true, false},
    {"HTTP/1.1 200 OK\r\n\r\n", 200, "", ERROR_NONE, true, false},
    {OK_ANSWER "HTTP/1.1 200 OK\r\n", 200, "ok", ERROR_NONE, false, false},
};

static const struct answer_case cut_answers[] = {
    {"", 0, "", ERROR_CLOSED, true, false},
    {"HTTP/1.1 200", 0, "", ERROR_CLOSED, true, false},
    {"HTTP/1.1 100 Continue\r\n\r\n", 0, "", ERROR_CLOSED, true, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", 200, "ab", ERROR_CLOSED, true, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 200, "ab", ERROR_CLOSED, true, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", 200, "ab", ERROR_CLOSED, true, false},
};

static const struct answer_case broken_answers[] = {
    {"nonsense\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 199 Hm\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" OK_ANSWER, 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 103 Hm\r\nContent-Length: 2\r\n\r\nok" OK_ANSWER, 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: \r\nContent-Length: 2\r\n\r\nok", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", 0, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 200, "", ERROR_PROTOCOL, false, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 200, "a", ERROR_PROTOCOL, false, false},
};
/* clang-format on */

TEST(answers_are_read_however_they_are_framed)
{
    for (size_t i = 0; i < sizeof good_answers / sizeof *good_answers; i++)
        check_answer(&good_answers[i], 65536);
}

TEST(answers_are_read_however_they_are_cut)
{
    for (size_t i = 0; i < sizeof good_answers / sizeof *good_answers; i++) {
        if (strstr(good_answers[i].text, OK_ANSWER "HTTP") != NULL)
            continue; /* cut, its second answer arrives at a resting connection: another test */
        check_answer(&good_answers[i], 1);
    }
}

TEST(an_answer_that_is_cut_off_is_an_error)
{
    for (size_t i = 0; i < sizeof cut_answers / sizeof *cut_answers; i++)
        check_answer(&cut_answers[i], 65536);
}

TEST(an_answer_that_could_be_read_in_two_ways_is_refused)
{
    for (size_t i = 0; i < sizeof broken_answers / sizeof *broken_answers; i++)
        check_answer(&broken_answers[i], 65536);
}

TEST(an_answer_to_head_has_no_body)
{
    struct heard h = {0};

    begin_default();
    assert_non_null(start(&h, (struct http_call_spec){.method = HTTP_METHOD_HEAD}));
    int fd = peer_accept();
    peer_read(fd, "\r\n\r\n");
    peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    WAIT_FOR(h.ends);
    assert_int_equal(h.err.code, ERROR_NONE);
    assert_int_equal(http_client_connections(client), 1);
    close(fd);
    forget(&h);
    finish();
}

static void
flood(const char *opening, const char *unit, enum error_code wanted)
{
    struct heard h = {0};

    begin_default();
    post(&h, STR("{}"));
    int fd = peer_accept();
    peer_read(fd, "{}");
    peer_send(fd, opening);
    for (int i = 0; i < 100000 && h.ends == 0; i++) {
        if (send(fd, unit, strlen(unit), MSG_NOSIGNAL) < 0 || i % 16 == 0)
            turn();
    }
    assert_int_equal(h.ends, 1);
    assert_int_equal(h.err.code, wanted);
    assert_int_equal(http_client_connections(client), 0);
    close(fd);
    forget(&h);
    finish();
}

TEST(a_head_without_end_is_refused)
{
    char text[1001], fields[1001];

    memset(text, 'x', 1000);
    memset(fields, 'x', 1000);
    memcpy(fields + 500, "\r\nX: ", 5);
    text[1000] = fields[1000] = '\0';
    flood("HTTP/1.1 200 OK\r\nX: ", text, ERROR_TOO_LARGE);
    flood("HTTP/1.1 200 OK\r\nX: ", fields, ERROR_TOO_LARGE);
    flood("HTTP/1.1 200 OK\r\n", "a: b\r\n", ERROR_TOO_LARGE);
    flood("HTTP/1.1 200 ", text, ERROR_TOO_LARGE);
    flood("", "HTTP/1.1 100 Continue\r\n\r\n", ERROR_TOO_LARGE);
    flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=", text, ERROR_TOO_LARGE);
    flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", text, ERROR_TOO_LARGE);
    flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0000000000", ERROR_TOO_LARGE);
}

/* ---- connections that went stale, and what is sent again ---- */

/* One whole call; returns the server's end of its connection, which rests in the pool now. */
static int
rest_one(void)
{
    struct heard h = {0};

    post(&h, STR("{}"));
    int fd = peer_accept();
    peer_read(fd, "{}");
    peer_send(fd, OK_ANSWER);
    WAIT_FOR(h.ends);
    assert_int_equal(http_client_connections(client), 1);
    forget(&h);
    return fd;
}

TEST(a_resting_connection_that_closes_is_dropped_at_once)
{
    begin_default();
    int fd = rest_one();
    close(fd);
    WAIT_FOR(http_client_connections(client) == 0);
    finish();
}

TEST(a_resting_connection_that_speaks_is_dropped_at_once)
{
    begin_default();
    int fd = rest_one();
    peer_send(fd, "H");
    WAIT_FOR(http_client_connections(client) == 0);
    assert_true(peer_sees_close(fd));
    close(fd);
    finish();
}

TEST(a_connection_rests_no_longer_than_its_server_allows)
{
    struct http_client_limits limits = http_client_limits_default;
    struct heard              h      = {0};

    limits.idle = MILLISECONDS(50);
    begin(limits);
    int fd = rest_one();
    WAIT_FOR(http_client_connections(client) == 0);
    close(fd);
    post(&h, STR("{}")); /* and one that says 2 s is kept for one, though ours is less */
    fd = peer_accept();
    peer_read(fd, "{}");
    peer_send(fd, "HTTP/1.1 200 OK\r\nKeep-Alive: max=9, timeout=2\r\nContent-Length: 0\r\n\r\n");
    WAIT_FOR(h.ends);
    turns(300);
    assert_int_equal(http_client_connections(client), 1);
    WAIT_FOR(http_client_connections(client) == 0);
    close(fd);
    forget(&h);
    finish();
}

TEST(idle_connections_can_be_dropped_and_busy_ones_do_not_return)
{
    struct heard h = {0};

    begin_default();
    int fd = rest_one();
    http_client_drop_idle(client);
    assert_int_equal(http_client_connections(client), 0);
    close(fd);
    post(&h, STR("{}"));
    fd = peer_accept();
    peer_read(fd, "{}");
    http_client_drop_idle(client);
    peer_send(fd, OK_ANSWER);
    WAIT_FOR(h.ends);
    assert_int_equal(h.err.code, ERROR_NONE);
    assert_int_equal(http_client_connections(client), 0);
    close(fd);
    forget(&h);
    finish();
}

/* Of two connections the first brings an answer, in whose end a call is started on the second. Something happened to
 * that one at the same moment, which the client hears before the turn's end, when the request would have been written.
 */
static void
check_goes_again(void (*happens)(int stale))
{
    struct heard first = {0}, other = {0}, second = {0};

    begin_default();
    first.next = &second;
    post(&first, STR("{}"));
    int fd = peer_accept();
    peer_read(fd, "{}");
    post(&other, STR("{}"));
    int stale = peer_accept();
    peer_read(stale, "{}");
    peer_send(stale, OK_ANSWER);
    WAIT_FOR(other.ends);
    turns(2); /* the kernel tells of what was last ready first: let it forget this one */
    peer_send(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    happens(stale);
    WAIT_FOR(first.ends);
    int fresh = peer_accept();
    assert_non_null(strstr(peer_read(fresh, "\r\n\r\n"), "GET /mcp"));
    peer_send(fresh, OK_ANSWER);
    WAIT_FOR(second.ends);
    assert_int_equal(second.err.code, ERROR_NONE);
    close(fd);
    close(fresh);
    close(stale);
    forget(&first);
    forget(&other);
    forget(&second);
    finish();
}

static void
leaves(int stale)
{
    shutdown(stale, SHUT_RDWR);
}

static void
speaks(int stale)
{
    peer_send(stale, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
}

TEST(a_request_that_was_not_written_goes_again_on_a_fresh_connection)
{
    check_goes_again(leaves);
}

TEST(what_comes_before_the_request_went_out_is_not_its_answer)
{
    check_goes_again(speaks);
}

TEST(a_post_whose_bytes_were_written_is_not_sent_again)
{
    struct heard h = {0};

    begin_default();
    int fd = rest_one();
    post(&h, STR("{}"));
    peer_read(fd, "{}");
    close(fd);
    WAIT_FOR(h.ends);
    assert_int_equal(h.err.code, ERROR_CLOSED);
    assert_int_equal(h.heads, 0);
    turns(5);
    assert_false(peer_is_asked());
    forget(&h);
    finish();
}

TEST(what_is_repeatable_is_sent_again_once)
{
    struct heard h = {0};

    begin_default();
    int fd = rest_one();
    get(&h);
    peer_read(fd, "\r\n\r\n");
    close(fd);
    fd = peer_accept(); /* again, on a fresh one */
    peer_read(fd, "\r\n\r\n");
    assert_int_equal(h.ends, 0);
    close(fd);
    WAIT_FOR(h.ends); /* and not a third time */
    assert_int_equal(h.err.code, ERROR_CLOSED);
    turns(5);
    assert_false(peer_is_asked());
    forget(&h);
    finish();
}

TEST(what_is_repeatable_is_not_sent_again_once_a_byte_was_answered)
{
    struct heard h = {0};

    begin_default();
    get(&h);
    int fd = peer_accept();
    peer_read(fd, "\r\n\r\n");
    peer_send(fd, "H");
    turns(5);
    close(fd);
    WAIT_FOR(h.ends);
    assert_int_equal(h.err.code, ERROR_CLOSED);
    turns(5);
    assert_false(peer_is_asked());
    forget(&h);
    finish();
}

/* ---- connecting ---- */

TEST(a_refused_port_is_said_in_words)
{
    struct heard h = {0};
    char         wanted[128];

    begin_default();
    close(listener);
    listener = -1;
    post(&h, STR("{}"));
    assert_int_equal(h.ends, 0);
    WAIT_FOR(h.ends);
    assert_int_equal(h.err.code, ERROR_UNREACHABLE);
    snprintf(wanted, sizeof wanted, "connection refused (127.0.0.1:%u)", port);
    assert_string_equal(h.err.text, wanted);
    assert_int_equal(http_client_connections(client), 0);
    forget(&h);
    finish();
}

TEST(localhost_is_both_loopback_addresses)
{
    struct heard    h = {0};
    struct http_url url;
    char            wanted[128];

    begin_default();
    url = url_for("http", "LocalHost");
    assert_non_null(start(&h, (struct http_call_spec){.url = &url, .method = HTTP_METHOD_GET}));
    int fd = peer_accept();
    peer_read(fd, "\r\n\r\n");
    peer_send(fd, OK_ANSWER);
    WAIT_FOR(h.ends);
    assert_int_equal(h.err.code, ERROR_NONE);
    close(fd);
    forget(&h);
    close(listener);
    listener = -1;
    WAIT_FOR(http_client_connections(client) == 0);
    url = url_for("http", "localhost");
    assert_non_null(start(&h, (struct http_call_spec){.url = &url, .method = HTTP_METHOD_GET}));
    WAIT_FOR(h.ends);
    snprintf(wanted, sizeof wanted, "connection refused (127.0.0.1:%u", port);
    assert_true(str_starts(str_from(h.err.text), str_from(wanted)));
    forget(&h);
    finish();
}

TEST(a_name_without_address_is_said_in_words)
{
    struct heard    h = {0}, other = {0};
    struct http_url url;

    begin_default();
    assert_true(http_url_parse(STR("http://no-such-host.invalid/"), &url, NULL));
    assert_non_null(start(&h, (struct http_call_spec){.url = &url, .method = HTTP_METHOD_GET}));
    assert_non_null(start(&other, (struct http_call_spec){.url = &url, .method = HTTP_METHOD_GET}));
    WAIT_FOR(h.ends && other.ends);
    assert_int_equal(h.err.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(h.err.text, "no address found for the name no-such-host.invalid"));
    forget(&h);
    forget(&other);
    finish();
}

TEST(a_call_may_be_cancelled_while_its_name_is_looked_up)
{
    struct heard    h = {0};
    struct http_url url;

    begin_default();
    assert_true(http_url_parse(STR("http://no-such-host.invalid/"), &url, NULL));
    assert_non_null(start(&h, (struct http_call_spec){.url = &url, .method = HTTP_METHOD_GET}));
    http_call_cancel(h.call);
    assert_non_null(start(&h, (struct http_call_spec){.url = &url, .method = HTTP_METHOD_GET}));
    forget(&h);
    finish(); /* with the client, while the worker runs */
}

/* A listener whose backlog is full answers no SYN: connecting hangs. */
TEST(connecting_has_a_time_out)
{
    struct heard       h = {0};
    struct sockaddr_in at;
    socklen_t          len = sizeof at;
    int                fill[4];

    begin_default();
    assert_int_equal(listen(listener, 0), 0);
    getsockname(listener, (struct sockaddr *)&at, &len);
    for (int i = 0; i < 4; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fill[i], (struct sockaddr *)&at, sizeof at);
    }
    assert_non_null(
        start(&h, (struct http_call_spec){.method = HTTP_METHOD_GET, .connect_timeout = MILLISECONDS(100)}));
    WAIT_FOR(h.ends);
    assert_int_equal(h.err.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(h.err.text, "within 0.1 s"));
    for (int i = 0; i < 4; i++)
        close(fill[i]);
    forget(&h);
    finish();
}

TEST(connections_of_an_origin_have_a_bound)
{
    struct http_client_limits limits = http_client_limits_default;
    struct heard              a = {0}, b = {0}, c = {0};

    limits.connections = 2;
    begin(limits);
    post(&a, STR("{}"));
    post(&b, STR("{}"));
    assert_null(start(&c, (struct http_call_spec){.method = HTTP_METHOD_GET}));
    assert_int_equal(c.err.code, ERROR_FULL);
    http_call_cancel(a.call);
    assert_non_null(start(&c, (struct http_call_spec){.method = HTTP_METHOD_GET}));
    http_call_cancel(b.call);
    http_call_cancel(c.call);
    forget(&c);
    finish();
}

TEST(origins_have_a_bound_and_unused_ones_make_room)
{
    struct http_client_limits limits = http_client_limits_default;
    struct http_url           url;
    struct http_origin       *held[3];
    static const char *const  texts[] = {"http://127.0.0.1/", "http://127.0.0.2/", "http://127.0.0.3/"};
    struct error              err     = {0};

    limits.origins = 2;
    begin(limits);
    for (int i = 0; i < 3; i++) {
        http_url_parse(str_from(texts[i]), &url, NULL);
        held[i] = http_client_origin(client, &url, &err);
    }
    assert_null(held[2]);
    assert_int_equal(err.code, ERROR_FULL);
    http_origin_release(held[0]);
    held[2] = http_client_origin(client, &url, &err);
    assert_non_null(held[2]);
    assert_ptr_equal(http_client_origin(client, &url, &err), held[2]);
    finish();
}

/* ---- cancelling, pausing ---- */

TEST(a_call_may_be_cancelled_at_any_stage)
{
    /* 0: at once; 1: connected; 2: sent; 3: head half there; 4: in the body */
    for (int stage = 0; stage <= 4; stage++) {
        struct heard h  = {0};
        int          fd = -1;
        begin_default();
        post(&h, STR("{}"));
        if (stage >= 1)
            fd = peer_accept();
        if (stage >= 2)
            peer_read(fd, "{}");
        if (stage >= 3)
            peer_send(fd, "HTTP/1.1 200 OK\r\nContent-Le");
        if (stage >= 4)
            peer_send(fd, "ngth: 9\r\n\r\nab");
        turns(5);
        http_call_cancel(h.call);
        assert_int_equal(http_client_connections(client), 0);
        turns(5);
        assert_int_equal(h.ends, 0);
        if (fd >= 0)
            close(fd);
        forget(&h);
        finish();
    }
}

TEST(a_call_may_be_cancelled_inside_each_of_its_callbacks)
{
    for (int where = 0; where < 3; where++) {
        struct heard h = {.cancel_in_head = where == 0, .cancel_in_data = where == 1, .cancel_in_end = where == 2};
        begin_default();
        post(&h, STR("{}"));
        int fd = peer_accept();
        peer_read(fd, "{}");
        peer_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n");
        WAIT_FOR(where == 2 ? h.ends : http_client_connections(client) == 0);
        turns(3);
        assert_int_equal(h.heads, 1);
        assert_int_equal(h.ends, where == 2 ? 1 : 0);
        assert_int_equal(buffer_len(&h.body), where == 0 ? 0 : where == 1 ? 2 : 4);
        close(fd);
        forget(&h);
        finish();
    }
}

TEST(a_paused_call_stops_reading_and_loses_nothing)
{
    static char  block[65536];
    size_t       total = MIB(20), sent = 0, paused_at = 0;
    struct heard h = {.count_only = true, .pause_in_data = true};
    char         head[128];

    begin_default();
    get(&h);
    int fd = peer_accept();
    peer_read(fd, "\r\n\r\n");
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", total);
    peer_send(fd, head);
    for (int idle = 0; idle < 50; idle++) { /* until the kernel's buffers are full and nothing moves any more */
        ssize_t put = send(fd, block, sizeof block, MSG_NOSIGNAL);
        if (put > 0) {
            sent += (size_t)put;
            idle = 0;
        }
        turn();
    }
    paused_at = h.bytes;
    assert_true(paused_at <= 2 * NET_INPUT); /* what one read brought */
    assert_true(sent < total);
    while (h.ends == 0) {
        size_t  left = total - sent < sizeof block ? total - sent : sizeof block;
        ssize_t put  = left == 0 ? 0 : send(fd, block, left, MSG_NOSIGNAL);
        sent += put > 0 ? (size_t)put : 0;
        http_call_resume(h.call);
        turn();
    }
    assert_int_equal(h.err.code, ERROR_NONE);
    assert_int_equal(h.bytes, total);
    assert_int_equal(http_client_connections(client), 1);
    h.pause_in_data = false;
    post(&h, STR_NONE); /* the connection reads again */
    close(fd);
    h.ends = 0;
    WAIT_FOR(h.ends);
    forget(&h);
    finish();
}

TEST(a_call_that_ended_paused_leaves_a_connection_that_reads)
{
    struct heard h = {.pause_in_data = true};

    begin_default();
    post(&h, STR("{}"));
    int fd = peer_accept();
    peer_read(fd, "{}");
    peer_send(fd, OK_ANSWER);
    WAIT_FOR(h.ends);
    forget(&h);
    post(&h, STR("{}"));
    peer_read(fd, "{}");
    peer_send(fd, OK_ANSWER);
    WAIT_FOR(h.ends);
    close(fd);
    forget(&h);
    finish();
}

TEST(a_large_body_is_sent_as_the_server_takes_it)
{
    size_t       total = MIB(8), got = 0;
    char        *body = malloc(total), *seen = malloc(total + 1024);
    struct heard h = {0};

    assert_true(body != NULL && seen != NULL);
    for (size_t i = 0; i < total; i++)
        body[i] = (char)('a' + i % 23);
    begin_default();
    post(&h, str_of(body, total));
    int fd = peer_accept();
    turns(20);
    while (got < total || memcmp(seen + got - total, body, total) != 0) {
        ssize_t some = recv(fd, seen + got, total + 1024 - got, 0);
        got += some > 0 ? (size_t)some : 0;
        turn();
    }
    peer_send(fd, OK_ANSWER);
    WAIT_FOR(h.ends);
    assert_int_equal(h.err.code, ERROR_NONE);
    assert_int_equal(http_client_connections(client), 1);
    close(fd);
    forget(&h);
    finish();
    free(body);
    free(seen);
}

TEST(an_answer_may_come_before_the_request_was_heard_out)
{
    size_t       total = MIB(8);
    char        *body  = calloc(1, total);
    struct heard h     = {0};

    begin_default();
    post(&h, str_of(body, total));
    int fd = peer_accept();
    turns(5);
    peer_send(fd, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    WAIT_FOR(h.ends);
    assert_int_equal(h.err.code, ERROR_NONE);
    assert_int_equal(h.status, 413);
    assert_int_equal(http_client_connections(client), 0); /* half a request is on it */
    close(fd);
    forget(&h);
    finish();
    free(body);
}

TEST(an_early_answer_is_heard_though_the_server_closes_behind_it)
{
    size_t total = MIB(8);
    char  *body  = calloc(1, total);

    for (int i = 0; i < 4; i++) {
        struct heard h = {0};
        begin_default();
        post(&h, str_of(body, total));
        int fd = peer_accept();
        turns(5 * i);
        peer_send(fd, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
        close(fd); /* with bytes unread: a reset goes out behind the answer */
        WAIT_FOR(h.ends);
        assert_int_equal(h.err.code, ERROR_NONE);
        assert_int_equal(h.status, 413);
        forget(&h);
        finish();
    }
    free(body);
}

TEST(a_client_may_go_with_calls_in_every_state)
{
    struct heard h[3] = {0};

    begin_default();
    post(&h[0], STR("{}"));
    int fd = peer_accept();
    peer_read(fd, "{}");
    peer_send(fd, "HTTP/1.1 200 OK\r\n\r\n");
    WAIT_FOR(h[0].heads);
    post(&h[1], STR("{}"));
    int other = peer_accept();
    peer_read(other, "{}");
    post(&h[2], STR("{}"));
    finish();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(h[i].ends, 0);
        forget(&h[i]);
    }
    close(fd);
    close(other);
}
