#include "base/lent.h"

#include "test.h"

/* A buffer with room in front, and `len` bytes of which those of `id` are in the middle, at `at`. */
static struct buffer
gathered(size_t len, size_t at)
{
    struct buffer b = {.max = MIB(2)};

    for (size_t i = 0; i < len; i++)
        assert_true(buffer_append_behind(&b, i >= at && i < at + 2 ? STR("#") : STR("."), LENT_ROOM));
    return b;
}

TEST(what_is_lent_is_kept_by_who_keeps_it)
{
    struct buffer b = gathered(LENT_MIN + 10, 3);
    struct lent  *l = lent_begin(&b);

    assert_non_null(l);
    assert_int_equal(buffer_len(&b), 0);
    struct str text = lent_str(l);
    assert_int_equal(text.len, LENT_MIN + 10);
    assert_null(lent_keep(str_take(text, LENT_MIN - 1))); /* not worth it */
    struct lent *kept = lent_keep(str_skip(text, 10));
    assert_ptr_equal(kept, l);
    lent_end(l);
    assert_null(lent_keep(text)); /* it is not lent any more */
    assert_int_equal(text.data[3], '#');
    lent_unref(kept);
    assert_null(lent_keep(text));
}

TEST(what_is_small_is_not_lent)
{
    struct buffer b = gathered(LENT_MIN - 1, 0);

    assert_null(lent_begin(&b));
    assert_int_equal(buffer_len(&b), LENT_MIN - 1);
    lent_end(NULL);
    buffer_clear(&b);
}

TEST(a_place_is_replaced_where_it_lies)
{
    static const char *const ids[]    = {"", "7", "42", "\"a longer one\""};
    static const size_t      places[] = {0, 9, LENT_MIN / 2, LENT_MIN + 90, LENT_MIN + 98};

    for (size_t i = 0; i < 4 * 5; i++) {
        struct str    id   = str_from(ids[i % 4]);
        size_t        at   = places[i / 4];
        struct buffer b    = gathered(LENT_MIN + 100, at);
        struct lent  *l    = lent_begin(&b);
        struct str    text = lent_str(l), before = text;
        assert_true(lent_replace(&text, str_of(text.data + at, 2), id));
        assert_int_equal(text.len, before.len - 2 + id.len);
        assert_memory_equal(text.data + at, id.data, id.len);
        for (size_t k = 0; k < text.len; k++)
            assert_true(text.data[k] == '.' || (k >= at && k < at + id.len));
        lent_end(l);
    }
}

TEST(what_somebody_keeps_does_not_change)
{
    struct buffer b    = gathered(LENT_MIN, 9);
    struct lent  *l    = lent_begin(&b);
    struct str    text = lent_str(l);
    struct lent  *kept = lent_keep(text);

    assert_false(lent_replace(&text, str_of(text.data + 9, 2), STR("1")));
    lent_unref(kept);
    assert_true(lent_replace(&text, str_of(text.data + 9, 2), STR("1")));
    lent_end(l);
    assert_false(lent_replace(&text, text, STR("1"))); /* nor what is not lent */
}

TEST(without_room_nothing_is_replaced)
{
    struct buffer b = {.max = LENT_MIN};

    assert_true(buffer_reserve(&b, LENT_MIN));
    memset(buffer_space(&b), '.', LENT_MIN);
    buffer_added(&b, LENT_MIN);
    struct lent *l    = lent_begin(&b);
    struct str   text = lent_str(l);
    assert_false(lent_replace(&text, str_of(text.data + 9, 2), STR("123")));
    assert_true(lent_replace(&text, str_of(text.data + 9, 2), STR("12")));
    lent_end(l);
}
