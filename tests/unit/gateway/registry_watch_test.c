#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "gateway/registry/registry.h"
#include "test.h"

struct seen {
    unsigned               changes;
    struct registry       *newest; /* a reference */
    struct registry_watch *watch;
    bool                   free_it;
};

static void
on_change(void *owner, struct registry *fresh)
{
    struct seen *s = owner;

    s->changes++;
    registry_unref(s->newest);
    s->newest = registry_ref(fresh);
    if (s->free_it)
        registry_watch_free(s->watch);
}

/* Until `changes` were seen, or `wait` is over. */
static void
turn_until(struct loop *loop, struct seen *s, unsigned changes, mono_time wait)
{
    mono_time end = clock_mono() + wait;

    while (s->changes < changes && clock_mono() < end)
        loop_turn(loop, MILLISECONDS(20));
}

struct bench {
    struct loop            loop;
    char                   directory[64];
    char                   path[80];
    char                   env[80];
    struct registry_source from;
    struct seen            seen;
};

static char *no_environment[] = {NULL};

static void
set_up(struct bench *b, const char *text)
{
    struct error err = {0};

    *b = (struct bench){.directory = "/tmp/gatehouse-watch.XXXXXX"};
    assert_non_null(mkdtemp(b->directory));
    snprintf(b->path, sizeof b->path, "%s/mcp.json", b->directory);
    snprintf(b->env, sizeof b->env, "%s/x.env", b->directory);
    assert_true(file_replace(b->path, str_from(text), 0600, &err));
    assert_true(loop_init(&b->loop, &err));
    b->from                = (struct registry_source){b->path, no_environment};
    struct registry *first = registry_load(&b->from, NULL);
    b->seen.watch          = registry_watch_new(&b->loop, &b->from, first, on_change, &b->seen, &err);
    assert_non_null(b->seen.watch);
    registry_unref(first);
}

static void
tear_down(struct bench *b)
{
    if (!b->seen.free_it)
        registry_watch_free(b->seen.watch);
    loop_clear(&b->loop);
    registry_unref(b->seen.newest);
    unlink(b->path);
    unlink(b->env);
    assert_int_equal(rmdir(b->directory), 0);
}

/* In place and in one breath, as the unluckiest editor does: same size, same inode, perhaps the same tick of the clock.
 * Never empty in between, which would be a change of its own. */
static void
write_in_place(const char *path, const char *text)
{
    int    fd  = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    size_t len = strlen(text);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    assert_int_equal(close(fd), 0);
}

TEST(a_hand_edit_is_live_within_a_second)
{
    struct bench b;

    set_up(&b, "{\"servers\": {\"a\": {\"command\": \"x\"}}}");
    turn_until(&b.loop, &b.seen, 1, MILLISECONDS(400));
    assert_int_equal(b.seen.changes, 0); /* what is as it was loaded is not told */

    write_in_place(b.path, "{\"servers\": {\"a\": {\"command\": \"y\"}}}");
    turn_until(&b.loop, &b.seen, 1, SECONDS(5));
    assert_int_equal(b.seen.changes, 1);
    assert_string_equal(registry_find(b.seen.newest, STR("a"))->argv[0], "y");
    write_in_place(b.path, "{\"servers\": {\"a\": {\"command\": \"z\"}}}");
    turn_until(&b.loop, &b.seen, 2, SECONDS(5));
    assert_int_equal(b.seen.changes, 2);
    assert_string_equal(registry_find(b.seen.newest, STR("a"))->argv[0], "z");

    write_in_place(b.path, "{\"servers\": {\"a\": {\"command\": \"z\"}");
    turn_until(&b.loop, &b.seen, 3, SECONDS(5));
    assert_int_equal(b.seen.newest->file_error.code, ERROR_INVALID);
    assert_string_equal(registry_find(b.seen.newest, STR("a"))->argv[0], "z");
    assert_int_equal(unlink(b.path), 0);
    turn_until(&b.loop, &b.seen, 4, SECONDS(5));
    assert_int_equal(b.seen.newest->count, 1); /* perhaps an editor only moved it away */
    assert_non_null(strstr(b.seen.newest->file_error.text, "gone"));
    write_in_place(b.path, "{}");
    turn_until(&b.loop, &b.seen, 5, SECONDS(5));
    assert_int_equal(b.seen.newest->count, 0);
    assert_int_equal(b.seen.newest->file_error.code, ERROR_NONE);
    tear_down(&b);
}

TEST(an_edit_of_an_env_file_counts_too)
{
    struct bench b;

    set_up(&b, "{\"servers\": {\"a\": {\"command\": \"x\", \"envFile\": \"x.env\"}}}");
    write_in_place(b.env, "A=1\n");
    turn_until(&b.loop, &b.seen, 1, SECONDS(5));
    assert_int_equal(b.seen.changes, 1);
    assert_str(registry_find(b.seen.newest, STR("a"))->env[0].value, "1");
    tear_down(&b);
}

TEST(who_changed_it_need_not_wait)
{
    struct bench b;
    struct error err = {0};
    char         lock[96];

    set_up(&b, "{}");
    turn_until(&b.loop, &b.seen, 1, MILLISECONDS(50));
    assert_true(registry_add(b.path, STR("a"), STR("{\"command\": \"x\"}"), &err));
    registry_watch_look(b.seen.watch, true);
    registry_watch_look(b.seen.watch, true);
    turn_until(&b.loop, &b.seen, 1, SECONDS(5));
    assert_int_equal(b.seen.changes, 1);
    snprintf(lock, sizeof lock, "%s.lock", b.path);
    unlink(lock);
    tear_down(&b);
}

TEST(a_watch_may_be_freed_while_a_worker_looks_and_by_its_callback)
{
    struct bench b;

    set_up(&b, "{}"); /* the first look is under way */
    tear_down(&b);

    set_up(&b, "{}");
    b.seen.free_it = true;
    write_in_place(b.path, "{\"servers\": {\"a\": {\"command\": \"y\"}}}");
    turn_until(&b.loop, &b.seen, 1, SECONDS(5));
    assert_int_equal(b.seen.changes, 1);
    tear_down(&b);
}
