#include <stdlib.h>

#include "child/lines.h"
#include "each_failure.h"

struct heard {
    unsigned lines, skipped;
};

static bool
hear(void *owner, struct str line)
{
    struct heard *h = owner;

    assert_true(str_eq(line, STR("one")) || str_eq(line, STR("two")));
    h->lines++;
    return true;
}

static bool
miss(void *owner, size_t bytes)
{
    struct heard *h = owner;

    assert_int_equal(bytes, 3);
    h->skipped++;
    return true;
}

static bool
reads_lines(void *arg)
{
    static const struct lines_events events = {hear, miss};
    struct budget                    budget = {.max = 1000};
    struct lines                     l      = {.max = 100, .budget = &budget};
    struct heard                     h      = {0};

    (void)arg;
    assert_true(lines_feed(&l, STR("on"), &events, &h) && lines_feed(&l, STR("e\ntw"), &events, &h) &&
                lines_feed(&l, STR("o"), &events, &h) && lines_finish(&l, &events, &h));
    assert_int_equal(h.lines + h.skipped, 2);
    lines_clear(&l);
    assert_int_equal(budget.taken, 0);
    return h.skipped == 0;
}

TEST(a_line_without_memory_to_hold_it_is_told_and_the_others_come)
{
    assert_each_failure(reads_lines, NULL);
}
