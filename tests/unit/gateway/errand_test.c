#include "gateway/errand.h"

#include "test.h"

/* What was done of one errand, and by whom. */
struct task {
    struct errand errand;
    unsigned      works, dones;
    unsigned     *at_once, *most; /* on a worker now, and at most so far */
};

static void
work(struct errand *e)
{
    struct task *t   = LIST_OF(struct task, e, errand);
    unsigned     now = __atomic_add_fetch(t->at_once, 1, __ATOMIC_SEQ_CST);
    unsigned     was = __atomic_load_n(t->most, __ATOMIC_SEQ_CST);

    while (now > was && !__atomic_compare_exchange_n(t->most, &was, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
    t->works++;
    uv_sleep(2);
    __atomic_sub_fetch(t->at_once, 1, __ATOMIC_SEQ_CST);
}

static void
done(struct errand *e)
{
    LIST_OF(struct task, e, errand)->dones++;
}

enum { TASKS = 64 };

struct bench {
    struct loop    loop;
    struct errands all;
    struct task    tasks[TASKS];
    unsigned       at_once, most;
};

static void
set_up(struct bench *b)
{
    struct error err = {0};

    *b = (struct bench){0};
    assert_true(loop_init(&b->loop, &err));
    errands_init(&b->all, &b->loop, NULL, NULL);
    for (size_t i = 0; i < TASKS; i++)
        b->tasks[i] = (struct task){.errand = {.work = work, .done = done}, .at_once = &b->at_once, .most = &b->most};
}

TEST(a_few_run_at_once_and_each_is_done_once)
{
    struct bench b;

    set_up(&b);
    for (size_t i = 0; i < TASKS; i++) {
        assert_true(errands_have_room(&b.all));
        errand_start(&b.all, &b.tasks[i].errand);
    }
    assert_false(errands_have_room(&b.all));
    errands_close(&b.all);
    assert_true(errands_have_room(&b.all));
    for (size_t i = 0; i < TASKS; i++) {
        assert_int_equal(b.tasks[i].works, 1);
        assert_int_equal(b.tasks[i].dones, 1);
        assert_true(b.tasks[i].errand.has_run);
    }
    assert_in_range(b.most, 1, 2);
    loop_clear(&b.loop);
}

TEST(a_question_nobody_waits_for_is_not_looked_into_but_a_change_is_made)
{
    struct bench b;

    set_up(&b);
    for (size_t i = 0; i < TASKS; i++) {
        b.tasks[i].errand.changes = i % 2 == 0;
        errand_start(&b.all, &b.tasks[i].errand);
    }
    for (size_t i = TASKS / 2; i < TASKS; i++) /* those behind the first two wait */
        b.tasks[i].errand.is_unwanted = true;
    errands_close(&b.all);
    for (size_t i = 0; i < TASKS; i++) {
        bool runs = i < TASKS / 2 || i % 2 == 0;
        assert_int_equal(b.tasks[i].works, runs);
        assert_int_equal(b.tasks[i].errand.has_run, runs);
        assert_int_equal(b.tasks[i].dones, 1);
    }
    loop_clear(&b.loop);
}
