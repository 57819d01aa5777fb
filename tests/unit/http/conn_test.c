#include "http/conn.h"

#include "base/lent.h"
#include "http/wire.h"
#include "test.h"

/* One connection of ours over a pair of sockets; the test is the other end. */
struct end {
    struct wire     wire;
    struct conn    *conn;
    int             fd;
    struct buffer   got;
    int             closed;
    int             drained;
    int             ready;
    enum error_code why;
    bool            pause_at_data;
    bool            close_at_data, close_at_drained, close_at_ready;
};

static struct end end;

static void
close_it(struct end *e)
{
    conn_close(e->conn);
    e->conn = NULL;
}

static void
on_data(void *owner, struct str bytes)
{
    struct end *e = owner;

    assert_non_null(e->conn);
    assert_true(buffer_append(&e->got, bytes));
    if (e->close_at_data)
        close_it(e);
    else if (e->pause_at_data)
        conn_set_reading(e->conn, false);
}

static void
on_drained(void *owner)
{
    struct end *e = owner;

    e->drained++;
    if (e->close_at_drained)
        close_it(e);
}

static void
on_ready(void *owner)
{
    struct end *e = owner;

    e->ready++;
    if (e->close_at_ready)
        close_it(e);
}

static void
on_closed(void *owner, const struct error *err)
{
    struct end *e = owner;

    e->closed++;
    e->why = err == NULL ? ERROR_NONE : err->code;
    close_it(e);
}

static const struct conn_events outgoing = {on_data, on_drained, on_ready, on_closed, false};
static const struct conn_events accepted = {on_data, on_drained, NULL, on_closed, true};

static void
open_end(const struct conn_events *events)
{
    struct error err = {0};
    int          pair[2];

    end = (struct end){.got = {.max = MIB(64)}};
    wire_init(&end.wire);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    end.fd   = pair[1];
    end.conn = conn_new(&end.wire.net, pair[0], NULL, events, &end, &err);
    assert_non_null(end.conn);
}

static void
close_end(void)
{
    conn_close(end.conn);
    close(end.fd);
    buffer_clear(&end.got);
    wire_clear(&end.wire);
}

static char large[300000];

TEST(small_writes_leave_together_when_the_turn_ends)
{
    struct buffer got = {.max = MIB(1)};

    open_end(&accepted);
    assert_true(conn_write(end.conn, STR("head ")));
    assert_true(conn_write(end.conn, STR("body")));
    assert_int_equal(conn_queued(end.conn), 9);
    assert_false(wire_read(end.fd, &got, NULL));
    assert_int_equal(buffer_len(&got), 0);
    WAIT_FOR(&end.wire, wire_has(end.fd, &got, "head body"));
    assert_int_equal(conn_queued(end.conn), 0);
    assert_int_equal(conn_written(end.conn), 9);
    buffer_clear(&got);
    close_end();
}

TEST(a_large_write_leaves_at_once_behind_what_was_gathered)
{
    struct buffer got = {.max = MIB(1)};

    open_end(&accepted);
    conn_write(end.conn, STR("head "));
    conn_write(end.conn, str_of(large, CONN_AT_ONCE));
    wire_read(end.fd, &got, NULL);
    assert_int_equal(buffer_len(&got), 5 + CONN_AT_ONCE);
    assert_true(str_starts(buffer_str(&got), STR("head ")));
    buffer_clear(&got);
    close_end();
}

TEST(a_peer_that_does_not_read_makes_it_full_until_it_does)
{
    struct buffer got = {.max = MIB(4)};

    open_end(&accepted);
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)(i % 251);
    conn_write(end.conn, str_of(large, sizeof large));
    conn_write(end.conn, str_of(large, sizeof large));
    assert_true(conn_is_full(end.conn));
    assert_true(end.wire.budget.taken > 0);
    wire_rest(&end.wire);
    assert_int_equal(end.drained, 0);
    WAIT_FOR(&end.wire, (wire_read(end.fd, &got, NULL), end.drained == 1));
    assert_false(conn_is_full(end.conn));
    WAIT_FOR(&end.wire, (wire_read(end.fd, &got, NULL), buffer_len(&got) == 2 * sizeof large));
    assert_memory_equal(got.data + got.from + sizeof large, large, sizeof large);
    assert_int_equal(end.wire.budget.taken, 0);
    buffer_clear(&got);
    close_end();
}

/* The rest that waits keeps all of it in memory. */
TEST(what_is_lent_is_paid_for_as_a_whole_until_the_last_of_it_has_left)
{
    struct buffer got = {.max = MIB(8)}, b = {.max = MIB(8)};

    open_end(&accepted);
    for (size_t i = 0; i < MIB(8) / sizeof large; i++)
        assert_true(buffer_append(&b, str_of(large, sizeof large)));
    size_t       len  = buffer_len(&b);
    struct lent *lent = lent_begin(&b);
    assert_true(conn_write(end.conn, lent_str(lent)));
    lent_end(lent);
    assert_true(conn_queued(end.conn) < len);
    assert_true(end.wire.budget.taken >= len);
    WAIT_FOR(&end.wire, (wire_read(end.fd, &got, NULL), buffer_len(&got) == len));
    assert_int_equal(end.wire.budget.taken, 0);
    buffer_clear(&got);
    close_end();
}

TEST(while_reading_is_off_the_bytes_stay_and_come_later_even_after_the_end)
{
    open_end(&outgoing);
    end.pause_at_data = true;
    assert_int_equal(write(end.fd, "one", 3), 3);
    WAIT_FOR(&end.wire, buffer_len(&end.got) == 3);
    assert_int_equal(write(end.fd, "two", 3), 3);
    shutdown(end.fd, SHUT_WR);
    wire_rest(&end.wire);
    assert_int_equal(buffer_len(&end.got), 3);
    assert_int_equal(end.closed, 0);
    end.pause_at_data = false;
    conn_set_reading(end.conn, true);
    WAIT_FOR(&end.wire, end.closed == 1);
    assert_str(buffer_str(&end.got), "onetwo");
    assert_int_equal(end.why, ERROR_NONE);
    close_end();
}

TEST(who_wants_to_notice_leaving_does_so_while_reading_is_off)
{
    open_end(&accepted);
    conn_set_reading(end.conn, false);
    assert_int_equal(write(end.fd, "one", 3), 3);
    wire_rest(&end.wire);
    assert_int_equal(end.closed, 0);
    shutdown(end.fd, SHUT_WR);
    WAIT_FOR(&end.wire, end.closed == 1);
    assert_int_equal(buffer_len(&end.got), 0);
    close_end();
}

TEST(each_callback_may_close)
{
    struct buffer got = {.max = MIB(4)};

    open_end(&accepted);
    end.close_at_data = true;
    conn_write(end.conn, STR("never sent"));
    assert_int_equal(write(end.fd, "x", 1), 1);
    WAIT_FOR(&end.wire, end.conn == NULL);
    close_end();

    open_end(&outgoing);
    end.close_at_ready = true;
    WAIT_FOR(&end.wire, end.conn == NULL);
    assert_int_equal(end.ready, 1);
    close_end();

    open_end(&accepted);
    end.close_at_drained = true;
    conn_write(end.conn, str_of(large, sizeof large));
    conn_write(end.conn, str_of(large, sizeof large));
    WAIT_FOR(&end.wire, (wire_read(end.fd, &got, NULL), end.conn == NULL));
    assert_int_equal(end.drained, 1);
    assert_int_equal(end.closed, 0);
    buffer_clear(&got);
    close_end();
}

TEST(a_write_to_a_peer_that_left_is_told_later_never_inside)
{
    open_end(&accepted);
    close(end.fd);
    assert_false(conn_write(end.conn, str_of(large, sizeof large)));
    assert_int_equal(end.closed, 0);
    assert_false(conn_write(end.conn, STR("more")));
    WAIT_FOR(&end.wire, end.closed == 1);
    assert_int_equal(end.why, ERROR_CLOSED);
    end.fd = dup(0);
    close_end();
}

TEST(finishing_writes_out_and_waits_for_the_peer_to_close)
{
    struct buffer got = {.max = MIB(4)};

    open_end(&accepted);
    conn_write(end.conn, str_of(large, sizeof large));
    conn_write(end.conn, STR("the end"));
    conn_finish(end.conn);
    end.conn = NULL;
    assert_int_equal(write(end.fd, "ignored", 7), 7);
    WAIT_FOR(&end.wire, wire_read(end.fd, &got, NULL));
    assert_true(str_ends(buffer_str(&got), STR("the end")));
    assert_int_equal(end.wire.net.finishing_count, 1);
    shutdown(end.fd, SHUT_WR);
    WAIT_FOR(&end.wire, end.wire.net.finishing_count == 0);
    assert_int_equal(buffer_len(&end.got), 0);
    buffer_clear(&got);
    close_end();
}

TEST(a_finishing_connection_does_not_outlive_its_net)
{
    open_end(&accepted);
    conn_write(end.conn, str_of(large, sizeof large));
    conn_write(end.conn, str_of(large, sizeof large));
    conn_finish(end.conn);
    end.conn = NULL;
    close_end(); /* under ASan nothing leaks */
}

TEST(a_port_where_nobody_listens_is_unreachable)
{
    struct sockaddr_in at  = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t          len = sizeof at;
    struct error       err = {0};

    open_end(&accepted);
    int taken = socket(AF_INET, SOCK_STREAM, 0); /* bound, not listening */
    assert_int_equal(bind(taken, (struct sockaddr *)&at, len), 0);
    getsockname(taken, (struct sockaddr *)&at, &len);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(fd, (struct sockaddr *)&at, len);
    conn_close(end.conn);
    end.conn = conn_new(&end.wire.net, fd, NULL, &outgoing, &end, &err);
    assert_true(conn_write(end.conn, STR("hello"))); /* waits for the connection */
    WAIT_FOR(&end.wire, end.closed == 1);
    assert_int_equal(end.why, ERROR_UNREACHABLE);
    assert_int_equal(end.ready, 0);
    close(taken);
    close_end();
}
