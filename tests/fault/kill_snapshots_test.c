/* kill -9 at random moments while eight processes save: what was acknowledged is there, byte by byte, ids are unique,
 * and nothing is half-written. A process says over its pipe what was acknowledged. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "power.h"
#include "snapshots_life.h"
#include "test.h"

enum { PROCESSES = 8, SHORT_RUN = 15, LONG_RUN = 200, SAVED_MAX = 400000, TURN_MOST = 4 };

/* What was acknowledged. A pipe takes a report as one piece (PIPE_BUF). */
struct report {
    int64_t  id;
    uint64_t seed; /* of its text */
};

struct saver {
    pid_t pid;
    int   pipe;
};

static struct {
    char           directory[64], path[96];
    struct saver   savers[PROCESSES];
    struct report *reports;
    size_t         count;
} run;

/* --- in a child --- */

static void
save_some(struct snapshot_db *db, struct arena *a, uint64_t *random, int out)
{
    struct report   reports[TURN_MOST];
    size_t          many = 1 + next_random(random) % TURN_MOST;
    struct error    err  = {0};
    struct snapshot saved;

    arena_reset(a);
    if (many > 1 && !snapshot_db_begin(db, &err))
        _exit(2);
    for (size_t i = 0; i < many; i++) {
        struct snapshot_text text;
        reports[i] = (struct report){.seed = next_random(random)};
        life_text(reports[i].seed, a, &text);
        if (!snapshot_save(db, &text, &(struct snapshot_origin){0}, clock_wall(), &saved, &err))
            _exit(3);
        reports[i].id = saved.id;
    }
    if (many > 1 && !snapshot_db_commit(db, &err))
        _exit(4);
    for (size_t i = 0; i < many; i++)
        if (write(out, &reports[i], sizeof reports[i]) != sizeof reports[i])
            _exit(0);
}

static void
save_until_killed(const char *path, uint64_t random, int out)
{
    struct error        err = {0};
    struct arena       *a   = arena_new(KIB(64), MIB(16));
    struct snapshot_db *db  = snapshot_db_open(path, &life_limits, NULL, &err);

    if (db == NULL) {
        fprintf(stderr, "opening: %s\n", err.text);
        _exit(5);
    }
    for (;;)
        save_some(db, a, &random, out);
}

/* --- in the parent --- */

static void
start(struct saver *s, uint64_t seed)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        close(ends[0]);
        save_until_killed(run.path, seed, ends[1]);
    }
    close(ends[1]);
    s->pipe = ends[0];
    fcntl(s->pipe, F_SETFL, O_NONBLOCK);
}

/* Takes what there is; a full pipe would stop a saver. */
static void
hear(struct saver *s)
{
    while (run.count < SAVED_MAX &&
           read(s->pipe, &run.reports[run.count], sizeof run.reports[0]) == sizeof run.reports[0])
        run.count++;
    assert_true(run.count < SAVED_MAX);
}

static void
hear_for(mono_time time)
{
    mono_time     end = clock_mono() + time;
    struct pollfd fds[PROCESSES];

    do {
        for (int i = 0; i < PROCESSES; i++)
            fds[i] = (struct pollfd){.fd = run.savers[i].pipe, .events = POLLIN};
        poll(fds, PROCESSES, 5);
        for (int i = 0; i < PROCESSES; i++)
            hear(&run.savers[i]);
    } while (clock_mono() < end);
}

static void
kill_one(struct saver *s)
{
    int status;

    kill(s->pid, SIGKILL);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    if (!WIFSIGNALED(status))
        fail_msg("a saver ended by itself: %d", WEXITSTATUS(status));
    hear(s);
    close(s->pipe);
}

static int
by_id(const void *a, const void *b)
{
    const struct report *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static void
check_one(struct snapshot_db *db, struct arena *a, const struct report *r)
{
    struct snapshot_which which = {.id = r->id};
    struct snapshot       found;
    struct error          err = {0};

    arena_reset(a);
    if (!snapshot_load(db, &which, a, &found, &err))
        fail_msg("snapshot %lld was acknowledged: %s", (long long)r->id, err.text);
    if (!life_is_text(r->seed, a, &found.text))
        fail_msg("snapshot %lld is not what was saved", (long long)r->id);
}

/* Those acknowledged since `from`; thorough: all of them, and the file itself. */
static void
check(size_t from, bool thorough)
{
    struct snapshot_opening opening;
    struct snapshot_figures figures;
    struct error            err = {0};
    struct arena           *a   = arena_new(KIB(64), MIB(16));
    struct snapshot_db     *db  = snapshot_db_open(run.path, &life_limits, &opening, &err);

    if (db == NULL)
        fail_msg("%s", err.text);
    assert_string_equal(opening.damaged, "");
    for (size_t i = from; i < run.count; i++)
        check_one(db, a, &run.reports[i]);
    snapshot_db_close(db);
    arena_free(a);
    if (!thorough)
        return;
    qsort(run.reports, run.count, sizeof run.reports[0], by_id);
    for (size_t i = 1; i < run.count; i++)
        if (run.reports[i].id == run.reports[i - 1].id)
            fail_msg("id %lld was given twice", (long long)run.reports[i].id);
    if (!snapshot_verify(run.path, &figures,
                         &err)) /* its texts, its words and its counters too: nothing is half-written */
        fail_msg("%s", err.text);
    assert_true(figures.count >= run.count);
}

/* One of them at a moment, or all at once: then nobody is left, and who comes finds the log. */
TEST(after_kill_9_while_eight_processes_save_every_acknowledged_snapshot_is_there)
{
    const char *is_long = getenv("TEST_LONG");
    int         kills   = is_long != NULL && is_long[0] != '\0' ? LONG_RUN : SHORT_RUN;
    uint64_t    seed = seed_for("kill"), random = seed;
    size_t      checked = 0;

    run.reports = calloc(SAVED_MAX, sizeof run.reports[0]);
    assert_non_null(run.reports);
    snprintf(run.directory, sizeof run.directory, "/tmp/fault-XXXXXX");
    assert_non_null(mkdtemp(run.directory));
    snprintf(run.path, sizeof run.path, "%s/snapshots.db", run.directory);
    for (int i = 0; i < PROCESSES; i++)
        start(&run.savers[i], next_random(&random));
    hear_for(SECONDS(1));
    for (int round = 0; round < kills; round++) {
        hear_for((mono_time)(next_random(&random) % 250000));
        if (round % 5 != 4) {
            struct saver *s = &run.savers[next_random(&random) % PROCESSES];
            kill_one(s);
            start(s, next_random(&random));
            continue;
        }
        for (int i = 0; i < PROCESSES; i++)
            kill(run.savers[i].pid, SIGKILL);
        for (int i = 0; i < PROCESSES; i++)
            kill_one(&run.savers[i]);
        check(checked, false);
        checked = run.count;
        for (int i = 0; i < PROCESSES; i++)
            start(&run.savers[i], next_random(&random));
    }
    for (int i = 0; i < PROCESSES; i++)
        kill_one(&run.savers[i]);
    check(0, true);
    printf("%d times killed; %zu snapshots were acknowledged, and all are there\n", kills, run.count);
    remove_directory(run.directory);
    free(run.reports);
}
