#include "api/detail.h"
#include "test.h"

static struct str
detail(const char *method, const char *message)
{
    static char   kept[DETAIL_SIZE];
    struct buffer out = {.max = DETAIL_SIZE};
    yyjson_doc   *doc = yyjson_read(message, strlen(message), YYJSON_READ_NUMBER_AS_RAW);
    size_t        len;

    assert_non_null(doc);
    detail_append(&out, str_from(method), yyjson_doc_get_root(doc));
    len = buffer_len(&out);
    if (len > 0)
        memcpy(kept, buffer_str(&out).data, len);
    buffer_clear(&out);
    yyjson_doc_free(doc);
    return str_of(kept, len);
}

TEST(a_call_is_shown_as_one)
{
    assert_str(detail("tools/call", "{\"params\":{\"name\":\"forecast\",\"arguments\":{\"city\":\"Oslo\",\"days\":3.50,"
                                    "\"parts\":[\"wind\"]}}}"),
               "forecast(city: \"Oslo\", days: 3.50, parts: [\"wind\"])");
    assert_str(detail("prompts/get", "{\"params\":{\"name\":\"greet\"}}"), "greet()");
    assert_str(detail("tools/call", "{\"result\":{\"content\":[{\"type\":\"image\"},{\"text\":\"ra\\nin\"}]}}"),
               "ra in");
    assert_str(detail("tools/call", "{\"params\":7}"), "()");
}

TEST(lists_are_counted_and_begun)
{
    assert_str(detail("tools/list", "{\"result\":{\"tools\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"},"
                                    "{\"name\":\"d\"},{\"name\":\"e\"}]}}"),
               "5 tools: a, b, c, +2");
    assert_str(detail("prompts/list", "{\"result\":{\"prompts\":[{\"name\":\"p\"}]}}"), "1 prompt: p");
    assert_str(detail("resources/list", "{\"result\":{}}"), "0 resources");
    assert_str(detail("resources/templates/list", "{\"params\":{\"cursor\":\"n-2\"}}"), "cursor: n-2");
}

TEST(other_forms)
{
    assert_str(detail("initialize", "{\"result\":{\"serverInfo\":{\"name\":\"up\",\"version\":\"1.2\"}}}"), "→ up@1.2");
    assert_str(detail("anything", "{\"error\":{\"code\":-1,\"message\":\"no such thing\"}}"), "Error: no such thing");
    assert_str(detail("prompts/get", "{\"result\":{\"description\":\"Hi\",\"messages\":[1,2]}}"), "Hi (2 messages)");
    assert_str(detail("resources/read", "{\"result\":{\"contents\":[{\"mimeType\":\"text/html\",\"text\":\"<p>\"}]}}"),
               "text/html, 3 bytes");
    assert_str(detail("ping", "{}"), "");
    assert_str(detail("ping", "[]"), "");
}

TEST(long_texts_are_cut_between_characters)
{
    struct buffer message = {.max = KIB(8)};
    struct str    shown;

    buffer_append(&message, STR("{\"params\":{\"uri\":\"file:///"));
    for (int i = 0; i < 500; i++)
        buffer_append(&message, STR("ø"));
    buffer_append(&message, STR("end.txt\"}}"));
    buffer_append_char(&message, '\0');
    shown = detail("resources/read", message.data);
    assert_true(str_is_utf8(shown) && str_starts(shown, STR("file:///ø")) && str_ends(shown, STR("øend.txt")));
    assert_true(str_find(shown, STR("…")) > 0 && shown.len < 220);
    buffer_clear(&message);
    shown = detail("resources/read", "{\"error\":{\"message\":\"0123456789012345678901234567890123456789"
                                     "0123456789012345678901234567890123456789012345678901234567890123456789\"}}");
    assert_true(str_ends(shown, STR("…")));
    assert_int_equal(shown.len, 99 + 3);
}
