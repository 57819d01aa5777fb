#include "base/nearest.h"

#include "test.h"

TEST(what_was_mistyped_is_near_what_was_meant)
{
    assert_int_equal(nearest_distance(STR("port"), STR("port")), 0);
    assert_int_equal(nearest_distance(STR("Port"), STR("port")), 0);
    assert_int_equal(nearest_distance(STR("prot"), STR("port")), 1);
    assert_int_equal(nearest_distance(STR("wether"), STR("weather")), 1);
    assert_int_equal(nearest_distance(STR("wheater"), STR("weather")), 2);
    assert_int_equal(nearest_distance(STR("http.header_byte"), STR("http.header_bytes")), 1);
}

TEST(what_nobody_would_confuse_is_far)
{
    assert_int_equal(nearest_distance(STR("port"), STR("home")), NEAREST_NONE);
    assert_int_equal(nearest_distance(STR("a"), STR("b")), NEAREST_NONE);
    assert_int_equal(nearest_distance(STR(""), STR("b")), NEAREST_NONE);
    assert_int_equal(nearest_distance(STR("b"), STR("")), NEAREST_NONE);
}
