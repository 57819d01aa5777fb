#include "base/error.h"

#include "base/str.h"
#include "test.h"

TEST(a_text_that_is_cut_ends_with_a_whole_character)
{
    struct error err = {0};

    for (int before = 490; before < 500; before++) {
        error_set(&err, ERROR_INVALID, "%*s%s", before, "", "\xF0\x9F\x98\x80\xE2\x82\xAC\xC3\xA4");
        assert_true(str_is_utf8(str_from(err.text)));
        assert_true(strlen(err.text) >= sizeof err.text - 4);
        error_wrap(&err, "%s", "in \xC3\xA4");
        assert_true(str_is_utf8(str_from(err.text)));
    }
    error_set(&err, ERROR_INVALID, "%s", "\xC3\xA4");
    assert_string_equal(err.text, "\xC3\xA4");
}
