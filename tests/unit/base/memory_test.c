#include <stdlib.h>

#include "base/map.h"
#include "base/settings.h"
#include "base/strand.h"
#include "each_failure.h"

static bool
reads_settings(void *arg)
{
    struct settings s   = {0};
    struct error    err = {0};

    (void)arg;
    bool ok = settings_init(&s, &err) &&
              settings_set(&s, STR("http.allowed_hosts"), STR("a.example, b.example"), "--http.allowed_hosts", &err) &&
              settings_read_yaml(&s, STR("port: 4000\nhttp:\n  allowed_hosts: [c.example, d.example]\n"),
                                 "gatehouse.yaml", &err);
    if (ok)
        assert_int_equal(s.port, 4000);
    else
        assert_true(err.code == ERROR_MEMORY || strstr(err.text, "no memory") != NULL);
    settings_clear(&s);
    return ok;
}

TEST(settings_without_memory_to_read_them_say_so)
{
    assert_each_failure(reads_settings, NULL);
}

/* What was in the map before stays in it, however it grows. */
static bool
fills_a_map(void *arg)
{
    struct map m  = MAP_OF(uint64_t, 1000);
    bool       ok = true;

    (void)arg;
    for (uint64_t i = 1; i <= 40; i++) {
        uint64_t *value = map_get_or_add(&m, MAP_KEY_U64(i));
        ok              = ok && value != NULL;
        if (value != NULL)
            *value = i;
        for (uint64_t before = 1; before < i; before++) {
            const uint64_t *kept = map_get(&m, MAP_KEY_U64(before));
            assert_true(kept == NULL || *kept == before);
        }
    }
    assert_true(m.count >= 39);
    map_clear(&m);
    return ok;
}

TEST(a_map_that_cannot_grow_keeps_what_it_has)
{
    assert_each_failure(fills_a_map, NULL);
}

static bool
work(struct strand_work *w, struct error *err)
{
    (void)w, (void)err;
    return true;
}

static struct error told;
static size_t       tellings;

static void
done(struct strand_work *w, const struct error *err)
{
    (void)w;
    told = *err;
    tellings++;
}

static bool
works_on_a_strand(void *arg)
{
    struct loop       *loop   = arg;
    struct strand      strand = {0};
    struct strand_work w      = {.work = work, .done = done};

    tellings = 0;
    strand_init(&strand, loop, 1);
    assert_true(strand_start(&strand, &w));
    assert_int_equal(tellings, 0);
    strand_clear(&strand);
    assert_int_equal(tellings, 1);
    assert_true(told.code == ERROR_NONE || told.code == ERROR_MEMORY);
    return told.code == ERROR_NONE;
}

TEST(a_strand_without_memory_for_a_worker_says_so_later)
{
    struct loop loop;

    assert_true(loop_init(&loop, NULL));
    assert_each_failure(works_on_a_strand, &loop);
    loop_clear(&loop);
}
