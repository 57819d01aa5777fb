#include "store/names.h"

#include "store_fixture.h"

static void
assert_name(struct writer *w, char fill, unsigned number, size_t len)
{
    char    text[NAME_TEXT_MAX];
    int64_t first, again;

    memset(text, fill, len);
    snprintf(text, sizeof text, "%u", number);
    assert_true(name_id(w, str_of(text, len), &first, NULL));
    assert_true(name_id(w, str_of(text, len), &again, NULL));
    assert_true(first > 0 && first == again);
    assert_true(w->names.count <= NAMES_MAX && w->name_bytes <= NAMES_BYTES_MAX);
}

TEST(what_is_remembered_of_names_is_bounded_and_what_was_forgotten_is_found_again)
{
    struct fixture f = {0};
    struct writer  w;
    int64_t        first, again;

    fixture_open(&f);
    assert_true(writer_open(&w, f.path, 7, NULL) && writer_begin(&w, NULL));
    assert_true(name_id(&w, STR("forecast"), &first, NULL));
    for (unsigned i = 0; i <= NAMES_MAX; i++)
        assert_name(&w, 'a', i, 16);
    assert_true(w.names.count < NAMES_MAX / 2);
    for (unsigned i = 0; i <= NAMES_BYTES_MAX / NAME_TEXT_MAX; i++)
        assert_name(&w, 'b', i, NAME_TEXT_MAX);
    assert_true(w.name_bytes < NAMES_BYTES_MAX / 2);
    assert_true(name_id(&w, STR("forecast"), &again, NULL));
    assert_int_equal(first, again);
    assert_true(writer_commit(&w, NULL));
    writer_close(&w);
    fixture_close(&f);
}
