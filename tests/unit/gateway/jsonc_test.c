#include "gateway/jsonc.h"

#include "test.h"

/* In `text`, the member `key` of the object whose brace is the first behind "<here>" (or the first of all) is set to
 * `value`, or removed; all members but that one must read the same afterwards. */
static void
check(const char *before, const char *key, const char *value, const char *after)
{
    struct str text    = str_from(before);
    ptrdiff_t  servers = str_find(text, STR("\"servers\""));
    size_t     object =
        (size_t)str_index(str_skip(text, servers < 0 ? 0 : (size_t)servers), '{') + (servers < 0 ? 0 : (size_t)servers);
    struct buffer out = {.max = KIB(64)};
    bool          ok  = value == NULL ? jsonc_remove(text, object, str_from(key), &out)
                                      : jsonc_set(text, object, str_from(key), str_from(value), &out);

    assert_true(ok);
    struct str got = buffer_str(&out);
    if (!str_eq(got, str_from(after)))
        fail_msg("got:\n%.*s\nwanted:\n%s", STR_ARG(got), after);
    yyjson_doc *doc = yyjson_read(got.data, got.len, JSONC_FLAGS);
    assert_non_null(doc);
    yyjson_doc_free(doc);
    buffer_clear(&out);
}

#define URL "{\"url\":\"u\"}"

TEST(a_new_member_is_the_last_in_the_indentation_of_the_file)
{
    check("{\n  \"servers\": {\n    \"a\": {\n      \"url\": \"x\"\n    }\n  }\n}\n", "b", URL,
          "{\n  \"servers\": {\n    \"a\": {\n      \"url\": \"x\"\n    },\n    \"b\": {\n      \"url\": \"u\"\n    "
          "}\n  }\n}\n");
    check("{\n    \"servers\": {\n        \"a\": {\n            \"url\": \"x\"\n        }\n    }\n}", "b", URL,
          "{\n    \"servers\": {\n        \"a\": {\n            \"url\": \"x\"\n        },\n        \"b\": {\n         "
          "   \"url\": \"u\"\n"
          "        }\n    }\n}");
    check("{\n\t\"servers\": {\n\t\t\"a\": {\n\t\t\t\"url\": \"x\"\n\t\t}\n\t}\n}\n", "b",
          "{\"args\":[\"-y\",\"p\"],\"env\":{\"A\":\"1\"}}",
          "{\n\t\"servers\": {\n\t\t\"a\": {\n\t\t\t\"url\": \"x\"\n\t\t},\n\t\t\"b\": {\n\t\t\t\"args\": [\"-y\", "
          "\"p\"],\n\t\t\t\"env\": {\n"
          "\t\t\t\t\"A\": \"1\"\n\t\t\t}\n\t\t}\n\t}\n}\n");
}

TEST(a_new_member_is_written_as_its_neighbours_are)
{
    check("{\n  \"servers\": {\n    \"a\": {\"url\": \"x\"}\n  }\n}\n", "b", URL,
          "{\n  \"servers\": {\n    \"a\": {\"url\": \"x\"},\n    \"b\": {\"url\": \"u\"}\n  }\n}\n");
    check("{\n  \"servers\": {\n    \"a\": { \"url\": \"x\" },\n  },\n}\n", "b", URL,
          "{\n  \"servers\": {\n    \"a\": { \"url\": \"x\" },\n    \"b\": {\"url\": \"u\"},\n  },\n}\n");
    check("{\"servers\":{\"a\":{\"url\":\"x\"}}}", "b", URL,
          "{\"servers\":{\"a\":{\"url\":\"x\"},\"b\":{\"url\":\"u\"}}}");
    check("{\"servers\": {\"a\": {\"url\": \"x\"}}}\n", "b", URL,
          "{\"servers\": {\"a\": {\"url\": \"x\"}, \"b\": {\"url\": \"u\"}}}\n");
    check("{ \"servers\": { \"a\": { \"url\": \"x\" } } }", "b", URL,
          "{ \"servers\": { \"a\": { \"url\": \"x\" }, \"b\": { \"url\": \"u\" } } }");
    check("{\r\n  \"servers\": {\r\n    \"a\": {\r\n      \"url\": \"x\"\r\n    }\r\n  }\r\n}\r\n", "b", URL,
          "{\r\n  \"servers\": {\r\n    \"a\": {\r\n      \"url\": \"x\"\r\n    },\r\n    \"b\": {\r\n      \"url\": "
          "\"u\"\r\n    }\r\n  }\r\n}\r\n");
}

TEST(a_new_member_of_an_empty_object)
{
    check("{\n  \"servers\": {}\n}\n", "b", URL,
          "{\n  \"servers\": {\n    \"b\": {\n      \"url\": \"u\"\n    }\n  }\n}\n");
    check("{\n    \"servers\": {\n    }\n}\n", "b", URL,
          "{\n    \"servers\": {\n        \"b\": {\n            \"url\": \"u\"\n        }\n    }\n}\n");
    check("{\"servers\":{}}", "b", URL, "{\"servers\":{\"b\":{\"url\":\"u\"}}}");
    check("{}\n", "b", URL, "{\n  \"b\": {\n    \"url\": \"u\"\n  }\n}\n");
    check("{\n  \"servers\": {\n    // none yet\n  }\n}\n", "b", URL,
          "{\n  \"servers\": {\n    // none yet\n    \"b\": {\n      \"url\": \"u\"\n    }\n  }\n}\n");
    check("{\"servers\": { /* none */ }}", "b", URL, "{\"servers\": { /* none */ \"b\": { \"url\": \"u\" } }}");
}

TEST(comments_stay_with_what_they_stand_beside)
{
    check("{\n  \"servers\": {\n    // first\n    \"a\": {\n      \"url\": \"x\" // why\n    } // end of a\n    // the "
          "last word\n  }\n}\n",
          "b", URL,
          "{\n  \"servers\": {\n    // first\n    \"a\": {\n      \"url\": \"x\" // why\n    }, // end of a\n    // "
          "the last word\n"
          "    \"b\": {\n      \"url\": \"u\"\n    }\n  }\n}\n");
    check("{\"servers\": {\"a\": 1 /* x */}}", "b", "2", "{\"servers\": {\"a\": 1, /* x */ \"b\": 2}}");
    check("{\"servers\": {\"a\": 1, /* x */}}", "b", "2", "{\"servers\": {\"a\": 1, /* x */ \"b\": 2,}}");
}

TEST(a_member_that_is_there_is_replaced_in_its_place)
{
    check("{\n  \"servers\": {\n    \"a\": {\n      \"url\": \"x\"\n    }, // a\n    \"c\": 1\n  }\n}\n", "a",
          "{\"url\":\"u\",\"n\":1.50}",
          "{\n  \"servers\": {\n    \"a\": {\n      \"url\": \"u\",\n      \"n\": 1.50\n    }, // a\n    \"c\": 1\n  "
          "}\n}\n");
    check("{\n  \"servers\": {\n    \"a\": {\"url\": \"x\"},\n    \"c\": 1\n  }\n}\n", "a", "{\"url\":\"u\",\"n\":1}",
          "{\n  \"servers\": {\n    \"a\": {\"url\": \"u\", \"n\": 1},\n    \"c\": 1\n  }\n}\n");
    check("{\"servers\":{\"\\u0061\" : /* old */ 1 }}", "a", "\"\\u00e9\\n\"",
          "{\"servers\":{\"\\u0061\" : /* old */ \"\xC3\xA9\\n\" }}");
}

#define THREE(a, b, c) "{\n  \"servers\": {\n" a b c "  }\n}\n"

TEST(a_member_goes_with_its_line_and_nothing_else)
{
    check(THREE("    \"a\": 1,\n", "    \"b\": {\n      \"x\": 2\n    },\n", "    \"c\": 3\n"), "a", NULL,
          THREE("", "    \"b\": {\n      \"x\": 2\n    },\n", "    \"c\": 3\n"));
    check(THREE("    \"a\": 1,\n", "    \"b\": {\n      \"x\": 2\n    },\n", "    \"c\": 3\n"), "b", NULL,
          THREE("    \"a\": 1,\n", "", "    \"c\": 3\n"));
    check(THREE("    \"a\": 1,\n", "    \"b\": {\n      \"x\": 2\n    },\n", "    \"c\": 3\n"), "c", NULL,
          THREE("    \"a\": 1,\n", "    \"b\": {\n      \"x\": 2\n    }\n", ""));
    check(THREE("    \"a\": 1,\n", "    \"b\": 2,\n", "    \"c\": 3,\n"), "c", NULL,
          THREE("    \"a\": 1,\n", "    \"b\": 2,\n", ""));
    check(THREE("    // one\n    \"a\": 1, // uno\n", "    /* two */ \"b\": 2, // due\n",
                "    \"c\": 3\n    // no more\n"),
          "b", NULL,
          THREE("    // one\n    \"a\": 1, // uno\n", "    /* two */ // due\n", "    \"c\": 3\n    // no more\n"));
    check(THREE("    \"a\": 1, // uno\n", "", "    \"c\": 3\n    // no more\n"), "c", NULL,
          THREE("    \"a\": 1 // uno\n", "", "    // no more\n"));
    check("{\r\n  \"servers\": {\r\n    \"a\": 1,\r\n    \"b\": 2\r\n  }\r\n}\r\n", "a", NULL,
          "{\r\n  \"servers\": {\r\n    \"b\": 2\r\n  }\r\n}\r\n");
    check("{\r\n\t\"servers\": {\r\n\t\t\"a\": 1,\r\n\t\t\"b\": 2\r\n\t}\r\n}\r\n", "b", NULL,
          "{\r\n\t\"servers\": {\r\n\t\t\"a\": 1\r\n\t}\r\n}\r\n");
}

TEST(on_one_line_the_spaces_go_too)
{
    check("{\"servers\": {\"a\": 1, \"b\": 2, \"c\": 3}}", "a", NULL, "{\"servers\": {\"b\": 2, \"c\": 3}}");
    check("{\"servers\": {\"a\": 1, \"b\": 2, \"c\": 3}}", "b", NULL, "{\"servers\": {\"a\": 1, \"c\": 3}}");
    check("{\"servers\": {\"a\": 1, \"b\": 2, \"c\": 3}}", "c", NULL, "{\"servers\": {\"a\": 1, \"b\": 2}}");
    check("{ \"servers\": { \"a\": 1, \"b\": 2 } }", "b", NULL, "{ \"servers\": { \"a\": 1 } }");
    check("{\"servers\":{\"a\":1,\"b\":2,}}", "b", NULL, "{\"servers\":{\"a\":1,}}");
    check("{\"servers\":{\"a\":1 /*x*/,\"b\":2}}", "a", NULL, "{\"servers\":{/*x*/\"b\":2}}");
}

TEST(the_only_member_leaves_an_empty_object_or_the_comments)
{
    check("{\n  \"servers\": {\n    \"a\": 1\n  }\n}\n", "a", NULL, "{\n  \"servers\": {}\n}\n");
    check("{\"servers\": { \"a\": 1, }}", "a", NULL, "{\"servers\": {}}");
    check("{\n  \"servers\": {\n    // keep me\n    \"a\": 1,\n  }\n}\n", "a", NULL,
          "{\n  \"servers\": {\n    // keep me\n  }\n}\n");
}

TEST(what_was_added_and_removed_leaves_no_trace)
{
    static const char *const texts[] = {
        "{\n  \"servers\": {\n    \"a\": {\n      \"url\": \"x\"\n    }\n  }\n}\n",
        "{\"servers\":{\"a\":{}}}",
        "{ \"servers\": { \"a\": 1, } }",
        "{\n\t\"servers\": {\n\t\t\"a\": 1, // one\n\t\t// two\n\t},\n}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str    text   = str_from(texts[i]);
        size_t        object = (size_t)str_index(str_skip(text, 1), '{') + 1;
        struct buffer with = {.max = KIB(4)}, without = {.max = KIB(4)};
        assert_true(jsonc_set(text, object, STR("b"), STR("{\"url\": \"u\", \"args\": [1, [2]]}"), &with));
        assert_true(jsonc_remove(buffer_str(&with), object, STR("b"), &without));
        if (!str_eq(buffer_str(&without), text))
            fail_msg("got:\n%.*s\nwanted:\n%s", STR_ARG(buffer_str(&without)), texts[i]);
        buffer_clear(&with);
        buffer_clear(&without);
    }
}

TEST(a_text_that_is_not_what_was_promised_is_refused)
{
    static const char *const texts[] = {"{",        "{\"a\"",    "{\"a\":",   "{\"a\":1",  "{\"a\":1 2}",
                                        "{\"a\":}", "{a:1}",     "{\"a\":]}", "{\"a\":1,", "{\"a\":\"",
                                        "[1]",      "{\"a\" 1}", "{\"a\":[}", "{/*"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buffer out = {.max = KIB(4)};
        if (jsonc_set(str_from(texts[i]), 0, STR("b"), STR("1"), &out))
            fail_msg("%s", texts[i]);
        buffer_clear(&out);
    }
}
