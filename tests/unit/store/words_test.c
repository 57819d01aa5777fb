#include "test.h"

#include "store/answer.h"
#include "store/words.h"

/* The hashes of words, found in order. */
struct list {
    uint64_t hashes[64];
    size_t   count;
};

static void
note(void *arg, uint64_t hash)
{
    struct list *l = arg;

    assert_true(l->count < 64);
    l->hashes[l->count++] = hash;
}

static struct list
words_in(struct str text, size_t cut)
{
    struct list      l = {0};
    struct word_scan s = {0};

    words_scan(&s, str_take(text, cut), note, &l);
    words_scan(&s, str_skip(text, cut), note, &l);
    words_end(&s, note, &l);
    return l;
}

static void
assert_words(struct str json, struct str plain)
{
    struct list wanted = {0};

    words_of_text(plain, note, &wanted);
    for (size_t cut = 0; cut <= json.len; cut++) { /* wherever a piece may end */
        struct list got = words_in(json, cut);
        assert_int_equal(got.count, wanted.count);
        assert_memory_equal(got.hashes, wanted.hashes, wanted.count * sizeof(uint64_t));
    }
}

TEST(words_part_at_what_is_no_letter_and_fold)
{
    assert_words(STR("{\"City\":\"New-York\"}"), STR("city new york"));
    assert_words(STR("read_file(42)"), STR("READ FILE 42"));
    assert_words(STR(""), STR(" ,. "));
}

TEST(words_read_through_json_escapes_at_any_seam)
{
    assert_words(STR("a\\nb\\tc\\\\d"), STR("a b c d"));
    assert_words(STR("caf\\u00e9s"), STR("caf\xc3\xa9s"));
    assert_words(STR("x\\u0041y\\u0020z"), STR("xay z"));
    assert_words(STR("\\ud83d\\ude00k"), STR("\xf0\x9f\x98\x80k"));
    assert_words(STR("\\u20ac5"), STR("\xe2\x82\xac"
                                      "5"));
    assert_words(STR("a\\u00zzb"), STR("a zzb")); /* broken: parts words, hides none */
}

TEST(a_filter_holds_all_its_words_and_few_others)
{
    struct word_set  set    = {0};
    struct buffer    filter = {.max = MIB(1)};
    struct word_scan s      = {0};
    struct list      l;
    char             word[32];
    size_t           wrong = 0;

    for (int i = 0; i < 20000; i++) {
        int len = snprintf(word, sizeof word, "in%d ", i);
        word_set_scan(&set, &s, str_of(word, (size_t)len));
    }
    word_set_end(&set, &s);
    assert_int_equal(set.count, 20000);
    assert_true(word_set_filter(&set, &filter));
    assert_int_equal(set.count, 0);
    assert_true(buffer_len(&filter) < 20100);
    for (int i = 0; i < 20000; i++) {
        l.count = 0;
        words_of_text(str_of(word, (size_t)snprintf(word, sizeof word, "in%d", i)), note, &l);
        assert_true(filter_may_hold(buffer_str(&filter), l.hashes[0]));
        l.count = 0;
        words_of_text(str_of(word, (size_t)snprintf(word, sizeof word, "out%d", i)), note, &l);
        wrong += filter_may_hold(buffer_str(&filter), l.hashes[0]);
    }
    assert_true(wrong < 1000); /* 3 % are 600 */
    assert_true(filter_may_hold(STR_NONE, 1));
    buffer_clear(&filter);
    word_set_clear(&set);
}

/* Scans in two pieces, cut everywhere, and checks that the seam makes no difference. */
static struct answer
scan(struct str text)
{
    struct answer whole = {0};

    answer_scan(&whole, text);
    for (size_t cut = 0; cut <= text.len; cut++) {
        struct answer a = {0};
        answer_scan(&a, str_take(text, cut));
        answer_scan(&a, str_skip(text, cut));
        assert_int_equal(a.has_result, whole.has_result);
        assert_int_equal(a.has_error, whole.has_error);
        assert_int_equal(a.is_error, whole.is_error);
        assert_int_equal(a.code, whole.code);
        assert_int_equal(a.characters, whole.characters);
        assert_int_equal(a.items, whole.items);
    }
    return whole;
}

TEST(an_answer_says_whether_it_is_an_error_and_which)
{
    struct answer a = scan(STR("{\"id\":1,\"error\":{\"message\":\"x\",\"data\":{\"code\":5},\"code\":-32601}}"));
    assert_true(a.has_error && a.has_code && !a.has_result);
    assert_int_equal(a.code, -32601);

    a = scan(STR("{\"result\":{\"isError\" : true,\"content\":[]},\"id\":1}"));
    assert_true(a.has_result && a.is_error && !a.has_error);

    a = scan(STR("{\"result\":{\"isError\":false,\"structuredContent\":{\"error\":1,\"isError\":true}}}"));
    assert_true(a.has_result && !a.is_error && !a.has_error);

    a = scan(STR("id: 7\nevent: message\ndata: {\"result\":{}}\n\n"));
    assert_true(a.has_result);
    a = scan(STR("[{\"id\":1,\"error\":{\"code\":-1}}]"));
    assert_true(a.has_error && a.code == -1);
    a = scan(STR("{\"error\":{\"code\":99999999999999999999}}"));
    assert_true(a.has_error);
    a = scan(STR("}}}}]]]]{{{{\"\\"));
    assert_false(a.has_result);
}

TEST(tokens_are_a_quarter_of_the_characters)
{
    struct answer a =
        scan(STR("{\"method\":\"tools/call\",\"params\":{\"name\":\"forecast\",\"arguments\":{\"city\": \"Oslo\"},"
                 "\"_meta\":{\"progressToken\":7}}}"));
    assert_int_equal(a.characters, 8 + 15); /* the name; the arguments without the space */
    assert_int_equal(answer_tokens_in(&a), 6);

    a = scan(STR("{\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"r\xc3\xa6in\\n\xf0\x9f\x98\x80\\u00e9\"},"
                 "{\"type\":\"image\",\"data\":\"QUJD\"}]}}"));
    assert_int_equal(a.characters, 4 + 1 + 2 + 1 + 4);
    assert_int_equal(a.items, 2);
    assert_int_equal(answer_tokens_out(&a), (12 + 40 + 40 + 3) / 4);

    a = scan(
        STR("{\"result\":{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"12345678\"}}]}}"));
    assert_int_equal(a.characters, 8);
    assert_int_equal(a.items, 1);
    a = scan(STR("{\"error\":{\"code\":1}}"));
    assert_int_equal(answer_tokens_out(&a), 0);
}
