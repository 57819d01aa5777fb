#include "cli/call/arguments.h"

#include <stdlib.h>

#include "test.h"

struct made {
    yyjson_doc     *schema;
    yyjson_mut_doc *doc;
    struct error    err;
    char           *json; /* NULL: refused */
};

static void
split(struct call_line *line, struct call_pair *pairs, const char *words)
{
    struct str rest = str_from(words), word;

    line->pairs = pairs;
    while (str_cut(&rest, ' ', &word)) {
        size_t            equal = (size_t)str_index(word, '=');
        struct call_pair *p     = &pairs[line->count++];
        *p                      = (struct call_pair){.key = str_take(word, equal), .text = str_skip(word, equal + 1)};
        p->is_raw               = str_ends(p->key, STR(":"));
        p->key.len -= p->is_raw;
    }
}

/* `words` have single spaces between them. */
static const char *
make(struct made *m, const char *schema, const char *words)
{
    struct call_pair pairs[16];
    struct call_line line = {0};

    *m = (struct made){.schema = yyjson_read(schema, strlen(schema), 0), .doc = yyjson_mut_doc_new(NULL)};
    split(&line, pairs, words);
    yyjson_mut_val *value = arguments_make(m->doc, &line, STR("get_time"), yyjson_doc_get_root(m->schema), &m->err);
    m->json               = value == NULL ? NULL : yyjson_mut_val_write(value, 0, NULL);
    return m->json;
}

static void
forget(struct made *m)
{
    yyjson_doc_free(m->schema);
    yyjson_mut_doc_free(m->doc);
    free(m->json);
}

static void
check_makes(const char *schema, const char *words, const char *json)
{
    struct made m;

    if (make(&m, schema, words) == NULL)
        fail_msg("\"%s\" was refused: %s", words, m.err.text);
    assert_string_equal(m.json, json);
    forget(&m);
}

static void
check_refuses(const char *schema, const char *words, const char *why)
{
    struct made m;

    if (make(&m, schema, words) != NULL)
        fail_msg("\"%s\" became %s", words, m.json);
    if (strstr(m.err.text, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, m.err.text);
    assert_int_equal(m.err.code, ERROR_INVALID);
    forget(&m);
}

#define P(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"

TEST(a_value_is_of_the_type_that_the_schema_wants)
{
    static const char all[] = P("\"s\":{\"type\":\"string\"},\"i\":{\"type\":\"integer\"},\"n\":{\"type\":\"number\"},"
                                "\"b\":{\"type\":\"boolean\"},\"a\":{\"type\":\"array\"},\"o\":{\"type\":\"object\"},"
                                "\"z\":{\"type\":\"null\"}");

    check_makes(all, "s=5 i=5 n=0.5 b=true a=[1,\"x\"] o={\"k\":1} z=null",
                "{\"s\":\"5\",\"i\":5,\"n\":0.5,\"b\":true,\"a\":[1,\"x\"],\"o\":{\"k\":1},\"z\":null}");
    check_makes(all, "s=true i=-3 n=2", "{\"s\":\"true\",\"i\":-3,\"n\":2}");
    check_makes(all, "i=123456789012345678901234567890", "{\"i\":123456789012345678901234567890}");
    check_makes(all, "s=", "{\"s\":\"\"}");
    check_refuses(all, "i=five", "i is an integer, not \"five\"");
    check_refuses(all, "i=0.5", "i is an integer, not \"0.5\"");
    check_refuses(all, "b=yes", "b is true or false, not \"yes\"");
    check_refuses(all, "o=[1]", "o is an object, not \"[1]\"");
    check_refuses(all, "a=[1", "a is an array, not \"[1\"");
}

TEST(types_are_found_behind_references_and_choices)
{
    check_makes("{\"$defs\":{\"n\":{\"type\":\"integer\"}},\"properties\":{\"x\":{\"$ref\":\"#/$defs/n\"}}}", "x=5",
                "{\"x\":5}");
    check_makes(P("\"x\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}"), "x=5", "{\"x\":5}");
    check_makes(P("\"x\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}"), "x=five", "{\"x\":\"five\"}");
    check_makes(P("\"x\":{\"type\":[\"string\",\"null\"]}"), "x=null", "{\"x\":\"null\"}");
    check_makes(P("\"x\":{\"type\":[\"integer\",\"null\"]}"), "x=null", "{\"x\":null}");
    check_makes(P("\"x\":{\"allOf\":[{\"type\":[\"integer\",\"string\"]},{\"type\":\"integer\"}]}"), "x=5",
                "{\"x\":5}");
    check_makes(P("\"x\":{}"), "x=5", "{\"x\":5}");
    check_makes(P("\"x\":{}"), "x=five", "{\"x\":\"five\"}");
    check_refuses(P("\"x\":{\"type\":[\"integer\",\"null\"]}"), "x=a", "x is an integer or null, not \"a\"");
    check_makes("{\"properties\":{\"x\":{\"$ref\":\"#/properties/x\"}}}", "x=5", "{\"x\":5}"); /* leads nowhere */
    check_makes(
        "{\"$defs\":{\"d\":{\"anyOf\":[{\"$ref\":\"#/$defs/d\"},{\"$ref\":\"#/$defs/d\"},{\"$ref\":\"#/$defs/d\"}]}},"
        "\"properties\":{\"x\":{\"$ref\":\"#/$defs/d\"}}}",
        "x=a", "{\"x\":\"a\"}"); /* and ends */
}

TEST(a_choice_is_one_of_those)
{
    static const char zones[]  = P("\"zone\":{\"enum\":[\"Europe/Paris\",\"Asia/Tokyo\"]},\"n\":{\"enum\":[1,2]}");
    static const char titled[] = P("\"c\":{\"oneOf\":[{\"const\":\"red\",\"title\":\"Red\"},{\"const\":\"blue\"}]}");

    check_makes(zones, "zone=Asia/Tokyo n=2", "{\"zone\":\"Asia/Tokyo\",\"n\":2}");
    check_refuses(zones, "zone=Asia/Toky", "did you mean \"Asia/Tokyo\"?");
    check_refuses(zones, "zone=Mars", "zone is one of \"Europe/Paris\", \"Asia/Tokyo\", not \"Mars\"");
    check_refuses(zones, "n=3", "n is one of 1, 2, not \"3\"");
    check_makes(titled, "c=blue", "{\"c\":\"blue\"}");
    check_refuses(titled, "c=bleu", "did you mean \"blue\"?");
}

TEST(an_array_is_made_of_what_is_there_more_than_once)
{
    static const char tags[] =
        P("\"t\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"s\":{\"type\":\"string\"},"
          "\"n\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}");

    check_makes(tags, "t=a t=b n=1 n=2", "{\"t\":[\"a\",\"b\"],\"n\":[1,2]}");
    check_makes(tags, "t=a n=7", "{\"t\":[\"a\"],\"n\":[7]}");
    check_makes(tags, "t=[\"a\"]", "{\"t\":[\"a\"]}");
    check_refuses(tags, "s=a s=b", "s is there twice");
    check_refuses(tags, "n=1 n=x", "n is an integer, not \"x\"");
}

TEST(a_key_that_is_not_known_gets_the_nearest)
{
    check_refuses(P("\"zone\":{}"), "zne=x", "get_time takes no \"zne\"; did you mean \"zone\"?");
    check_refuses(P("\"zone\":{}"), "q=x", "get_time takes no \"q\"");
    check_makes("{\"properties\":{\"zone\":{}},\"additionalProperties\":true}", "zne=x", "{\"zne\":\"x\"}");
    check_makes("{\"patternProperties\":{\"^z\":{}}}", "zne=5", "{\"zne\":5}");
    check_makes(P("\"zone\":{}"), "zne:=\"x\"", "{\"zne\":\"x\"}"); /* as it is typed */
}

TEST(what_is_missing_or_breaks_the_schema_is_said)
{
    static const char schema[] =
        "{\"type\":\"object\",\"properties\":{\"zone\":{\"type\":\"string\",\"minLength\":3},"
        "\"at\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}},\"required\":[\"zone\",\"at\"]}";

    check_refuses(schema, "", "get_time needs zone (a string), at (an array of integers)");
    check_refuses(schema, "zone=ab at=1", "/zone: ");
    check_makes(schema, "zone:=1", "{\"zone\":1}"); /* to see what the server makes of it */
    check_refuses(schema, "zone:=[", "zone is no JSON");
    check_refuses(schema, "zone:=", "zone is no JSON: nothing is there");
}

static char *
params(const char *method, const char *subject, const char *words, struct error *err)
{
    struct call_pair pairs[16];
    struct call_line line = {.method = str_from(method), .subject = str_from(subject)};
    yyjson_mut_doc  *doc  = yyjson_mut_doc_new(NULL);

    split(&line, pairs, words);
    yyjson_mut_val *value = params_make(doc, &line, err);
    char           *json  = value == NULL ? NULL : yyjson_mut_val_write(value, 0, NULL);
    yyjson_mut_doc_free(doc);
    return json;
}

static void
check_params(const char *method, const char *subject, const char *words, const char *wanted)
{
    struct error err  = {0};
    char        *json = params(method, subject, words, &err);

    if (json == NULL)
        fail_msg("refused: %s", err.text);
    assert_string_equal(json, wanted);
    free(json);
}

TEST(other_methods_have_their_params)
{
    struct error err = {0};

    check_params("resources/read", "file:///a", "", "{\"uri\":\"file:///a\"}");
    check_params("prompts/get", "greet", "who=Ada n=5",
                 "{\"name\":\"greet\",\"arguments\":{\"who\":\"Ada\",\"n\":\"5\"}}");
    check_params("prompts/get", "greet", "name=Ada", "{\"name\":\"greet\",\"arguments\":{\"name\":\"Ada\"}}");
    check_params("ping", NULL, "", "{}");
    check_params("completion/complete", NULL, "ref:={\"type\":\"ref/prompt\"}", "{\"ref\":{\"type\":\"ref/prompt\"}}");
    assert_null(params("x/y", NULL, "a=1 a=2", &err));
    assert_non_null(strstr(err.text, "a is there twice"));
}
