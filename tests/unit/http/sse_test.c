#include "http/sse.h"

#include "test.h"

/* What was told, written so that it can be compared: one line an event, "[type|id|data|retry]", "-" for what is not
 * there; and all raw bytes, one behind the other. */
struct heard {
    struct buffer text;
    struct buffer raw;
    struct buffer so_far; /* of the data, as it was shown before the event was whole */
    unsigned      count;
    unsigned      stop_after; /* 0: never */
};

static void
note(struct heard *h, struct str s, bool is_there)
{
    assert_true(buffer_append(&h->text, is_there ? s : STR("-")));
}

static bool
hear(void *owner, const struct sse_event *event)
{
    struct heard *h = owner;

    assert_true(event->is_joined || str_starts(event->data, buffer_str(&h->so_far)));
    buffer_reset(&h->so_far);
    buffer_append(&h->text, STR("["));
    note(h, event->type, event->type.len > 0);
    buffer_append(&h->text, STR("|"));
    note(h, event->id, event->has_id);
    buffer_append(&h->text, STR("|"));
    note(h, event->data, event->data.data != NULL);
    buffer_append(&h->text, STR("|"));
    note(h, event->retry, event->retry.len > 0);
    buffer_append(&h->text, STR("]"));
    assert_true(buffer_append(&h->raw, event->raw));
    h->count++;
    return h->count != h->stop_after;
}

static struct heard
heard_nothing(void)
{
    return (struct heard){.text.max = MIB(32), .raw.max = MIB(32), .so_far.max = MIB(1)};
}

static void
forget(struct heard *h)
{
    buffer_clear(&h->text);
    buffer_clear(&h->raw);
    buffer_clear(&h->so_far);
}

/* Feeds `stream` in pieces of `size`; each piece lies in memory of its own, so that ASan sees a slice that outlives it.
 */
static bool
feed_in_pieces(struct sse_parser *p, struct str stream, size_t size, struct heard *h, struct error *err)
{
    bool ok = true;

    for (size_t at = 0; ok && at < stream.len; at += size) {
        struct str piece = str_take(str_skip(stream, at), size);
        char      *copy  = malloc(piece.len);
        memcpy(copy, piece.data, piece.len);
        ok = sse_feed(p, str_of(copy, piece.len), hear, h, err);
        free(copy);
        struct str data = ok ? sse_data_so_far(p) : STR_NONE;
        if (data.len > 0) {
            buffer_reset(&h->so_far);
            buffer_append(&h->so_far, str_take(data, 1024));
        }
    }
    return ok;
}

/* The stream means `wanted`, however it is cut. */
static void
check(struct str stream, const char *wanted)
{
    for (size_t size = stream.len; size > 0; size--) {
        struct sse_parser p;
        struct heard      h   = heard_nothing();
        struct error      err = {0};
        sse_init(&p, 1024);
        assert_true(feed_in_pieces(&p, stream, size, &h, &err));
        if (!str_eq(buffer_str(&h.text), str_from(wanted)))
            fail_msg("in pieces of %zu: got %.*s, wanted %s", size, STR_ARG(buffer_str(&h.text)), wanted);
        sse_clear(&p);
        forget(&h);
    }
}

TEST(fields_make_an_event)
{
    check(STR("event: message\nid: 7\ndata: {\"a\":1}\nretry: 3000\n\n"), "[message|7|{\"a\":1}|3000]");
    check(STR("data:x\n\ndata: y\n\ndata:  z\n\n"), "[-|-|x|-][-|-|y|-][-|-| z|-]");
}

TEST(lines_end_in_any_of_three_ways)
{
    check(STR("data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n"), "[-|-|a\nb|-][-|-|c|-]");
    check(STR("data: a\rdata: b\r\rdata: c\r\r"), "[-|-|a\nb|-][-|-|c|-]");
    check(STR("data: a\rdata: b\n\r\ndata: c\n\r"), "[-|-|a\nb|-][-|-|c|-]");
    check(STR("\r\n\n\rdata: a\n\n\n\r\r\n"), "[-|-|a|-]");
}

TEST(data_lines_are_joined_and_empty_ones_count)
{
    check(STR("data\n\n"), "[-|-||-]");
    check(STR("data\ndata\n\n"), "[-|-|\n|-]");
    check(STR("data: a\ndata:\ndata: b\n\n"), "[-|-|a\n\nb|-]");
    check(STR("data:\nid: 1\n\n"), "[-|1||-]"); /* how a server of 2025-11-25 opens a stream that can be resumed */
}

TEST(comments_and_unknown_fields_mean_nothing)
{
    check(STR(": ping\n\n:\n: x\ndata: a\n: inside\nfoo: bar\n\n: y\n\n"), "[-|-|a|-]");
    check(STR(":\r\r:\r\n\r\n"), "");
}

TEST(an_event_without_data_shows_its_id_and_retry)
{
    check(STR("id: 9\n\nretry: 10\n\n"), "[-|9|-|-][-|-|-|10]");
    check(STR("id\n\n"), "[-||-|-]");
    check(STR("retry: 1x\nid: a\0b\ndata: d\n\n"), "[-|-|d|-]");
}

TEST(a_byte_order_mark_is_dropped_at_the_start_only)
{
    check(STR("\xEF\xBB\xBF"
              "data: a\n\n\xEF\xBB\xBF"
              "data: b\n\n"),
          "[-|-|a|-][-|-|-|-]");
    check(STR("\xEF\xBB"
              "data: a\ndata: b\n\n"),
          "[-|-|b|-]");
    check(STR("\xEF\xBB\xBF: c\n\xEF: c\ndata: b\n\n"), "[-|-|b|-]");
}

TEST(a_parser_that_was_cleared_begins_anew)
{
    struct sse_parser p;
    struct heard      h = heard_nothing();

    sse_init(&p, 1024);
    assert_true(sse_feed(&p, STR("id: 1\ndata: a\nretry: 10"), hear, &h, NULL));
    sse_clear(&p);
    assert_true(sse_feed(&p, STR("\xEFx: y\ndata: b\n\n"), hear, &h, NULL));
    assert_str(buffer_str(&h.text), "[-|-|b|-]");
    sse_clear(&p);
    forget(&h);
}

TEST(an_unfinished_event_is_none)
{
    check(STR("data: a\n\ndata: b\n"), "[-|-|a|-]");
    check(STR("data: a"), "");
}

TEST(an_event_within_one_piece_is_not_copied)
{
    struct str        stream = STR(": hello\nid: 1\ndata: a\n\ndata: b\n\n");
    struct sse_parser p;
    struct heard      h = heard_nothing();

    sse_init(&p, 1024);
    assert_true(sse_feed(&p, stream, hear, &h, NULL));
    assert_str(buffer_str(&h.raw), "id: 1\ndata: a\n\ndata: b\n\n");
    assert_null(p.partial.data);
    assert_null(p.joined.data);
    assert_true(sse_is_between_events(&p));
    assert_true(sse_feed(&p, STR("data: c"), hear, &h, NULL));
    assert_false(sse_is_between_events(&p));
    assert_true(sse_feed(&p, STR("\n\n: half a comm"), hear, &h, NULL));
    assert_false(sse_is_between_events(&p));
    assert_str(buffer_str(&h.raw), "id: 1\ndata: a\n\ndata: b\n\ndata: c\n\n");
    sse_clear(&p);
    forget(&h);
}

TEST(data_on_one_line_is_shown_while_it_comes)
{
    struct sse_parser p;
    struct heard      h = heard_nothing();

    sse_init(&p, 1024);
    assert_true(sse_feed(&p, STR(": x\nevent: message\nid: 1\ndata: ab"), hear, &h, NULL));
    assert_str(sse_data_so_far(&p), "ab");
    assert_true(sse_feed(&p, STR("cd"), hear, &h, NULL));
    assert_str(sse_data_so_far(&p), "abcd");
    assert_true(sse_feed(&p, STR("\ndata: of another line"), hear, &h, NULL));
    assert_int_equal(sse_data_so_far(&p).len, 0);
    assert_true(sse_feed(&p, STR("\n\ndata: e"), hear, &h, NULL));
    assert_str(sse_data_so_far(&p), "e");
    assert_true(sse_feed(&p, STR("f\n\n"), hear, &h, NULL));
    assert_str(buffer_str(&h.text), "[message|1|abcd\nof another line|-][-|-|ef|-]");
    sse_clear(&p);
    forget(&h);
}

TEST(an_event_over_the_limit_is_an_error_and_costs_no_more_memory)
{
    struct str        stream = STR("data: 0123456789\ndata: 0123456789\n\n");
    struct sse_parser p;

    for (size_t size = 1; size <= stream.len; size++) {
        for (size_t max = stream.len - 1; max <= stream.len; max++) {
            struct heard h   = heard_nothing();
            struct error err = {0};
            sse_init(&p, max);
            bool ok = feed_in_pieces(&p, stream, size, &h, &err);
            assert_int_equal(ok, max == stream.len);
            assert_int_equal(h.count, ok ? 1 : 0);
            assert_int_equal(err.code, ok ? ERROR_NONE : ERROR_TOO_LARGE);
            assert_true(p.partial.cap <= max);
            sse_clear(&p);
            forget(&h);
        }
    }
}

TEST(a_comment_may_be_endless)
{
    struct sse_parser p;
    struct heard      h = heard_nothing();

    sse_init(&p, 64);
    assert_true(sse_feed(&p, STR(":"), hear, &h, NULL));
    for (int i = 0; i < 1000; i++)
        assert_true(sse_feed(&p, STR("data: this is still the comment"), hear, &h, NULL));
    assert_true(sse_feed(&p, STR("\ndata: a\n\n"), hear, &h, NULL));
    assert_str(buffer_str(&h.text), "[-|-|a|-]");
    sse_clear(&p);
    forget(&h);
}

TEST(memory_of_a_big_event_goes_back)
{
    struct sse_parser p;
    struct heard      h = heard_nothing();
    static char       big[MIB(1)];

    memset(big, 'x', sizeof big);
    sse_init(&p, MIB(4));
    assert_true(sse_feed(&p, STR("data: "), hear, &h, NULL));
    assert_true(sse_feed(&p, str_of(big, sizeof big), hear, &h, NULL));
    assert_true(sse_feed(&p, STR("\ndata: y\n\n"), hear, &h, NULL));
    assert_int_equal(h.count, 1);
    assert_int_equal(p.partial.cap, 0);
    assert_int_equal(p.joined.cap, 0);
    sse_clear(&p);
    forget(&h);
}

TEST(an_owner_that_wants_no_more_gets_no_more)
{
    struct sse_parser p;
    struct heard      h = heard_nothing();

    h.stop_after = 1;
    sse_init(&p, 64);
    assert_true(sse_feed(&p, STR("data: a\n\ndata: b\n\n"), hear, &h, NULL));
    assert_int_equal(h.count, 1);
    sse_clear(&p);
    forget(&h);
}

TEST(what_is_written_reads_the_same)
{
    struct buffer    text  = {.max = 1024};
    struct sse_event event = {.type = STR("message"), .id = STR("4"), .has_id = true, .data = STR("a\nb\r\nc\rd")};

    assert_true(sse_format(&text, &event));
    assert_str(buffer_str(&text), "event: message\nid: 4\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
    check(buffer_str(&text), "[message|4|a\nb\nc\nd|-]");
    buffer_reset(&text);
    assert_true(sse_format(&text, &(struct sse_event){.data = STR(""), .retry = STR("50")}));
    assert_str(buffer_str(&text), "retry: 50\ndata: \n\n");
    buffer_reset(&text);
    assert_true(sse_format(&text, &(struct sse_event){.data = STR("\n")}));
    assert_str(buffer_str(&text), "data: \ndata: \n\n");
    buffer_clear(&text);
}

TEST(nothing_is_smuggled_through_a_field)
{
    struct buffer text = {.max = 64};

    assert_true(buffer_append(&text, STR("before")));
    assert_false(sse_format(&text, &(struct sse_event){.type = STR("a\nb"), .data = STR("x")}));
    assert_false(sse_format(&text, &(struct sse_event){.id = STR("a\rb"), .has_id = true, .data = STR("x")}));
    assert_false(sse_format(&text, &(struct sse_event){.id = STR("a\0b"), .has_id = true, .data = STR("x")}));
    static char big[100];
    assert_false(sse_format(&text, &(struct sse_event){.data = str_of(big, sizeof big)}));
    assert_str(buffer_str(&text), "before");
    buffer_clear(&text);
}
