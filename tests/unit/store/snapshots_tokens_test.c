/* Texts become words: scripts without spaces a character each, the rest folded; broken bytes are nothing special. */
#include "store/snapshots/tokens.h"

#include "store/snapshots/letters.h"
#include "test.h"

struct list {
    char   text[512];
    size_t len;
    int    end; /* of the word before */
};

static int
on_token(void *arg, int flags, const char *token, int len, int from, int to)
{
    struct list *list = arg;

    (void)flags;
    assert_true(from >= list->end && to > from && len <= TOKEN_MOST);
    list->end = to;
    list->len += (size_t)snprintf(list->text + list->len, sizeof list->text - list->len, "%s%.*s",
                                  list->len == 0 ? "" : "|", len, token);
    return SQLITE_OK;
}

static const char *
words_of(struct str text)
{
    static struct list list;
    struct error       err = {0};
    sqlite3           *db;

    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    fts5_api      *api = tokens_register(db, &err);
    struct tokens *t   = api == NULL ? NULL : tokens_new(api, &err);
    if (t == NULL)
        fail_msg("%s", err.text);
    list = (struct list){0};
    assert_int_equal(tokens_of(t, text, &list, on_token), SQLITE_OK);
    tokens_free(t);
    sqlite3_close(db);
    return list.text;
}

TEST(words_are_folded)
{
    assert_string_equal(words_of(STR("Don't STOP: me_now, v1.2!")), "don|t|stop|me|now|v1|2");
    assert_string_equal(words_of(STR("Straße GROẞ ſee")), "strasse|gross|see");
    assert_string_equal(words_of(STR("Älter als Ñandú")), "alter|als|nandu");
    assert_string_equal(words_of(STR("Ἀθῆναι ΆΈΉΊΌΎΏ ΐΰ ς")), words_of(STR("ἀθῆναι άέήίόύώ ϊϋ σ")));
    assert_string_equal(words_of(STR("ЁЖ Йод ЇЖАК")), "еж|иод|іжак");
    assert_string_equal(words_of(STR("IİıI")), "iiii");
    assert_string_equal(words_of(STR("Ａｚ０９")), "az09");
    assert_string_equal(words_of(STR("")), "");
    assert_string_equal(words_of(STR(" \t\n... ---")), "");
}

TEST(an_accent_that_stands_by_itself_is_the_same)
{
    assert_string_equal(words_of(STR("e\xcc\x81te\xcc\x81")), "ete");
    assert_string_equal(words_of(STR("\xcc\x81")), "");
    assert_string_equal(words_of(STR("\xd0\xb8\xcc\x86\xd0\xbe\xd0\xb4")), words_of(STR("йод")));
}

TEST(characters_of_scripts_without_spaces_stand_alone)
{
    assert_string_equal(words_of(STR("会话ABC的")), "会|话|abc|的");
    assert_string_equal(words_of(STR("データベース、保存")), "デ|ー|タ|ベ|ー|ス|保|存");
    assert_string_equal(words_of(STR("สวัสดี")), "ส|ว|ั|ส|ด|ี");
    assert_string_equal(words_of(STR("스냅샷")), "스|냅|샷");
    assert_string_equal(words_of(STR("ok\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd!")), "ok|\xf0\x9f\x91\x8d|\xf0\x9f\x8f\xbd");
}

TEST(broken_bytes_part_words_and_nothing_else)
{
    assert_string_equal(words_of(STR("a\xff"
                                     "b")),
                        words_of(STR("a\xff"
                                     "b")));
    words_of(STR("\xe4\xb8"));
    words_of(STR("\xf0\x9f\x91"));
    words_of(STR("\xc3"));
    words_of(STR("\xed\xa0\x80\xf8\x88\x80\x80\x80"));
}

TEST(of_a_long_word_the_beginning_counts)
{
    char        text[5 * TOKEN_MOST];
    struct str  all = str_of(text, sizeof text);
    const char *word;

    memset(text, 'a', sizeof text);
    word = words_of(all);
    assert_int_equal(strlen(word), TOKEN_MOST);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "\xd1\x8f"[i % 2];
    word = words_of(all);
    assert_int_equal(strlen(word), TOKEN_MOST);
    assert_true(str_is_utf8(str_from(word)));
}

TEST(letters_are_read_one_by_one)
{
    uint32_t c;

    assert_int_equal(letter_read(STR("a"), &c), 1);
    assert_int_equal(c, 'a');
    assert_int_equal(letter_read(STR("\xf0\x9f\x9a\x80"), &c), 4);
    assert_int_equal(c, 0x1f680);
    assert_int_equal(letter_read(STR("\xf0\x9f"), &c), 1);
    assert_int_equal(c, 0xfffd);
    assert_int_equal(letter_read(STR("\x80"), &c), 1);
    assert_int_equal(c, 0xfffd);
}
