#include "base/base64.h"
#include "test.h"

/* RFC 4648 section 10, and every remainder of bits. */
static const struct {
    const char *bytes, *padded, *url;
} known[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xfe", "+//+", "-__-"},
};

TEST(bytes_become_letters_and_bytes_again)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        for (enum base64 form = BASE64; form <= BASE64_URL; form++) {
            struct str  bytes = str_from(known[i].bytes);
            const char *text  = form == BASE64 ? known[i].padded : known[i].url;
            char        letters[BASE64_ROOM(6)], back[BASE64_BYTES(8)];
            size_t      len = 99;

            assert_int_equal(base64_write(form, bytes, letters), strlen(text));
            assert_string_equal(letters, text);
            assert_true(base64_read(form, str_from(text), back, &len));
            assert_true(str_eq(str_of(back, len), bytes));
        }
}

TEST(another_text_for_the_same_bytes_is_refused)
{
    static const char *const padded[] = {"Zg",   "Zg=",   "Zg===", "Zh==", "Zm9=", "=",
                                         "====", "Zm9v=", "Zm 9",  "-__-", "Z=g=", "Zm9vZ"};
    static const char *const url[]    = {"Zg==", "Zh", "Zm9", "Z", "Zm9vZ", "+//+", "Zm8\n"};
    char                     out[BASE64_BYTES(16)];
    size_t                   len;

    for (size_t i = 0; i < sizeof padded / sizeof padded[0]; i++)
        assert_false(base64_read(BASE64, str_from(padded[i]), out, &len));
    for (size_t i = 0; i < sizeof url / sizeof url[0]; i++)
        assert_false(base64_read(BASE64_URL, str_from(url[i]), out, &len));
}
