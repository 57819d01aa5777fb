#include "exchange/skim.h"

#include "test.h"

/* What a message may be made of, and what is almost a message. */
static const char *const texts[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":17,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"\\u00e4\\\"\\\\ "
    "\xce\xb1\xe2\x82\xac"
    "\xf0\x9f\x98\x80\"}],\"isError\":true}}",
    "{\"result\":{\"_meta\":{\"a\":[1,-0,0.5,1e9,1E-2,-12.5e+3]},\"isError\":false},\"jsonrpc\":\"2.0\",\"id\":"
    "\"x\\ny\"}",
    " { \"jsonrpc\" : \"2.0\" , \"method\" : \"tools/call\" , \"params\" : { \"name\" : \"a\" , \"arguments\" : { } } "
    "} ",
    "{\"params\":[{\"name\":1}],\"error\":{\"code\":-32000,\"message\":null,\"data\":[[],{},[{}]]},\"id\":null}",
    "{\"\\u0069d\":1,\"ID\":2,\"other\":{\"id\":3,\"name\":4},\"result\":true}",
    "{\"result\":{\"isError\":tru}}",
    "{\"id\":01}",
    "{\"id\":1.}",
    "{\"id\":-}",
    "{\"id\":1e}",
    "{\"id\":1,}",
    "{\"id\":[1,]}",
    "{\"id\":[1}}",
    "{\"id\" 1}",
    "{\"id\":\"\xc0\x80\"}",
    "{\"id\":\"\xed\xa0\x80\"}",
    "{\"id\":\"\xf4\x90\x80\x80\"}",
    "{\"id\":\"\\u12g4\"}",
    "{\"id\":\"\\x\"}",
    "{\"id\":\"a\tb\"}",
    "{\"id\":1} 2",
    "{\"id\":1}}",
    "{\"id\":1",
    "[1]",
    "",
};
static const char bad[] = "the message is not JSON";

static void
assert_same(const struct skim *a, const struct skim *b)
{
    assert_int_equal(a->at, b->at);
    assert_int_equal(a->count, b->count);
    assert_true(str_eq(buffer_str(&a->text), buffer_str(&b->text)));
    assert_true(str_eq(a->result, b->result));
    assert_memory_equal(a->pieces, b->pieces, a->count * sizeof a->pieces[0]);
}

/* The first `come` bytes, in memory that ends there. */
static void
feed_some(struct skim *s, struct str text, size_t come)
{
    char *so_far = malloc(come + 1);

    memcpy(so_far, text.data, come);
    char *exact = realloc(so_far, come > 0 ? come : 1);
    skim_feed(s, str_of(exact, come));
    free(exact);
}

TEST(however_a_message_is_cut_the_same_is_found)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str   text = str_from(texts[i]);
        struct skim  whole, cut, bytes;
        struct error err = {0};
        skim_begin(&whole);
        skim_begin(&bytes);
        bool ok = skim_end(&whole, text, &err);
        assert_int_equal(ok, i < 5);
        assert_true(ok || str_starts(str_from(err.text), str_from(bad)));
        for (size_t at = 0; at <= text.len; at++) {
            skim_begin(&cut);
            feed_some(&cut, text, at);
            feed_some(&bytes, text, at);
            assert_int_equal(skim_end(&cut, text, NULL), ok);
            assert_same(&cut, &whole);
            skim_clear(&cut);
        }
        assert_int_equal(skim_end(&bytes, text, NULL), ok);
        assert_same(&bytes, &whole);
        skim_clear(&bytes);
        skim_clear(&whole);
    }
}

TEST(what_matters_is_kept_and_the_rest_is_not)
{
    struct skim s;

    skim_begin(&s);
    assert_true(skim_end(&s, str_from(texts[3]), NULL));
    assert_str(buffer_str(&s.text), "{\"params\":[{\"name\":1}],\"error\":{\"code\":-32000},\"id\":null}");
    skim_clear(&s);
    skim_begin(&s);
    assert_true(skim_end(&s, str_from(texts[4]), NULL));
    assert_str(buffer_str(&s.text), "{\"\\u0069d\":1,\"ID\":2,\"result\":true}");
    skim_clear(&s);
}

TEST(no_token_is_walked_twice_for_coming_in_pieces)
{
    struct buffer text = {.max = MIB(2)};
    struct skim   s;

    skim_begin(&s);
    assert_true(buffer_append(&text, STR("{\"id\":1,\"x\":[")));
    for (int i = 0; i < 1 << 14; i++) {
        buffer_append(&text, STR("1234567812345678123456781234567812345678123456781234567812345678"));
        skim_feed(&s, buffer_str(&text));
        assert_int_equal(s.at, buffer_len(&text));
    }
    assert_true(buffer_append(&text, STR("]}")) && skim_end(&s, buffer_str(&text), NULL));
    skim_clear(&s);
    buffer_clear(&text);
}

TEST(the_begin_of_an_answer_tells_whose_it_is)
{
    static const struct {
        const char *begin, *id;
    } all[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"text\":\"x", "7"},
        {"{\"id\":\"seven\",\"error\":{\"code\":-1,\"message\":\"x", "\"seven\""},
        {"{\"result\":{\"name\":\"id\",\"_meta\":1},\"id\":7,\"x\":\"x", "7"},
        {"{\"result\":{\"name\":\"id\",\"x\":\"x", ""},           /* its id would have come later */
        {"{\"id\":7,\"method\":\"sampling/createMessage\",", ""}, /* a question, and that id is the child's own */
        {"{\"id\":7,\"METHOD\":\"x\",\"result\":\"x", ""},
        {"{\"id\":7,\"params\":{\"result\":\"x", ""},
        {"{\"id\":{\"a\":7},\"result\":\"x", ""},
        {"{\"id\":7", ""},
        {"{\"id\":", ""},
        {"[{\"id\":7,\"result\":1},{\"id\":8,\"result\":\"x", ""},
        {"{\"id\":7,\"result\":nonsense", ""},
        {"   ", ""},
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct skim s;
        skim_begin(&s);
        skim_feed(&s, str_from(all[i].begin));
        if (!str_eq(skim_answered(&s), str_from(all[i].id)))
            fail_msg("%s", all[i].begin);
        skim_clear(&s);
    }
}

TEST(nesting_has_a_bound)
{
    for (size_t depth = SKIM_DEPTH; depth <= SKIM_DEPTH + 1; depth++) {
        struct buffer text = {.max = KIB(8)};
        struct skim   s;
        buffer_append(&text, STR("{\"result\":"));
        for (size_t i = 1; i < depth; i++)
            buffer_append_char(&text, '[');
        for (size_t i = 1; i < depth; i++)
            buffer_append_char(&text, ']');
        buffer_append_char(&text, '}');
        skim_begin(&s);
        assert_int_equal(skim_end(&s, buffer_str(&text), NULL), depth == SKIM_DEPTH);
        skim_clear(&s);
        buffer_clear(&text);
    }
}
