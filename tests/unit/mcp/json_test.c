#include "mcp/json.h"
#include "test.h"

static yyjson_doc *
read(const char *text)
{
    yyjson_doc *doc = json_read(str_from(text));

    assert_non_null(doc);
    return doc;
}

TEST(what_is_no_string_has_no_text)
{
    yyjson_doc *doc = read("{\"s\":\"text\",\"e\":\"\",\"n\":123456,\"l\":[1,2],\"o\":{\"a\":1},\"z\":null,"
                           "\"b\":123456789012345678901234567890}");
    yyjson_val *all = yyjson_doc_get_root(doc);

    assert_str(json_str_in(all, "s"), "text");
    assert_true(json_str_in(all, "e").data != NULL && json_str_in(all, "e").len == 0);
    for (const char *key = "nlozb?"; *key != '\0'; key++)
        assert_null(json_str_in(all, (char[2]){*key, '\0'}).data);
    for (const char *key = "nlozb?"; *key != '\0'; key++)
        assert_int_equal(json_str_in(all, (char[2]){*key, '\0'}).len, 0);
    assert_null(json_str(NULL).data);
    assert_null(json_str_in(yyjson_obj_get(all, "l"), "s").data);
    assert_str(json_raw(yyjson_obj_get(all, "b")), "123456789012345678901234567890");
    assert_null(json_raw(yyjson_obj_get(all, "s")).data);
    yyjson_doc_free(doc);
}

TEST(a_member_is_an_object)
{
    yyjson_doc *doc = read("{\"o\":{\"a\":1},\"l\":[1]}");
    yyjson_val *all = yyjson_doc_get_root(doc);

    assert_non_null(json_member(all, "o"));
    assert_null(json_member(all, "l"));
    assert_null(json_member(yyjson_obj_get(all, "l"), "o"));
    assert_null(json_member(NULL, "o"));
    yyjson_doc_free(doc);
}

TEST(what_is_no_utf8_is_mended)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);

    assert_string_equal(yyjson_mut_get_str(json_text(doc, STR("caf\xc3\xa9"))), "caf\xc3\xa9");
    assert_string_equal(yyjson_mut_get_str(json_text(doc, STR("a\xff"
                                                              "b\xc3"))),
                        "a\xef\xbf\xbd"
                        "b\xef\xbf\xbd");
    assert_string_equal(yyjson_mut_get_str(json_text(doc, STR_NONE)), "");
    yyjson_mut_doc_free(doc);
}

TEST(what_is_kept_outlives_what_it_was_copied_from)
{
    yyjson_doc *doc  = read("{\"a\":[1,{\"b\":\"text\"}]}");
    yyjson_doc *kept = json_keep(yyjson_obj_get(yyjson_doc_get_root(doc), "a"));

    yyjson_doc_free(doc);
    assert_str(json_str_in(yyjson_arr_get(yyjson_doc_get_root(kept), 1), "b"), "text");
    yyjson_doc_free(kept);
    assert_null(json_keep(NULL));
}
