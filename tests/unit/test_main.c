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

/* With a pattern ("*_mends"): only the tests it fits. */
int
main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
}
