/* Queries: whatever is asked, a reader answers or says what is wrong, and the database stays what it was. The input is
 * lines, "key value": each adds to one query over a small database. */
#include <assert.h>
#include <unistd.h>

#include "store/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MAX = 64, EXCHANGES = 40 };

static char path[64];

static void
remove_database(void)
{
    char name[96];

    for (size_t i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "%s%s", path, (const char *[]){"", "-wal", "-shm", "-slots", "-reserve"}[i]);
        unlink(name);
    }
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

static struct reader *
make_database(void)
{
    char            directory[] = "/tmp/query-fuzz-XXXXXX";
    struct traffic *t;
    struct error    err;

    if (mkdtemp(directory) == NULL)
        abort();
    snprintf(path, sizeof path, "%s/traffic.db", directory);
    if (!traffic_open(&t, path, NULL, &err))
        abort();
    for (int i = 0; i < EXCHANGES; i++) {
        struct labels *l  = labels_new(&(struct label_texts){.server = i % 2 == 0 ? STR("weather") : STR("files")});
        uint64_t       id = traffic_next_id(t, clock_wall());
        struct record *r  = record_new(t, id, l);
        record_add(r, FROM_CLIENT, traffic_id_time(id), STR("{\"city\":\"Oslo\"}"), false);
        record_add(r, FROM_SERVER, traffic_id_time(id), STR("{\"result\":{\"text\":\"rain\"}}"), false);
        traffic_put(t, r,
                    &(struct exchange_facts){.outcome = OUTCOME_OF_ANSWER, .method = STR("tools/call"), .final = true});
        labels_unref(l);
    }
    traffic_close(t);
    atexit(remove_database);
    return reader_open(path, &err);
}

static bool
count(const struct exchange_view *x, void *arg)
{
    assert(x->id > 0 && x->outcome < OUTCOMES);
    ++*(size_t *)arg;
    return true;
}

struct asked { /* what the lines add up to */
    struct query query;
    struct match matches[4][LINES_MAX];
    struct str   words[LINES_MAX], contains[LINES_MAX];
    struct bound bounds[2][LINES_MAX];
};

static void
add_line(struct asked *a, struct str line)
{
    struct matches *matches[] = {&a->query.server, &a->query.session, &a->query.method, &a->query.client};
    struct bounds  *bounds[]  = {&a->query.duration_us, &a->query.tokens};
    struct str      value     = str_skip(line, 1);
    char            key       = line.len > 0 ? line.data[0] : '\0';
    int64_t         number    = 0;

    str_to_i64(value, &number);
    if (key >= 'a' && key <= 'h') {
        size_t which                               = (size_t)(key - 'a') % 4;
        a->matches[which][matches[which]->count++] = (struct match){value, key >= 'e'};
        matches[which]->items                      = a->matches[which];
    } else if (key >= '0' && key <= '9') {
        size_t which                             = (size_t)(key - '0') / 5;
        a->bounds[which][bounds[which]->count++] = (struct bound){(enum bound_op)((key - '0') % 5), number};
        bounds[which]->items                     = a->bounds[which];
    } else if (key == 'w') {
        a->words[a->query.word_count++] = value;
    } else if (key == 'x') {
        a->contains[a->query.contains_count++] = value;
    } else if (key == 'i') {
        a->query.id_part = value;
    } else if (key == 'A' || key == 'B') {
        *(key == 'A' ? &a->query.after : &a->query.before) = number;
    } else if (key == 'C' || key == 'D') {
        *(key == 'C' ? &a->query.after_id : &a->query.before_id) = (uint64_t)number;
    } else if (key == 'l') {
        a->query.limit = (size_t)number;
    } else {
        a->query.ascending ^= key == 'r';
        a->query.errors_only ^= key == 'e';
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reader *reader;
    static struct asked   asked;
    struct str            rest  = str_of((const char *)data, size), line;
    struct error          err   = {0};
    size_t                shown = 0;

    if (reader == NULL && (reader = make_database()) == NULL)
        abort();
    memset(&asked, 0, sizeof asked);
    asked.query.words    = asked.words;
    asked.query.contains = asked.contains;
    for (int i = 0; i < LINES_MAX && str_cut(&rest, '\n', &line); i++)
        add_line(&asked, line);
    if (!query_run(reader, &asked.query, count, &shown, &err))
        assert(err.code == ERROR_INVALID || err.code == ERROR_TOO_LARGE);
    assert(shown <= EXCHANGES && (asked.query.limit == 0 || shown <= asked.query.limit));
    return 0;
}
