#include "child/lines.h"

#include "child/ring.h"
#include "test.h"

struct heard {
    struct buffer text; /* each line with '|' behind, a skipped one as '!' */
    size_t        oversize;
    size_t        stop_after;
    char          begin[16]; /* of a line that is skipped */
};

static bool
hear(void *owner, struct str line)
{
    struct heard *h = owner;

    buffer_append(&h->text, line);
    buffer_append_char(&h->text, '|');
    return h->stop_after == 0 || --h->stop_after > 0;
}

static bool
hear_oversize(void *owner, size_t bytes)
{
    struct heard *h = owner;

    h->oversize = bytes;
    return buffer_append_char(&h->text, '!');
}

static void
hear_part(void *owner, struct str so_far)
{
    struct heard *h = owner;

    snprintf(h->begin, sizeof h->begin, "%.*s", STR_ARG(so_far));
}

static const struct lines_events events = {.on_line = hear, .on_part = hear_part, .on_oversize = hear_oversize};

/* Feeds `text` in pieces of `size`. */
static void
feed(struct heard *h, struct lines *l, struct str text, size_t size)
{
    *h = (struct heard){.text = {.max = KIB(4)}};
    for (; text.len > 0; text = str_skip(text, size))
        assert_true(lines_feed(l, str_take(text, size), &events, h));
    assert_true(lines_finish(l, &events, h));
}

TEST(lines_are_the_same_however_they_are_cut)
{
    struct str   text = STR("one\r\n\ntwo\n12345678\n123456789\n12345678\r\nthree\rfour\nlast");
    struct heard h;

    for (size_t size = 1; size <= text.len; size++) {
        struct lines l = {.max = 10};
        feed(&h, &l, text, size);
        assert_str(buffer_str(&h.text), "one||two|12345678|123456789|12345678|three\rfour|last|");
        buffer_clear(&h.text);
        l.max = 8;
        feed(&h, &l, text, size);
        assert_str(buffer_str(&h.text), "one||two|12345678|!12345678|!last|");
        assert_in_range(h.oversize, 10, 10);
        buffer_clear(&h.text);
        l.max = 4;
        l.cut = true;
        feed(&h, &l, text, size);
        assert_str(buffer_str(&h.text), "one||two|1234|1234|1234|thre|last|");
        buffer_clear(&h.text);
        lines_clear(&l);
    }
}

TEST(the_begin_of_a_line_that_is_skipped_is_shown)
{
    struct heard h;
    struct lines l = {.max = 8};

    feed(&h, &l, STR("123456789abc\nx\n"), 4);
    assert_string_equal(h.begin, "12345678");
    buffer_clear(&h.text);
    feed(&h, &l, STR("123456789abc\nx\n"), 10);
    assert_string_equal(h.begin, "123456789a");
    buffer_clear(&h.text);
    feed(&h, &l, STR("123456789abc\nx\n"), 100);
    assert_string_equal(h.begin, "123456789abc");
    buffer_clear(&h.text);
    lines_clear(&l);
}

TEST(what_is_held_is_bounded_by_the_budget_and_given_back)
{
    struct budget budget = {.max = 10};
    struct lines  l      = {.max = 100, .budget = &budget};
    struct heard  h;

    feed(&h, &l, STR("12345678901\nshort\nlast"), 4);
    assert_str(buffer_str(&h.text), "!short|last|");
    assert_string_equal(h.begin, "12345678");
    assert_int_equal(budget.taken, 0);
    buffer_clear(&h.text);
    lines_clear(&l);
}

TEST(a_long_line_leaves_no_memory_behind)
{
    struct lines l   = {.max = MIB(2)};
    struct heard h   = {.text = {.max = 1}};
    char        *big = malloc(MIB(1));

    memset(big, 'x', MIB(1));
    assert_true(lines_feed(&l, str_of(big, MIB(1)), &events, &h));
    assert_true(l.held.cap >= MIB(1));
    assert_true(lines_feed(&l, STR("\n"), &events, &h));
    assert_int_equal(l.held.cap, 0);
    free(big);
    lines_clear(&l);
    buffer_clear(&h.text);
}

TEST(a_callback_stops_the_feeding)
{
    struct lines l = {.max = 100};
    struct heard h = {.text = {.max = 100}, .stop_after = 2};

    assert_false(lines_feed(&l, STR("a\nb\nc\n"), &events, &h));
    assert_str(buffer_str(&h.text), "a|b|");
    lines_clear(&l);
    buffer_clear(&h.text);
}

static void
hear_kept(void *arg, struct str line)
{
    hear(arg, line);
}

TEST(the_ring_forgets_the_oldest)
{
    struct ring  r = {0};
    struct heard h = {.text = {.max = KIB(4)}};

    ring_each(&r, hear_kept, &h);
    assert_int_equal(buffer_len(&h.text), 0);
    for (int i = 0; i < CHILD_STDERR_LINES; i++)
        ring_add(&r, STR("x"));
    ring_add(&r, STR_NONE);
    ring_add(&r, STR("newest"));
    ring_each(&r, hear_kept, &h);
    assert_int_equal(buffer_len(&h.text), (CHILD_STDERR_LINES - 2) * 2 + 8);
    assert_true(str_ends(buffer_str(&h.text), STR("x||newest|")));
    ring_clear(&r);
    buffer_clear(&h.text);
}
