/* tests/unit/each_failure.h: a function under every failure of memory, one after the other.
 *
 *   static bool reads(void *arg) { ...; return true, or assert that the error is of memory and return false }
 *   TEST(memory_that_runs_out_is_said) { assert_each_failure(reads, NULL); }
 *
 * The linker wraps malloc and its kin for what is linked into the program: the rooms, not the libraries they use. */
#ifndef GATEHOUSE_TESTS_UNIT_EACH_FAILURE_H
#define GATEHOUSE_TESTS_UNIT_EACH_FAILURE_H

#include "test.h"

/* Runs `attempt` with its first allocation failing, then with its second, until it makes no more of them: then it must
 * return true. It may return true earlier, when it can do without. Only this thread's allocations count. */
void assert_each_failure(bool (*attempt)(void *arg), void *arg);

#endif
