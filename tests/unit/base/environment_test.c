#include "base/environment.h"

#include "test.h"

#define VARIABLE(text) ((char[]){text})

static char *const environment[] = {
    VARIABLE("PATH=/bin:/usr/bin"), VARIABLE("HOME="),        VARIABLE("A=B=C"), VARIABLE("GATEHOUSE_PORT_OF=1"),
    VARIABLE("GATEHOUSE_PORT=2"),   VARIABLE("PATH=/second"), VARIABLE("odd"),   NULL};

TEST(the_first_variable_of_just_that_name_counts)
{
    assert_string_equal(environment_get(environment, STR("PATH")), "/bin:/usr/bin");
    assert_string_equal(environment_get(environment, STR("GATEHOUSE_PORT")), "2");
    assert_string_equal(environment_get(environment, str_take(STR("PATHS"), 4)), "/bin:/usr/bin");
    assert_null(environment_get(environment, STR("PAT")));
    assert_null(environment_get(environment, STR("path")));
}

TEST(a_value_may_be_empty_or_hold_an_equals_sign)
{
    assert_string_equal(environment_get(environment, STR("HOME")), "");
    assert_string_equal(environment_get(environment, STR("A")), "B=C");
}

TEST(what_is_not_set_is_null)
{
    assert_null(environment_get(environment, STR("odd")));
    assert_null(environment_get(environment, STR("GATEHOUSE_HOME")));
    assert_null(environment_get(&environment[7], STR("PATH")));
    assert_null(environment_get(NULL, STR("PATH")));
}

TEST(a_name_that_is_longer_than_what_is_there_reads_nothing_behind_it)
{
    assert_null(environment_get(environment, STR("odd\0odd")));
    assert_null(environment_get(environment, STR("odd=")));
}
