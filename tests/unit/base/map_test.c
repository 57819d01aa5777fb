#include "base/map.h"

#include "test.h"

TEST(a_key_is_found_until_it_is_removed)
{
    struct map m = MAP_OF(int, 1000);

    for (uint64_t i = 0; i < 1000; i++)
        *(int *)map_get_or_add(&m, MAP_KEY_U64(i)) = (int)i;
    for (uint64_t i = 0; i < 1000; i += 2)
        assert_true(map_remove(&m, MAP_KEY_U64(i)));
    for (uint64_t i = 0; i < 1000; i++) {
        int *value = map_get(&m, MAP_KEY_U64(i));
        assert_true(i % 2 == 0 ? value == NULL : *value == (int)i);
    }
    assert_int_equal(m.count, 500);
    map_clear(&m);
}

TEST(a_full_map_takes_no_more)
{
    struct map m = MAP_OF(char, 1);

    assert_non_null(map_get_or_add(&m, STR("a")));
    assert_null(map_get_or_add(&m, STR("b")));
    assert_non_null(map_get_or_add(&m, STR("a")));
    assert_null(map_get(&m, STR("b")));
    map_clear(&m);
}
