#include "mcp/rewrite.h"

#include "mcp/revision.h"
#include "test.h"

TEST(only_the_named_places_change)
{
    struct buffer  b       = {.max = KIB(1)};
    struct str     text    = STR("{\"id\": 7, \"t\": \"tok\"}");
    struct rewrite swaps[] = {{str_of(text.data + 15, 5), STR("12")}, {str_of(text.data + 7, 1), STR("\"long id\"")}};

    assert_true(append_rewritten(&b, text, swaps, 2)); /* in any order */
    assert_str(buffer_str(&b), "{\"id\": \"long id\", \"t\": 12}");
    buffer_reset(&b);
    assert_true(append_rewritten(&b, text, (struct rewrite[]){{STR_NONE, STR("x")}}, 1));
    assert_true(str_eq(buffer_str(&b), text));
    buffer_clear(&b);
}

TEST(revisions_know_their_era)
{
    assert_true(revision_is_modern(STR("2026-07-28")));
    assert_true(revision_is_modern(STR("2027-01-01")));
    assert_false(revision_is_modern(STR("2025-11-25")));
    assert_false(revision_is_modern(STR("garbage")));
    assert_true(revision_is_known(STR("2024-11-05")));
    assert_false(revision_is_known(STR("v999.0.0")));
    assert_true(revision_has_batches(STR("2025-03-26")));
}
