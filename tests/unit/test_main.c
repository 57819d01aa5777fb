#include "test.h"

enum { TESTS_MAX = 256 };

static struct CMUnitTest tests[TESTS_MAX];
static size_t            count;

void
test_register(const char *name, void (*body)(void **))
{
    if (count < TESTS_MAX)
        tests[count++] = (struct CMUnitTest){.name = name, .test_func = body};
}

int
main(void)
{
    return _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
}
