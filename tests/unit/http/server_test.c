#include "http/server.h"

#include <sys/resource.h>

#include "http/wire.h"
#include "test.h"

/* The answerer of these tests: what it does with a request stands in its path. */
struct house {
    struct wire          wire;
    struct http_server  *server;
    struct http_limits   limits;
    uint16_t             port;
    struct http_request *waiting; /* the last that is not answered yet */
    int                  heads;
    int                  requests;
    int                  gone;
    int                  writable;
    size_t               left; /* of a stream */
    bool                 cut_when_writable;
    bool                 turns_away; /* whoever connects */
    bool                 drained;
    char                 seen[256]; /* paths, in order */
};

static struct house house;
static char         piece[8192];

static const struct http_header text_type = {{"Content-Type", 12}, {"text/plain", 10}};

static void
on_gone(struct http_request *r)
{
    assert_ptr_equal(r, house.waiting);
    house.gone++;
    house.waiting = NULL;
}

static void
stream(struct http_request *r)
{
    while (house.left > 0) {
        size_t len = house.left < sizeof piece ? house.left : sizeof piece;
        house.left -= len;
        if (!http_answer_write(r, str_of(piece, len)) && house.left > 0)
            return;
    }
    house.waiting = NULL;
    http_answer_end(r);
}

static void
on_writable(struct http_request *r)
{
    house.writable++;
    if (house.cut_when_writable) {
        house.waiting = NULL;
        http_answer_cut(r);
        return;
    }
    stream(r);
}

static void
wait_with(struct http_request *r)
{
    house.waiting  = r;
    r->on_gone     = on_gone;
    r->on_writable = on_writable;
}

static bool
asks(const struct http_request *r, const char *path)
{
    return str_eq(r->path, str_from(path));
}

static void
on_head(void *owner, struct http_request *r)
{
    assert_ptr_equal(owner, &house);
    house.heads++;
    if (asks(r, "/refuse"))
        http_answer(r, 403, &text_type, 1, STR("no\n"));
    else if (asks(r, "/cut-at-head"))
        http_answer_cut(r);
    else if (asks(r, "/early"))
        http_answer_head(r, 200, NULL, 0, 4);
    if (asks(r, "/early"))
        wait_with(r);
}

static void
answer_later(struct http_request *r)
{
    if (asks(r, "/chunks") || asks(r, "/chunks-cut")) {
        http_answer_head(r, 200, &text_type, 1, -1);
        http_answer_write(r, STR("one"));
        http_answer_write(r, STR(""));
        http_answer_write(r, STR("three"));
        asks(r, "/chunks") ? http_answer_end(r) : http_answer_cut(r);
    } else if (asks(r, "/short")) {
        http_answer_head(r, 200, NULL, 0, 10);
        http_answer_write(r, STR("12345"));
        http_answer_end(r);
    } else if (asks(r, "/long")) {
        http_answer_head(r, 200, NULL, 0, 3);
        http_answer_write(r, STR("12345"));
        http_answer_end(r);
    } else if (asks(r, "/stream")) {
        wait_with(r);
        http_answer_head(r, 200, NULL, 0, -1);
        stream(r);
    } else {
        wait_with(r);
    }
}

static void
on_request(void *owner, struct http_request *r)
{
    size_t used = strlen(house.seen);

    assert_ptr_equal(owner, &house);
    house.requests++;
    snprintf(house.seen + used, sizeof house.seen - used, "%.*s ", STR_ARG(r->path));
    if (asks(r, "/echo"))
        http_answer(r, 200, &text_type, 1, r->body);
    else if (asks(r, "/empty"))
        http_answer(r, 204, NULL, 0, STR_NONE);
    else if (asks(r, "/inject"))
        http_answer(r, 200, &(struct http_header){STR("X-A"), STR("a\r\nSet-Cookie: b")}, 1, STR("x"));
    else if (asks(r, "/cut"))
        http_answer_cut(r);
    else
        answer_later(r);
}

static bool
may_connect(void *owner, int fd)
{
    assert_ptr_equal(owner, &house);
    assert_true(fd >= 0);
    return !house.turns_away;
}

static const struct http_server_events events = {
    .may_connect = may_connect, .on_head = on_head, .on_request = on_request};

static void
open_house(void)
{
    struct error err = {0};

    house = (struct house){.limits = http_limits_default};
    wire_init(&house.wire);
    house.server = http_server_new(&house.wire.net, &house.limits, STR("X-Fixed: yes\r\n"), &events, &house, &err);
    assert_non_null(house.server);
    assert_true(http_server_listen(house.server, "127.0.0.1", 0, &house.port, &err));
}

static void
close_house(void)
{
    http_server_free(house.server);
    wire_clear(&house.wire);
}

static void
limit(void)
{
    http_server_set_limits(house.server, &house.limits);
}

/* Says `bytes` on a new connection and reads until the server closes it. */
static struct str
ask_and_read(struct str bytes, struct buffer *got, bool *reset)
{
    int fd = wire_connect(house.port);

    *got = (struct buffer){.max = MIB(64)};
    wire_send(&house.wire, fd, bytes);
    WAIT_FOR(&house.wire, wire_read(fd, got, reset));
    close(fd);
    return buffer_str(got);
}

#define CLOSE "Host: a\r\nConnection: close\r\n\r\n"

/* The answer without the line of the date. */
static void
assert_answer(struct str got, const char *wanted)
{
    static char text[4096];
    ptrdiff_t   date = str_find(got, STR("Date: "));

    assert_true(date >= 0 && str_find(str_skip(got, (size_t)date), STR(" GMT\r\n")) == 31);
    snprintf(text, sizeof text, "%.*s%.*s", (int)date, got.data, STR_ARG(str_skip(got, (size_t)date + 37)));
    assert_string_equal(text, wanted);
}

TEST(a_request_is_answered)
{
    struct buffer got;

    open_house();
    assert_answer(ask_and_read(STR("POST /echo?a HTTP/1.1\r\nContent-Length: 5\r\n" CLOSE "hello"), &got, NULL),
                  "HTTP/1.1 200 OK\r\nX-Fixed: yes\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
                  "Connection: close\r\n\r\nhello");
    assert_int_equal(http_server_connections(house.server), 0);
    buffer_clear(&got);
    close_house();
}

TEST(who_may_not_connect_is_told_so_before_a_byte_of_it_is_read)
{
    struct buffer got;
    struct str    answer;

    open_house();
    house.turns_away = true;
    answer           = ask_and_read(STR_NONE, &got, NULL); /* it has said nothing */
    assert_str(answer, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    buffer_clear(&got);
    ask_and_read(STR("GET /echo HTTP/1.1\r\n" CLOSE), &got, NULL);
    assert_int_equal(house.heads + house.requests, 0);
    assert_int_equal(http_server_connections(house.server), 0);
    buffer_clear(&got);
    house.turns_away = false;
    answer           = ask_and_read(STR("GET /echo HTTP/1.1\r\n" CLOSE), &got, NULL);
    assert_true(str_starts(answer, STR("HTTP/1.1 200 ")));
    buffer_clear(&got);
    close_house();
}

TEST(an_answer_has_the_framing_its_request_can_read)
{
    const struct {
        struct str  request;
        const char *answer;
    } rows[] = {
        {STR("HEAD /echo HTTP/1.1\r\n" CLOSE),
         "HTTP/1.1 200 OK\r\nX-Fixed: yes\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: "
         "close\r\n\r\n"},
        {STR("HEAD /chunks HTTP/1.1\r\n" CLOSE),
         "HTTP/1.1 200 OK\r\nX-Fixed: yes\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
         "Connection: close\r\n\r\n"},
        {STR("GET /empty HTTP/1.1\r\n" CLOSE), "HTTP/1.1 204 No Content\r\nX-Fixed: yes\r\nConnection: close\r\n\r\n"},
        {STR("GET /chunks HTTP/1.1\r\n" CLOSE),
         "HTTP/1.1 200 OK\r\nX-Fixed: yes\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
         "Connection: close\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"},
        {STR("GET /chunks HTTP/1.0\r\n\r\n"),
         "HTTP/1.1 200 OK\r\nX-Fixed: yes\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nonethree"},
        {STR("GET /echo HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK\r\nX-Fixed: yes\r\nContent-Type: "
                                            "text/plain\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
        {STR("GET /inject HTTP/1.1\r\n" CLOSE),
         "HTTP/1.1 200 OK\r\nX-Fixed: yes\r\nX-A: a  Set-Cookie: b\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"},
        {STR("GET /x HTTP/1.1\r\n\r\n"),
         "HTTP/1.1 400 Bad Request\r\nX-Fixed: yes\r\nContent-Type: application/json\r\nContent-Length: 62\r\n"
         "Connection: close\r\n\r\n{\"error\":{\"code\":400,\"message\":\"exactly one Host is needed\"}}\n"},
    };

    open_house();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer got;
        assert_answer(ask_and_read(rows[i].request, &got, NULL), rows[i].answer);
        buffer_clear(&got);
    }
    close_house();
}

TEST(http10_may_keep_its_connection)
{
    struct buffer got = {.max = MIB(1)};

    open_house();
    int fd = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    WAIT_FOR(&house.wire, wire_has(fd, &got, "Connection: keep-alive\r\n\r\n"));
    wire_send(&house.wire, fd, STR("GET /echo HTTP/1.0\r\n\r\n"));
    WAIT_FOR(&house.wire, wire_has(fd, &got, "Connection: close\r\n\r\n"));
    close(fd);
    buffer_clear(&got);
    close_house();
}

TEST(a_request_that_drips_in_is_answered)
{
    struct buffer got = {.max = MIB(1)};
    struct str raw = STR("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");

    open_house();
    int fd = wire_connect(house.port);
    for (size_t i = 0; i < raw.len; i++) {
        assert_int_equal(house.requests, 0);
        wire_send(&house.wire, fd, str_take(str_skip(raw, i), 1));
        loop_turn(&house.wire.loop, 0);
    }
    WAIT_FOR(&house.wire, wire_has(fd, &got, "\r\n\r\nabc"));
    close(fd);
    buffer_clear(&got);
    close_house();
}

TEST(pipelined_requests_are_answered_in_order_one_at_a_time)
{
    struct buffer got = {.max = MIB(1)};

    open_house();
    int fd = wire_connect(house.port);
    wire_send(&house.wire, fd,
              STR("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntwo"
                  "GET /3 HTTP/1.1\r\nHost: a\r\n\r\nGET /4 HTTP/1.1\r\nHo"));
    WAIT_FOR(&house.wire, house.waiting != NULL);
    wire_rest(&house.wire);
    assert_string_equal(house.seen, "/1 ");
    http_answer(house.waiting, 200, NULL, 0, STR("one"));
    assert_string_equal(house.seen, "/1 "); /* not taken up inside the answer */
    WAIT_FOR(&house.wire, house.requests == 3);
    assert_string_equal(house.seen, "/1 /echo /3 ");
    http_answer(house.waiting, 200, NULL, 0, STR("three"));
    wire_send(&house.wire, fd, STR("st: a\r\n\r\n"));
    WAIT_FOR(&house.wire, house.requests == 4);
    http_answer(house.waiting, 200, NULL, 0, STR("four"));
    WAIT_FOR(&house.wire, wire_has(fd, &got, "four"));
    ptrdiff_t one   = str_find(buffer_str(&got), STR("\r\n\r\none"));
    ptrdiff_t two   = str_find(buffer_str(&got), STR("\r\n\r\ntwo"));
    ptrdiff_t three = str_find(buffer_str(&got), STR("\r\n\r\nthree"));
    assert_true(one > 0 && two > one && three > two);
    close(fd);
    buffer_clear(&got);
    close_house();
}

TEST(a_thousand_pipelined_requests_are_all_answered)
{
    struct buffer all = {.max = MIB(1)}, got = {.max = MIB(4)};

    open_house();
    for (int i = 0; i < 1000; i++)
        buffer_append(&all, STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"));
    buffer_append(&all, STR("GET /echo HTTP/1.1\r\n" CLOSE));
    int fd = wire_connect(house.port);
    wire_send(&house.wire, fd, buffer_str(&all));
    WAIT_FOR(&house.wire, wire_read(fd, &got, NULL));
    assert_int_equal(house.requests, 1001);
    close(fd);
    buffer_clear(&all);
    buffer_clear(&got);
    close_house();
}

TEST(a_client_that_reads_no_answers_is_asked_for_no_more_requests)
{
    struct buffer got = {.max = MIB(16)};

    open_house();
    int fd   = wire_connect(house.port);
    int size = 131072;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    char  *all = calloc(1, MIB(9));
    size_t len = 0;
    for (int i = 0; i < 100; i++) {
        len += (size_t)snprintf(all + len, 100, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n");
        memset(all + len, 'x', 65536);
        len += 65536;
    }
    size_t sent = 0;
    for (int idle = 0; idle < 20;) {
        ssize_t put = send(fd, all + sent, len - sent, MSG_NOSIGNAL);
        loop_turn(&house.wire.loop, MILLISECONDS(1));
        idle = put > 0 ? 0 : idle + 1;
        sent += put > 0 ? (size_t)put : 0;
    }
    assert_true(house.requests < 100);
    assert_true(house.wire.budget.taken <= 4 * 65536);
    while (house.requests < 100 || sent < len) { /* and goes on when it reads */
        ssize_t put = sent < len ? send(fd, all + sent, len - sent, MSG_NOSIGNAL) : 0;
        sent += put > 0 ? (size_t)put : 0;
        loop_turn(&house.wire.loop, MILLISECONDS(1));
        wire_read(fd, &got, NULL);
        buffer_reset(&got);
    }
    close(fd);
    free(all);
    buffer_clear(&got);
    close_house();
}

TEST(memory_stays_flat_when_20_megabytes_are_not_read)
{
    struct buffer got  = {.max = MIB(32)};
    size_t        most = 0;

    open_house();
    memset(piece, 'x', sizeof piece);
    house.left = 20000000;
    int fd     = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("GET /stream HTTP/1.0\r\n\r\n"));
    WAIT_FOR(&house.wire, house.waiting != NULL);
    size_t stuck;
    do { /* the kernel's own buffers fill */
        stuck = house.left;
        wire_rest(&house.wire);
    } while (house.left != stuck);
    assert_true(stuck > 0);
    assert_true(http_answer_queued(house.waiting) <= CONN_HIGH + 2 * sizeof piece);
    assert_true(house.wire.budget.taken <= 3 * 65536);
    bool ended = false;
    for (int i = 0; i < 100000 && !ended; i++) {
        ended = wire_read(fd, &got, NULL);
        loop_turn(&house.wire.loop, 0);
        if (house.waiting != NULL && http_answer_queued(house.waiting) > most)
            most = http_answer_queued(house.waiting);
    }
    assert_true(ended);
    assert_true(house.writable > 0);
    assert_true(most <= CONN_HIGH + 2 * sizeof piece);
    assert_true(buffer_len(&got) > 20000000 && buffer_len(&got) < 20000400);
    close(fd);
    buffer_clear(&got);
    close_house();
}

TEST(a_half_close_while_waiting_is_leaving)
{
    open_house();
    int fd = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(&house.wire, house.waiting != NULL);
    shutdown(fd, SHUT_WR);
    WAIT_FOR(&house.wire, house.gone == 1);
    assert_int_equal(http_server_connections(house.server), 0);
    close(fd);
    close_house();
}

TEST(leaving_is_noticed_while_more_requests_wait_unread)
{
    struct buffer all = {.max = MIB(1)};

    open_house();
    int fd = wire_connect(house.port);
    for (int i = 0; i < 5000; i++)
        buffer_append(&all, STR("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    wire_send(&house.wire, fd, buffer_str(&all));
    WAIT_FOR(&house.wire, house.waiting != NULL);
    wire_rest(&house.wire);
    shutdown(fd, SHUT_WR);
    WAIT_FOR(&house.wire, house.gone == 1);
    assert_int_equal(house.requests, 1);
    close(fd);
    buffer_clear(&all);
    close_house();
}

TEST(a_reset_while_streaming_is_leaving)
{
    struct linger reset = {.l_onoff = 1};

    open_house();
    house.left = 20000000;
    int fd     = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(&house.wire, house.waiting != NULL);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    WAIT_FOR(&house.wire, house.gone == 1);
    close_house();
}

TEST(an_answer_that_cannot_be_whole_is_seen_to_be_broken)
{
    struct buffer got;
    bool          reset = false;

    open_house();
    struct str text = ask_and_read(STR("GET /chunks-cut HTTP/1.1\r\nHost: a\r\n\r\n"), &got, NULL);
    assert_true(str_ends(text, STR("3\r\none\r\n5\r\nthree\r\n")));
    buffer_clear(&got);
    text = ask_and_read(STR("GET /short HTTP/1.1\r\nHost: a\r\n\r\n"), &got, NULL);
    assert_true(str_ends(text, STR("Content-Length: 10\r\n\r\n12345")));
    buffer_clear(&got);
    text = ask_and_read(STR("GET /long HTTP/1.1\r\nHost: a\r\n\r\n"), &got, NULL);
    assert_true(str_ends(text, STR("Content-Length: 3\r\n\r\n123")));
    buffer_clear(&got);
    ask_and_read(STR("GET /chunks-cut HTTP/1.0\r\n\r\n"), &got, &reset);
    assert_true(reset);
    buffer_clear(&got);
    close_house();
}

TEST(a_refusal_at_the_head_reaches_a_client_that_is_still_sending)
{
    struct buffer got = {.max = MIB(1)};
    char         *big = calloc(1, MIB(4));

    open_house();
    int fd = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n"));
    wire_send(&house.wire, fd, str_of(big, MIB(4)));
    shutdown(fd, SHUT_WR);
    WAIT_FOR(&house.wire, wire_read(fd, &got, NULL));
    assert_true(str_starts(buffer_str(&got), STR("HTTP/1.1 403 Forbidden\r\n")));
    assert_true(str_ends(buffer_str(&got), STR("Connection: close\r\n\r\nno\n")));
    assert_int_equal(house.requests, 0);
    close(fd);
    free(big);
    buffer_clear(&got);
    close_house();
}

TEST(a_refusal_of_a_request_without_a_body_keeps_the_connection)
{
    struct buffer got = {.max = MIB(1)};

    open_house();
    int fd = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("GET /refuse HTTP/1.1\r\nHost: a\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(&house.wire, wire_has(fd, &got, "200 OK"));
    assert_true(wire_has(fd, &got, "403 Forbidden"));
    assert_false(wire_has(fd, &got, "Connection: close"));
    close(fd);
    buffer_clear(&got);
    close_house();
}

TEST(an_answer_begun_before_the_body_ends_the_reading_of_it)
{
    struct buffer got = {.max = MIB(1)};

    open_house();
    int fd = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"));
    WAIT_FOR(&house.wire, house.waiting != NULL);
    wire_send(&house.wire, fd, STR("0123456789"));
    wire_rest(&house.wire);
    assert_int_equal(house.requests, 0);
    http_answer_write(house.waiting, STR("done"));
    http_answer_end(house.waiting);
    WAIT_FOR(&house.wire, wire_read(fd, &got, NULL));
    assert_true(str_ends(buffer_str(&got), STR("Connection: close\r\n\r\ndone")));
    close(fd);
    buffer_clear(&got);
    close_house();
}

TEST(a_client_may_wait_for_100_continue)
{
    struct buffer got = {.max = MIB(1)};

    open_house();
    int fd = wire_connect(house.port);
    wire_send(&house.wire, fd,
              STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n"));
    WAIT_FOR(&house.wire, wire_has(fd, &got, "HTTP/1.1 100 Continue\r\n\r\n"));
    assert_int_equal(house.requests, 0);
    wire_send(&house.wire, fd, STR("abc"));
    WAIT_FOR(&house.wire, wire_has(fd, &got, "\r\n\r\nabc"));
    buffer_reset(&got);
    wire_send(&house.wire, fd,
              STR("POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
    WAIT_FOR(&house.wire, wire_read(fd, &got, NULL));
    assert_true(str_starts(buffer_str(&got), STR("HTTP/1.1 403 ")));
    close(fd);
    buffer_clear(&got);
    close_house();
}

TEST(each_wait_has_an_end)
{
    struct buffer got;

    open_house();
    house.limits.header_read = house.limits.body_read = house.limits.idle = MILLISECONDS(60);
    limit();
    struct str text = ask_and_read(STR("GET /echo HTTP/1.1\r\nHost"), &got, NULL);
    assert_true(str_starts(text, STR("HTTP/1.1 408 Request Timeout\r\n")));
    buffer_clear(&got);
    text = ask_and_read(STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na"), &got, NULL);
    assert_true(str_starts(text, STR("HTTP/1.1 408 Request Timeout\r\n")));
    buffer_clear(&got);
    text = ask_and_read(STR("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"), &got, NULL); /* then idle */
    assert_true(str_starts(text, STR("HTTP/1.1 200 OK\r\n")));
    buffer_clear(&got);
    text = ask_and_read(STR_NONE, &got, NULL); /* says nothing at all */
    assert_int_equal(text.len, 0);
    buffer_clear(&got);
    close_house();
}

TEST(dripping_does_not_move_the_deadline_of_a_head_or_a_whole_body)
{
    const struct str starts[] = {STR("GET /echo HTTP/1.1\r\nX-A: "),
                                 STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n")};

    open_house();
    house.limits.header_read = house.limits.body_whole = MILLISECONDS(100);
    limit();
    for (int i = 0; i < 2; i++) {
        struct buffer got = {.max = MIB(1)};
        int           fd  = wire_connect(house.port);
        wire_send(&house.wire, fd, starts[i]);
        mono_time began = clock_mono();
        while (!wire_has(fd, &got, "408 Request Timeout")) {
            wire_send(&house.wire, fd, STR("x"));
            loop_turn(&house.wire.loop, MILLISECONDS(5));
            assert_true(clock_mono() < began + SECONDS(5));
        }
        close(fd);
        buffer_clear(&got);
    }
    close_house();
}

TEST(a_client_that_does_not_read_a_whole_answer_is_let_go)
{
    open_house();
    house.limits.send = MILLISECONDS(80);
    limit();
    int fd = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(&house.wire, house.waiting != NULL);
    char *big = calloc(1, 20000000);
    http_answer(house.waiting, 200, NULL, 0, str_of(big, 20000000));
    assert_true(house.wire.budget.taken > 0);
    WAIT_FOR(&house.wire, http_server_connections(house.server) == 0);
    assert_int_equal(house.wire.budget.taken, 0);
    free(big);
    close(fd);
    close_house();
}

TEST(an_answer_over_the_budget_is_cut_not_kept)
{
    open_house();
    house.wire.budget.max = 200000;
    int fd                = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(&house.wire, house.waiting != NULL);
    char *big = calloc(1, 20000000);
    assert_true(http_answer_head(house.waiting, 200, NULL, 0, 30000000));
    assert_false(http_answer_write(house.waiting, str_of(big, 20000000)));
    assert_int_equal(house.gone, 0);
    WAIT_FOR(&house.wire, house.gone == 1);
    free(big);
    close(fd);
    close_house();
}

static void
on_drained(void *owner)
{
    ((struct house *)owner)->drained = true;
}

TEST(draining_lets_what_is_under_way_finish)
{
    struct buffer got = {.max = MIB(1)}, rest = {.max = MIB(1)};

    open_house();
    int idle = wire_connect(house.port);
    wire_send(&house.wire, idle, STR("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(&house.wire, wire_has(idle, &rest, "200 OK"));
    int fd = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(&house.wire, house.waiting != NULL);
    http_server_drain(house.server, on_drained);
    WAIT_FOR(&house.wire, wire_read(idle, &rest, NULL));
    close(idle);
    wire_rest(&house.wire);
    assert_false(house.drained);
    int                late = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to   = {
          .sin_family = AF_INET, .sin_port = htons(house.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(connect(late, (struct sockaddr *)&to, sizeof to), -1);
    close(late);
    http_answer(house.waiting, 200, NULL, 0, STR("last"));
    WAIT_FOR(&house.wire, wire_read(fd, &got, NULL));
    assert_true(str_ends(buffer_str(&got), STR("Connection: close\r\n\r\nlast")));
    close(fd);
    WAIT_FOR(&house.wire, house.drained);
    buffer_clear(&got);
    buffer_clear(&rest);
    close_house();
}

TEST(a_server_may_be_freed_with_requests_under_way)
{
    open_house();
    int fd = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    int half = wire_connect(house.port);
    wire_send(&house.wire, half, STR("GET /wait HTTP/1.1\r\nHo"));
    WAIT_FOR(&house.wire, house.waiting != NULL && http_server_connections(house.server) == 2);
    close_house();
    assert_int_equal(house.gone, 1);
    close(fd);
    close(half);
}

TEST(a_request_may_be_cut_in_each_of_its_callbacks)
{
    const struct str requests[] = {STR("GET /cut-at-head HTTP/1.1\r\nHost: a\r\n\r\n"),
                                   STR("POST /cut-at-head HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
                                   STR("GET /cut HTTP/1.1\r\nHost: a\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n"),
                                   STR("POST /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")};
    struct buffer    got;

    open_house();
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        assert_int_equal(ask_and_read(requests[i], &got, NULL).len, 0);
        buffer_clear(&got);
    }
    house.left              = 20000000;
    house.cut_when_writable = true;
    int fd                  = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(&house.wire, house.waiting != NULL);
    got = (struct buffer){.max = MIB(32)};
    WAIT_FOR(&house.wire, wire_read(fd, &got, NULL));
    assert_int_equal(house.writable, 1);
    assert_int_equal(house.gone, 0);
    buffer_clear(&got);
    close(fd);
    close_house();
}

TEST(at_the_limit_the_longest_idle_makes_room_and_else_accepting_waits)
{
    struct buffer a = {.max = MIB(1)}, b = {.max = MIB(1)}, c = {.max = MIB(1)};

    open_house();
    house.limits.connections = 2;
    limit();
    int first = wire_connect(house.port);
    wire_send(&house.wire, first, STR("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(&house.wire, wire_has(first, &a, "200 OK"));
    int second = wire_connect(house.port);
    wire_send(&house.wire, second, STR("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(&house.wire, house.waiting != NULL);
    struct http_request *held  = house.waiting;
    int                  third = wire_connect(house.port);
    wire_send(&house.wire, third, STR("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(&house.wire, wire_read(first, &a, NULL));
    WAIT_FOR(&house.wire, house.waiting != held);
    int fourth = wire_connect(house.port);
    wire_send(&house.wire, fourth, STR("GET /echo HTTP/1.1\r\n" CLOSE));
    wire_rest(&house.wire);
    assert_int_equal(house.requests, 3);
    http_answer(held, 200, NULL, 0, STR("x")); /* idle now: makes room when the next is accepted */
    WAIT_FOR(&house.wire, wire_has(second, &b, "200 OK"));
    close(second);
    WAIT_FOR(&house.wire, wire_read(fourth, &c, NULL));
    assert_int_equal(house.requests, 4);
    close(first);
    close(third);
    close(fourth);
    buffer_clear(&a);
    buffer_clear(&b);
    buffer_clear(&c);
    WAIT_FOR(&house.wire, house.gone == 1);
    close_house();
}

TEST(without_descriptors_accepting_rests_and_comes_back)
{
    struct buffer got = {.max = MIB(1)};
    struct rlimit was, none;

    open_house();
    int fd = wire_connect(house.port);
    wire_send(&house.wire, fd, STR("GET /echo HTTP/1.1\r\n" CLOSE));
    getrlimit(RLIMIT_NOFILE, &was);
    none          = was;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    wire_rest(&house.wire);
    assert_int_equal(http_server_connections(house.server), 0);
    setrlimit(RLIMIT_NOFILE, &was);
    WAIT_FOR(&house.wire, wire_read(fd, &got, NULL));
    assert_true(str_starts(buffer_str(&got), STR("HTTP/1.1 200 OK\r\n")));
    close(fd);
    buffer_clear(&got);
    close_house();
}

TEST(an_address_in_use_is_said_so)
{
    struct error err = {0};

    open_house();
    assert_false(http_server_listen(house.server, "127.0.0.1", house.port, NULL, &err));
    assert_int_equal(err.code, ERROR_BUSY);
    assert_non_null(strstr(err.text, "127.0.0.1"));
    assert_false(http_server_listen(house.server, "localhost", 0, NULL, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    close_house();
}
