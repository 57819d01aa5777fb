/* tests/unit/test.h: a test is a function named after the behaviour it proves.
 *
 *   TEST(a_burst_passes_then_the_rate_holds) { ... }
 *
 * Tests register themselves; test_main.c runs those of its program, in the order of the file. */
#ifndef GATEHOUSE_TESTS_UNIT_TEST_H
#define GATEHOUSE_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

void test_register(const char *name, void (*body)(void **));

#define TEST(name)                                                                                                     \
    static void                              name(void **cmocka_state);                                                \
    __attribute__((constructor)) static void name##_register(void)                                                     \
    {                                                                                                                  \
        test_register(#name, name);                                                                                    \
    }                                                                                                                  \
    static void name(void **cmocka_state __attribute__((unused)))

/* Compares a struct str with a literal. */
#define assert_str(s, literal)                                                                                         \
    do {                                                                                                               \
        struct str got_ = (s);                                                                                         \
        if (!str_eq(got_, STR(literal)))                                                                               \
            fail_msg("got \"%.*s\", wanted \"%s\"", (int)got_.len, got_.data, (literal));                              \
    } while (0)

#endif
