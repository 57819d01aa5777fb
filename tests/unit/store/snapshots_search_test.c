/* Words are found in any language, ranked, with the place; no query is a syntax error. */
#include "snapshots_fixture.h"

static void
open_with_words(struct memory *m)
{
    memory_open(m);
    memory_save(m, "auth", "The guard waits for a worker", 10);
    memory_save(m, NULL, "A worker waits for nothing", 20);
    memory_save(m, NULL, "Snapshots of snapshots", 30);
    memory_save(m, "guard", "Nothing to see", 40);
}

TEST(words_phrases_beginnings_and_what_must_not_occur)
{
    struct memory m;

    open_with_words(&m);
    assert_string_equal(memory_search(&m, "worker"), "2 1");
    assert_string_equal(memory_search(&m, "WORKER guard"), "1");
    assert_string_equal(memory_search(&m, "\"worker waits\""), "2");
    assert_string_equal(memory_search(&m, "\"waits worker\""), "");
    assert_string_equal(memory_search(&m, "snap*"), "3");
    assert_string_equal(memory_search(&m, "snap"), "");
    assert_string_equal(memory_search(&m, "\"worker wai\"*"), "2");
    assert_string_equal(memory_search(&m, "worker -guard"), "2");
    assert_string_equal(memory_search(&m, "worker -\"waits for nothing\""), "1");
    assert_string_equal(memory_search(&m, "worker -gua*"), "2");
    assert_string_equal(memory_search(&m, "snapshots OR guard"), "4 3 1");
    assert_string_equal(memory_search(&m, "waits snapshots OR guard"), "1");
    assert_string_equal(memory_search(&m, "forgotten"), "4 3 2 1");
    memory_close(&m);
}

TEST(what_reads_as_no_operator_is_a_word)
{
    struct memory m;

    open_with_words(&m);
    memory_save(&m, NULL, "either or, not and near", 50);
    assert_string_equal(memory_search(&m, "OR"), "5");
    assert_string_equal(memory_search(&m, "OR either"), "5");
    assert_string_equal(memory_search(&m, "either OR"), "5");
    assert_string_equal(memory_search(&m, "worker OR OR"), "5 2 1");
    assert_string_equal(memory_search(&m, "\"OR\""), "5");
    assert_string_equal(memory_search(&m, "NOT AND NEAR"), "5");
    assert_string_equal(memory_search(&m, "-worker"), "2 1"); /* something must be wanted */
    assert_string_equal(memory_search(&m, "\"worker waits"), "2");
    assert_string_equal(memory_search(&m, "name:guard"), "");
    assert_string_equal(memory_search(&m, "worker ... - * ()"), "2 1");
    memory_close(&m);
}

TEST(hostile_queries_are_answered_or_refused_in_words)
{
    static const char *const hostile[] = {
        "'; DROP TABLE snapshot; --",
        "\"\"\"\"\"",
        "a\" OR \"b",
        "NEAR(a b, 2)",
        "{name} : a",
        "a AND",
        "^a",
        "(((((",
        "a + b",
        "col : \"x\" NOT y",
        "*",
        "-",
        "--",
        "\"",
        "-\"",
        "-*",
        "a*b*c",
        "%s%n",
        "\xff\xfe",
        "\xe4\xb8",
        "\xf0\x9f",
        "words MATCH 'x'",
        "../../etc/passwd",
        "a\tb\nc",
        "\x01\x02\x03",
        "a OR OR OR b",
        "- OR -",
        "\"a\" OR -\"b\" OR c*",
        "\"*\"",
        "\xef\xbf\xbe",
    };
    char          deep[4096 + 2];
    struct memory m;

    open_with_words(&m);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        memory_search(&m, hostile[i]);
        if (m.err.code != ERROR_NONE && m.err.code != ERROR_INVALID)
            fail_msg("%s: %s", hostile[i], m.err.text);
        assert_null(strstr(m.err.text, "syntax"));
    }
    memset(deep, 'a', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    memory_search(&m, deep);
    assert_int_equal(m.err.code, ERROR_INVALID);
    for (size_t i = 0; i + 1 < sizeof deep; i++)
        deep[i] = i % 2 == 0 ? '(' : ' ';
    assert_string_equal(memory_search(&m, deep + 200), "the query holds no word that could be searched for");
    assert_string_equal(memory_search(&m, ""), "the query holds no word that could be searched for");
    for (size_t i = 0; i + 1 < sizeof deep; i++)
        deep[i] = i % 2 == 0 ? 'a' : ' ';
    deep[2 * 64] = '\0';
    assert_string_equal(memory_search(&m, deep), "2 1");
    deep[2 * 64]     = 'a';
    deep[2 * 64 + 1] = '\0';
    assert_string_equal(memory_search(&m, deep), "a query may have 64 words");
    memory_close(&m);
}

TEST(a_null_byte_in_a_query_parts_words)
{
    struct memory        m;
    struct snapshot_hit *hits;
    size_t               count;

    open_with_words(&m);
    assert_true(snapshot_search(m.db, STR("worker\0guard"), &(struct snapshot_filter){.limit = 9}, m.arena, &hits,
                                &count, &m.err));
    assert_int_equal(count, 1);
    assert_int_equal(hits[0].snapshot.id, 1);
    memory_close(&m);
}

/* clang-format off */
static const struct {
    const char *text, *query, *other; /* the query finds the text, the other does not */
} languages[] = {
    {"Die Straße über den Fluß",          "STRASSE",           "strauss"},
    {"Größe der Übung",                   "grosse ubung",      "grosser"},
    {"L'été à la plage, garçon",          "ete garcon",        "plages"},
    {"cafe\xcc\x81 noir",                 "CAFÉ",              "cafes"}, /* the accent by itself */
    {"Η Αθήνα είναι όμορφη",              "ΑΘΗΝΑ ομορφη",      "αθηνων"},
    {"ο Οδυσσεύς γύρισε",                 "ΟΔΥΣΣΕΥΣ",          "οδυσσεας"},
    {"Ещё один снимок разговора",         "еще СНИМОК",        "снимки"},
    {"Український їжак",                  "УКРАЇНСЬКИЙ",       "украина"},
    {"IŞIK açık, İstanbul",               "ışık istanbul",     "ankara"},
    {"会话的快照永远不会丢失",                    "快照",                "照快"},
    {"数据库已经备份",                         "库已",                "备库"},
    {"会話のスナップショットを保存する",               "スナップ",              "プッナ"},
    {"データベース",                          "ベース",               "ーデ"},
    {"บันทึกการสนทนาไว้",                     "สนทนา",             "นาสน"},
    {"ບົດສົນທະນາ",                          "ສົນທະນາ",           "ນາທະ"},
    {"스냅샷을 저장했습니다",                     "스냅샷",               "샷냅"},
    {"حُفِظَتِ المُحادثة",                     "حفظت المحادثة",     "محادثات"},
    {"أحمد إلى المدينة",                   "احمد الى",          "محمد"},
    {"שָׁלוֹם עולם",                          "שלום",              "שלומי"},
    {"हिन्दी में बातचीत",                       "हिन्दी",               "दीहिन्"},
    {"released \xf0\x9f\x9a\x80 today \xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd", "\xf0\x9f\x9a\x80", "\xf0\x9f\x90\x9b"},
    {"thumbs \xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd", "\xf0\x9f\x91\x8d", "\xf0\x9f\x91\x8e"},
    {"Ｆｕｌｌ ｗｉｄｔｈ １２",                 "full WIDTH 12",     "half"},
    {"中文and English混合",                   "english 混合",        "文混"},
    {"Zażółć gęślą jaźń",                 "gesla jazn",        "zolc"},
    {"Việt Nam đất nước",                 "viet nuoc",         "nuo"},
};
/* clang-format on */

TEST(words_are_found_in_the_languages_of_the_world)
{
    struct memory m;
    char          wanted[16];

    memory_open(&m);
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++)
        memory_save(&m, NULL, languages[i].text, (wall_time)i + 1);
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
        snprintf(wanted, sizeof wanted, "%zu", i + 1);
        const char *found = memory_search(&m, languages[i].query);
        bool        is_in = strstr(found, wanted) != NULL;
        if (!is_in)
            fail_msg("%s in %s: %s", languages[i].query, languages[i].text, found);
        assert_string_equal(memory_search(&m, languages[i].other), "");
    }
    memory_close(&m);
}

TEST(the_best_is_first)
{
    struct memory        m;
    struct snapshot_text text = text_of(NULL, "of great weight: kiwi");

    memory_open(&m);
    memory_save(&m, "kiwi", "in the name", 10);
    memory_save(&m, NULL, "a kiwi in the summary", 20);
    memory_save(&m, NULL, "a kiwi and a kiwi", 30);
    text.importance = 5;
    memory_save_text(&m, &text, 5);
    text.summary    = STR("elsewhere");
    text.context    = STR("a kiwi in the context");
    text.importance = 3;
    memory_save_text(&m, &text, 50);
    memory_save(&m, NULL, "a kiwi in the summary", 60); /* of equals the newest */
    assert_string_equal(memory_search(&m, "kiwi"), "1 3 4 6 2 5");
    assert_string_equal(memory_search_with(&m, "kiwi", (struct snapshot_filter){.limit = 2}), "1 3");
    memory_close(&m);
}

TEST(filters_hold_for_a_search_too)
{
    static const struct str tags[] = {{"code review", 11}, {"x", 1}};
    struct memory           m;
    struct snapshot_text    text = text_of("plan a", "kiwi");

    memory_open(&m);
    memory_save(&m, "plan", "kiwi", 10);
    text.project   = STR("Gate \"house\"");
    text.tags      = tags;
    text.tag_count = 2;
    memory_save_text(&m, &text, 20);
    text.project   = STR("gate house");
    text.tags      = tags + 1;
    text.tag_count = 1;
    memory_save_text(&m, &text, 30);
    memory_save(&m, NULL, "kiwi", 40);
    assert_string_equal(memory_search_with(&m, "kiwi", (struct snapshot_filter){.project = STR("Gate \"house\"")}),
                        "2");
    assert_string_equal(memory_search_with(&m, "kiwi", (struct snapshot_filter){.project = STR("gate house")}), "3");
    assert_string_equal(memory_search_with(&m, "kiwi", (struct snapshot_filter){.tag = STR("code review")}), "2");
    assert_string_equal(memory_search_with(&m, "kiwi", (struct snapshot_filter){.tag = STR("x")}), "3 2");
    assert_string_equal(memory_search_with(&m, "kiwi", (struct snapshot_filter){.tag = STR("review")}), "");
    assert_string_equal(memory_search_with(&m, "kiwi", (struct snapshot_filter){.name = STR("plan")}), "1");
    assert_string_equal(memory_search_with(&m, "kiwi", (struct snapshot_filter){.name_begins = STR("plan")}), "3 2 1");
    assert_string_equal(memory_search_with(&m, "kiwi", (struct snapshot_filter){.since = 30}), "4 3");
    assert_string_equal(memory_search_with(&m, "kiwi", (struct snapshot_filter){.before = 30, .before_id = 3}), "2 1");
    assert_true(snapshot_delete(m.db, 4, 50, &m.err));
    assert_string_equal(memory_search_with(&m, "kiwi", (struct snapshot_filter){.since = 30}), "3");
    assert_string_equal(memory_search_with(&m, "kiwi", (struct snapshot_filter){.from_bin = true}), "4");
    memory_close(&m);
}

TEST(an_older_version_is_not_found)
{
    struct memory        m;
    struct snapshot      out;
    struct snapshot_text text = text_of(NULL, "now about mangos");

    memory_open(&m);
    memory_save(&m, NULL, "about kiwis", 10);
    assert_true(snapshot_update(m.db, 1, &text, &from_ada, 20, &out, &m.err));
    assert_string_equal(memory_search(&m, "kiwis"), "");
    assert_string_equal(memory_search(&m, "mangos"), "1");
    memory_close(&m);
}

static const char *
excerpt_of(struct memory *m, const char *query)
{
    static char          text[1024];
    struct snapshot_hit *hits;
    size_t               count;

    if (!snapshot_search(m->db, str_from(query), &(struct snapshot_filter){.limit = 1}, m->arena, &hits, &count,
                         &m->err))
        fail_msg("%s", m->err.text);
    assert_int_equal(count, 1);
    snprintf(text, sizeof text, "%.*s", STR_ARG(hits[0].excerpt));
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\x02' ? '[' : *c == '\x03' ? ']' : *c;
    return text;
}

TEST(an_excerpt_shows_what_was_found_and_around_it)
{
    struct memory        m;
    struct snapshot_text text = text_of("kiwi", "A kiwi, and\na Mango.");

    memory_open(&m);
    text.context =
        STR("one two three four five six seven eight nine ten eleven twelve the PAPAYA is here, papaya papaya;"
            " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30");
    memory_save_text(&m, &text, 10);
    assert_string_equal(excerpt_of(&m, "kiwi"), "A [kiwi], and a Mango.");
    assert_string_equal(excerpt_of(&m, "mango kiwi"), "A [kiwi], and a [Mango].");
    assert_string_equal(excerpt_of(&m, "\"and a\""), "A kiwi, [and a] Mango.");
    assert_string_equal(
        excerpt_of(&m, "papaya"),
        "\xe2\x80\xa6six seven eight nine ten eleven twelve the [PAPAYA] is here, [papaya] [papaya]; 1 2 3 4 5 6"
        " 7 8 9 10 11 12 13 14 15 16 17 18 19\xe2\x80\xa6");
    text.summary = STR("这个会话的快照不会丢失");
    memory_save_text(&m, &text, 20);
    assert_string_equal(excerpt_of(&m, "快照"), "这个会话的[快照]不会丢失");
    memory_close(&m);
}

TEST(an_excerpt_of_one_word_as_long_as_a_book_is_short)
{
    struct memory        m;
    struct snapshot_text text = text_of(NULL, "large");
    size_t               len  = 200000;
    char                *much = malloc(len);

    assert_non_null(much);
    for (size_t i = 0; i < len; i++)
        much[i] = "\xc3\xa9"[i % 2];
    memcpy(much + len / 2, " kiwi ", 6);
    memory_open(&m);
    text.context = str_of(much, len);
    memory_save_text(&m, &text, 1);
    assert_true(strlen(excerpt_of(&m, "kiwi")) < 600);
    assert_true(str_is_utf8(str_from(excerpt_of(&m, "kiwi"))));
    free(much);
    memory_close(&m);
}
