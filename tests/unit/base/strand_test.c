#include "base/strand.h"

#include <semaphore.h>
#include <stdio.h>

#include "test.h"

/* What was done, a letter each: b and e of a turn, t when it has turned, a work's own, and in upper case its `done`. */
struct book {
    char   text[400];
    size_t len;
};

static struct {
    struct loop   loop;
    struct strand strand;
    struct book   on_worker, here;
    bool          begin_fails, end_fails;
    sem_t         gate; /* what a slow work waits for */
} bench;

struct step {
    struct strand_work  work;
    char                letter;
    bool                is_slow, fails, fails_mutely;
    enum error_code     code;
    char                words[100];
    struct strand_work *next; /* started by its `done` */
};

static void
note(struct book *b, char c)
{
    if (b->len < sizeof b->text - 1)
        b->text[b->len++] = c;
}

static bool
begin(void *owner, struct error *err)
{
    note(&bench.on_worker, 'b');
    assert_ptr_equal(owner, &bench);
    return !bench.begin_fails || error_set(err, ERROR_BUSY, "cannot begin");
}

static bool
end(void *owner, struct error *err)
{
    (void)owner;
    note(&bench.on_worker, 'e');
    return !bench.end_fails || error_set(err, ERROR_FULL, "cannot end");
}

static void
turned(void *owner)
{
    (void)owner;
    note(&bench.here, 't');
}

static bool
step(struct strand_work *w, struct error *err)
{
    struct step *s = LIST_OF(struct step, w, work);

    if (s->is_slow)
        sem_wait(&bench.gate);
    note(&bench.on_worker, s->letter);
    return s->fails ? error_set(err, ERROR_INVALID, "%c fails", s->letter) : !s->fails_mutely;
}

static void
stepped(struct strand_work *w, const struct error *err)
{
    struct step *s = LIST_OF(struct step, w, work);

    note(&bench.here, (char)(s->letter - 'a' + 'A'));
    s->code = err->code;
    snprintf(s->words, sizeof s->words, "%s", err->code == ERROR_NONE ? "" : err->text);
    if (s->next != NULL)
        assert_true(strand_start(&bench.strand, s->next));
}

static struct step
step_of(char letter)
{
    return (struct step){.work = {.work = step, .done = stepped}, .letter = letter};
}

static void
open_bench(size_t most)
{
    memset(&bench, 0, sizeof bench);
    assert_true(loop_init(&bench.loop, NULL));
    assert_int_equal(sem_init(&bench.gate, 0, 0), 0);
    bench.strand = (struct strand){.begin = begin, .end = end, .turned = turned, .owner = &bench};
    strand_init(&bench.strand, &bench.loop, most);
}

static void
close_bench(void)
{
    strand_clear(&bench.strand);
    loop_clear(&bench.loop);
    sem_destroy(&bench.gate);
}

static void
wait_for_all(void)
{
    while (bench.strand.count > 0)
        loop_turn(&bench.loop, MILLISECONDS(100));
}

static void
start(struct step *s)
{
    assert_true(strand_start(&bench.strand, &s->work));
}

TEST(what_waits_is_one_turn_and_nobody_hears_of_his_work_before_its_end)
{
    struct step a = step_of('a'), b = step_of('b'), c = step_of('c');

    open_bench(10);
    a.is_slow = true;
    start(&a);
    start(&b);
    start(&c);
    assert_string_equal(bench.here.text, ""); /* never from within strand_start */
    sem_post(&bench.gate);
    wait_for_all();
    assert_string_equal(bench.on_worker.text, "baebbce");
    assert_string_equal(bench.here.text, "tAtBC");
    close_bench();
}

TEST(a_work_that_fails_fails_alone_and_says_why)
{
    struct step a = step_of('a'), b = step_of('b'), c = step_of('c'), d = step_of('d');

    open_bench(10);
    a.is_slow = b.fails = c.fails_mutely = true;
    start(&a);
    start(&b);
    start(&c);
    start(&d);
    sem_post(&bench.gate);
    wait_for_all();
    assert_int_equal(a.code, ERROR_NONE);
    assert_int_equal(b.code, ERROR_INVALID);
    assert_string_equal(b.words, "b fails");
    assert_int_equal(c.code, ERROR_INTERNAL);
    assert_int_equal(d.code, ERROR_NONE);
    close_bench();
}

TEST(when_a_turn_cannot_begin_or_end_all_of_it_are_told)
{
    struct step a = step_of('a'), b = step_of('b'), c = step_of('c');

    open_bench(10);
    bench.begin_fails = true;
    start(&a);
    wait_for_all();
    assert_string_equal(bench.on_worker.text, "b"); /* nothing ran, and there is nothing to end */
    assert_string_equal(a.words, "cannot begin");
    bench.begin_fails = false;
    bench.end_fails   = true;
    b.fails           = true;
    start(&b);
    start(&c);
    wait_for_all();
    assert_string_equal(b.words, "b fails"); /* its own words count */
    assert_int_equal(c.code, ERROR_FULL);
    bench.end_fails = false;
    start(&a);
    wait_for_all();
    assert_int_equal(a.code, ERROR_NONE); /* and it is over */
    close_bench();
}

TEST(more_than_the_most_is_refused_and_hears_nothing)
{
    struct step a = step_of('a'), b = step_of('b'), c = step_of('c');

    open_bench(2);
    a.is_slow = true;
    start(&a);
    start(&b);
    assert_false(strand_start(&bench.strand, &c.work));
    sem_post(&bench.gate);
    wait_for_all();
    assert_string_equal(bench.here.text, "tAtB");
    start(&c);
    wait_for_all();
    assert_int_equal(c.code, ERROR_NONE);
    close_bench();
}

TEST(what_nobody_wants_any_more_does_not_run_when_its_turn_has_not_begun)
{
    struct step a = step_of('a'), b = step_of('b');

    open_bench(10);
    a.is_slow = true;
    start(&a);
    start(&b);
    a.work.is_unwanted = b.work.is_unwanted = true; /* for `a` it is too late */
    sem_post(&bench.gate);
    wait_for_all();
    assert_string_equal(bench.on_worker.text, "baebe");
    assert_string_equal(bench.here.text, "tAtB"); /* each hears that it is over */
    close_bench();
}

TEST(a_done_may_start_the_same_work_or_another)
{
    struct step a = step_of('a'), b = step_of('b');

    open_bench(10);
    a.next = &b.work;
    start(&a);
    wait_for_all();
    assert_string_equal(bench.on_worker.text, "baebbe");
    b.next = NULL;
    start(&b);
    wait_for_all();
    assert_string_equal(bench.here.text, "tAtBtB");
    close_bench();
}

TEST(clearing_waits_for_all_that_was_started)
{
    struct step steps[300];

    open_bench(300);
    for (size_t i = 0; i < 300; i++) {
        steps[i] = step_of('a');
        start(&steps[i]);
    }
    close_bench();
    assert_int_equal(bench.strand.count, 0);
    assert_int_equal(bench.on_worker.len, 300 + 2 * 3); /* the first alone, then not more than fit a turn */
    strand_clear(&bench.strand);                        /* a zeroed one is nothing */
}
