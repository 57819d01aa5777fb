#include "store_fixture.h"

#include "store/purge.h"

/* What a query showed: targets in order, parted by spaces. */
struct shown {
    char     targets[4000];
    size_t   count;
    size_t   stop_after; /* 0: never */
    uint64_t last;
};

static bool
show(const struct exchange_view *x, void *arg)
{
    struct shown *s   = arg;
    size_t        len = strlen(s->targets);

    snprintf(s->targets + len, sizeof s->targets - len, "%s%.*s", len > 0 ? " " : "", STR_ARG(x->target));
    s->last = x->id;
    return ++s->count != s->stop_after;
}

static struct shown shown;

static const char *
run(struct fixture *f, const struct query *q)
{
    struct reader *r = reader_open(f->path, &f->err);

    shown = (struct shown){0};
    if (r == NULL || !query_run(r, q, show, &shown, &f->err))
        fail_msg("%s", f->err.text);
    reader_close(r);
    return shown.targets;
}

static void
fill(struct fixture *f, uint64_t ids[4])
{
    fixture_open(f);
    struct labels *files = labels_for("files", "s-2", "bob");
    ids[0]               = capture_as(f, f->labels, "a", "{\"q\":\"Oslo harbour\"}",
                                      "{\"result\":{\"content\":[{\"text\":\"heavy rain\"}]}}");
    ids[1]               = capture_as(f, files, "b", "{\"q\":\"line\\nbreak caf\\u00e9\"}",
                                      "{\"error\":{\"code\":-32601,\"message\":\"no\"}}");
    ids[2] = capture_as(f, files, "c", "{\"q\":\"oslo\"}", "{\"result\":{\"content\":[],\"isError\":true}}");
    ids[3] = capture_as(f, f->labels, "d", "{\"q\":\"x\"}", "{\"result\":{\"content\":[{\"text\":\"HEAVY snow\"}]}}");
    traffic_flush(f->traffic);
    labels_unref(files);
}

#define MATCH(...)                                                                                                     \
    ((struct matches){(struct match[]){__VA_ARGS__}, sizeof((struct match[]){__VA_ARGS__}) / sizeof(struct match)})
#define BOUND(...)                                                                                                     \
    ((struct bounds){(struct bound[]){__VA_ARGS__}, sizeof((struct bound[]){__VA_ARGS__}) / sizeof(struct bound)})
#define WORDS(...)                                                                                                     \
    .words = (struct str[]){__VA_ARGS__}, .word_count = sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str)
#define TEXTS(...)                                                                                                     \
    .contains = (struct str[]){__VA_ARGS__}, .contains_count = sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str)

TEST(rows_come_newest_first_bounded_and_filtered)
{
    struct fixture f = {0};
    uint64_t       ids[4];
    fill(&f, ids);

    assert_string_equal(run(&f, &(struct query){0}), "d c b a");
    assert_string_equal(run(&f, &(struct query){.ascending = true, .limit = 3}), "a b c");
    assert_string_equal(run(&f, &(struct query){.server = MATCH({STR("files"), false})}), "c b");
    assert_string_equal(run(&f, &(struct query){.server = MATCH({STR("FILE"), true}, {STR("nope"), false})}), "c b");
    assert_string_equal(run(&f, &(struct query){.server = MATCH({STR("FILES"), false})}), "");
    assert_string_equal(run(&f, &(struct query){.session = MATCH({STR("s-1"), false})}), "d a");
    assert_string_equal(run(&f, &(struct query){.client = MATCH({STR("ada"), false}, {STR("bob"), false})}), "d c b a");
    assert_string_equal(run(&f, &(struct query){.method = MATCH({STR("CALL"), true}), .limit = 1}), "d");
    assert_string_equal(run(&f, &(struct query){.errors_only = true}), "c b");
    assert_string_equal(run(&f, &(struct query){.before_id = ids[2]}), "b a");
    assert_string_equal(run(&f, &(struct query){.after_id = ids[2]}), "d");
    assert_string_equal(run(&f, &(struct query){.after = traffic_id_time(ids[1]), .before = traffic_id_time(ids[3])}),
                        "c");
    assert_string_equal(run(&f, &(struct query){.duration_us = BOUND({BOUND_GT, 900})}), "");
    assert_string_equal(run(&f, &(struct query){.duration_us = BOUND({BOUND_EQ, 1}, {BOUND_EQ, 900}), .limit = 1}),
                        "d");
    assert_string_equal(run(&f, &(struct query){.tokens = BOUND({BOUND_GTE, 11}, {BOUND_LT, 30})}), "d a");
    fixture_close(&f);
}

TEST(an_id_is_found_by_a_part_of_it)
{
    struct fixture f = {0};
    uint64_t       ids[4];
    char           text[24];
    fill(&f, ids);

    snprintf(text, sizeof text, "%llu", (unsigned long long)ids[1]);
    assert_string_equal(run(&f, &(struct query){.id_part = str_from(text)}), "b");
    assert_string_equal(run(&f, &(struct query){.id_part = STR("1' OR 1")}), "");
    fixture_close(&f);
}

TEST(words_are_whole_folded_and_read_through_escapes)
{
    struct fixture f = {0};
    uint64_t       ids[4];
    fill(&f, ids);

    assert_string_equal(run(&f, &(struct query){WORDS(STR("OSLO"))}), "c a");
    assert_string_equal(run(&f, &(struct query){WORDS(STR("osl"))}), "");
    assert_string_equal(run(&f, &(struct query){WORDS(STR("break"))}), "b");
    assert_string_equal(run(&f, &(struct query){WORDS(STR("caf\xc3\xa9"))}), "b");
    assert_string_equal(run(&f, &(struct query){WORDS(STR("heavy"), STR("rain"))}), "a"); /* both, in one exchange */
    assert_string_equal(run(&f, &(struct query){WORDS(STR("rain, heavy!"))}), "a");
    assert_string_equal(run(&f, &(struct query){WORDS(STR("harbour"), STR("rain"))}), "a"); /* over two messages */
    assert_string_equal(run(&f, &(struct query){WORDS(STR("oslo")), .errors_only = true}), "c");
    assert_string_equal(run(&f, &(struct query){WORDS(STR("heavy")), .ascending = true, .limit = 1}), "a");
    assert_string_equal(run(&f, &(struct query){WORDS(STR("heavy")), .before_id = ids[3]}), "a");
    fixture_close(&f);
}

TEST(a_search_for_no_word_is_refused)
{
    struct fixture f = {0};
    uint64_t       ids[4];
    fill(&f, ids);

    struct reader *r = reader_open(f.path, &f.err);
    assert_false(query_run(r, &(struct query){WORDS(STR("--"))}, show, &shown, &f.err));
    assert_int_equal(f.err.code, ERROR_INVALID);
    char many[400] = ""; /* and one for too many */
    for (size_t i = 0; i < 40; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "word%zu ", i);
    assert_false(query_run(r, &(struct query){WORDS(str_from(many))}, show, &shown, &f.err));
    assert_int_equal(f.err.code, ERROR_INVALID);
    reader_close(r);
    fixture_close(&f);
}

TEST(parts_of_messages_are_found_without_case)
{
    struct fixture f = {0};
    uint64_t       ids[4];
    fill(&f, ids);

    assert_string_equal(run(&f, &(struct query){TEXTS(STR("avy"))}), "d a");
    assert_string_equal(run(&f, &(struct query){TEXTS(STR("y SN"))}), "d");
    assert_string_equal(run(&f, &(struct query){TEXTS(STR("avy")), WORDS(STR("harbour"))}), "a");
    assert_string_equal(run(&f, &(struct query){TEXTS(STR("zzz"))}), "");
    fixture_close(&f);
}

/* 64 KiB and more of something that zstd cannot shrink to nothing, so that blocks fill. */
static void
filler(char *out, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++) {
        seed   = seed * 1103515245 + 12345;
        out[i] = "abcdefghijklmnopqrstuvwxyz      "[seed >> 16 & 31];
    }
    out[len] = '\0';
}

static void
put_piece(struct fixture *f, uint64_t id, const char *text, bool continues, bool final)
{
    struct record *r = record_new(f->traffic, id, f->labels);

    record_add(r, FROM_SERVER, traffic_id_time(id), str_from(text), continues);
    traffic_put(
        f->traffic, r,
        &(struct exchange_facts){.outcome = OUTCOME_OK, .method = STR("m"), .target = STR("long"), .final = final});
    traffic_flush(f->traffic);
}

/* So much that what stood in the tail is in a block now. */
static void
fill_blocks(struct fixture *f, unsigned seed)
{
    static char big[100001];

    for (unsigned i = 0; i < 4; i++) {
        filler(big, 100000, seed + i);
        capture(f, big, "{}");
        traffic_flush(f->traffic);
    }
}

TEST(a_word_and_a_text_across_the_seam_of_two_blocks_are_found)
{
    struct fixture f = {0};
    static char    big[100001];
    fixture_open(&f);

    uint64_t id = traffic_next_id(f.traffic, clock_wall());
    filler(big, 99990, 1);
    big[99989] = ' ';
    memcpy(big + 99990, "thunder", 8); /* ... and "storm" in the next record, hours later */
    put_piece(&f, id, big, true, false);
    fill_blocks(&f, 2);
    filler(big, 100000, 3);
    memcpy(big, "storm at sea ", 13);
    put_piece(&f, id, big, false, true);
    fill_blocks(&f, 7);
    assert_sql(&f, "SELECT count(*) >= 3 FROM block", "1");

    assert_string_equal(run(&f, &(struct query){WORDS(STR("thunderstorm"))}), "long");
    assert_string_equal(run(&f, &(struct query){WORDS(STR("storm"))}), "");
    assert_string_equal(run(&f, &(struct query){TEXTS(STR("nderStorm at"))}), "long");
    assert_string_equal(run(&f, &(struct query){WORDS(STR("thunderstorm")), .ascending = true}), "long");
    fixture_close(&f);
}

struct told {
    char   text[400];
    size_t count, bytes;
};

static bool
tell(const struct message_view *m, void *arg)
{
    struct told *t   = arg;
    size_t       len = strlen(t->text);

    t->count++;
    t->bytes += m->text.len;
    snprintf(t->text + len, sizeof t->text - len, "%s%.*s;", m->from == FROM_CLIENT ? ">" : "<",
             (int)(m->text.len < 40 ? m->text.len : 40), m->text.len > 0 ? m->text.data : "");
    return true;
}

TEST(messages_come_back_whole_and_in_order)
{
    struct fixture f    = {0};
    struct told    told = {0};
    uint64_t       ids[4];
    fill(&f, ids);

    struct reader *r = reader_open(f.path, &f.err);
    assert_true(reader_messages(r, ids[2], tell, &told, &f.err));
    assert_string_equal(told.text, ">{\"q\":\"oslo\"};<{\"result\":{\"content\":[],\"isError\":true}};");
    told = (struct told){0};
    assert_true(reader_messages(r, 12345, tell, &told, &f.err));
    assert_int_equal(told.count, 0);
    reader_close(r);
    fixture_close(&f);
}

TEST(a_message_larger_than_a_block_is_joined)
{
    struct fixture f    = {0};
    struct told    told = {0};
    size_t         len  = 3000000;
    char          *big  = malloc(len + 1);
    fixture_open(&f);

    filler(big, len, 7);
    uint64_t id = capture_as(&f, f.labels, "big", "{}", big);
    traffic_flush(f.traffic);
    struct reader *r = reader_open(f.path, &f.err);
    assert_true(reader_messages(r, id, tell, &told, &f.err));
    assert_int_equal(told.count, 2);
    assert_int_equal(told.bytes, len + 2);
    memcpy(big + 2000000, " needle ", 8);
    capture_as(&f, f.labels, "needle", "{}", big);
    traffic_flush(f.traffic);
    assert_string_equal(run(&f, &(struct query){WORDS(STR("needle"))}), "needle");
    assert_string_equal(run(&f, &(struct query){TEXTS(STR(" needle "))}), "needle");
    reader_close(r);
    free(big);
    fixture_close(&f);
}

TEST(a_search_stops_at_its_limit_and_when_told)
{
    struct fixture f = {0};
    char           name[20];
    fixture_open(&f);

    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "t%d", i);
        capture_as(&f, f.labels, name, "{\"w\":\"common\"}", "{\"result\":{}}");
    }
    traffic_flush(f.traffic);
    assert_string_equal(run(&f, &(struct query){WORDS(STR("common")), .limit = 3}), "t2999 t2998 t2997");
    assert_string_equal(run(&f, &(struct query){WORDS(STR("common")), .limit = 2, .ascending = true}), "t0 t1");
    run(&f, &(struct query){WORDS(STR("common"))});
    assert_int_equal(shown.count, 3000);
    run(&f, &(struct query){0});
    assert_int_equal(shown.count, 3000);
    struct reader *r = reader_open(f.path, &f.err);
    shown            = (struct shown){.stop_after = 5};
    assert_true(query_run(r, &(struct query){0}, show, &shown, &f.err));
    assert_int_equal(shown.count, 5);
    reader_close(r);
    fixture_close(&f);
}

static bool
note_server(const struct server_view *v, void *arg)
{
    char *out = arg;

    snprintf(out + strlen(out), 200, "%.*s %d/%d %d;", STR_ARG(v->server), (int)v->errors, (int)v->count,
             (int)v->p50_us);
    return true;
}

static bool
note_session(const struct session_view *v, void *arg)
{
    char *out = arg;

    assert_true(v->start <= v->end && v->end > 0);
    snprintf(out + strlen(out), 200, "%.*s/%.*s;", STR_ARG(v->server), STR_ARG(v->session));
    return true;
}

static bool
note_client(const struct client_view *v, void *arg)
{
    char *out = arg;

    snprintf(out + strlen(out), 200, "%.*s %.*s %d %d;", STR_ARG(v->name), STR_ARG(v->version), (int)v->count,
             (int)v->sessions);
    return true;
}

static bool
note_method(const struct method_view *v, void *arg)
{
    char *out = arg;

    snprintf(out + strlen(out), 200, "%.*s %d;", STR_ARG(v->method), (int)v->count);
    return true;
}

TEST(lists_count_what_is_there)
{
    struct fixture f         = {0};
    char           text[400] = "";
    struct totals  totals;
    uint64_t       ids[4];
    fill(&f, ids);

    struct reader *r = reader_open(f.path, &f.err);
    assert_true(reader_servers(r, note_server, text, &f.err));
    assert_string_equal(text, "files 2/2 900;weather 0/2 900;");
    text[0] = '\0';
    assert_true(reader_sessions(r, STR_NONE, note_session, text, &f.err));
    assert_string_equal(text, "weather/s-1;files/s-2;");
    text[0] = '\0';
    assert_true(reader_sessions(r, STR("files"), note_session, text, &f.err));
    assert_string_equal(text, "files/s-2;");
    text[0] = '\0';
    assert_true(reader_clients(r, note_client, text, &f.err));
    assert_string_equal(text, "ada 1.0 2 1;bob 1.0 2 1;");
    text[0] = '\0';
    assert_true(reader_methods(r, STR_NONE, note_method, text, &f.err));
    assert_true(reader_methods(r, STR("files"), note_method, text, &f.err));
    assert_string_equal(text, "tools/call 4;tools/call 2;");
    assert_true(reader_totals(r, &totals, &f.err));
    assert_int_equal(totals.count, 4);
    assert_true(totals.first == traffic_id_time(ids[0]) && totals.last == traffic_id_time(ids[3]));
    reader_close(r);
    fixture_close(&f);
}

TEST(there_is_no_reader_without_a_database)
{
    struct error err = {0};

    assert_null(reader_open("/tmp/nowhere/traffic.db", &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_false(traffic_purge("/tmp/nowhere/traffic.db", &(struct purge){0}, NULL, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
}

TEST(a_closed_database_can_be_read)
{
    struct fixture f = {0};
    uint64_t       ids[4];
    fill(&f, ids);

    traffic_close(f.traffic);
    f.traffic = NULL;
    assert_string_equal(run(&f, &(struct query){WORDS(STR("harbour"))}), "a");
    fixture_close(&f);
}

TEST(a_file_that_is_no_database_is_an_error_not_a_crash)
{
    struct fixture f = {0};
    fixture_open(&f);
    traffic_close(f.traffic);
    f.traffic = NULL;

    FILE *file = fopen(f.path, "w");
    for (int i = 0; i < 3000; i++)
        fprintf(file, "not a database ");
    fclose(file);
    assert_null(reader_open(f.path, &f.err));
    assert_int_equal(f.err.code, ERROR_INVALID);
    assert_false(traffic_open(&f.traffic, f.path, NULL, &f.err));
    fixture_close(&f);
}
