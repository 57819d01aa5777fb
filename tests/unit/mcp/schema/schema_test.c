#include "mcp/schema/schema.h"

#include "test.h"

struct row {
    const char *schema, *value;
    const char *wanted; /* "": valid; else the error */
};

/* In this file ' stands for " in JSON and in what is said. */
static char *
quoted(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    assert_non_null(copy);
    for (size_t i = 0; i <= strlen(text); i++)
        copy[i] = text[i] == '\'' ? '"' : text[i];
    return copy;
}

static void
judge(const char *schema, const char *value, struct schema_fault *fault, struct error *err)
{
    char *schema_text = quoted(schema), *value_text = quoted(value);
    *err               = (struct error){0};
    struct schema *s   = schema_compile(str_from(schema_text), err);
    yyjson_doc    *doc = yyjson_read(value_text, strlen(value_text), YYJSON_READ_BIGNUM_AS_RAW);

    assert_non_null(doc);
    if (s != NULL && schema_validate(s, yyjson_doc_get_root(doc), fault, err))
        *err = (struct error){0};
    yyjson_doc_free(doc);
    schema_free(s);
    free(schema_text);
    free(value_text);
}

static void
check(const struct row *rows)
{
    struct schema_fault fault;
    struct error        err;

    for (; rows->schema != NULL; rows++) {
        char *wanted = quoted(rows->wanted);
        judge(rows->schema, rows->value, &fault, &err);
        if (strcmp(err.text, wanted) != 0)
            fail_msg("%s of %s: got %s, wanted %s", rows->schema, rows->value, err.text, wanted);
        free(wanted);
    }
}

// clang-format off
TEST(each_keyword_holds_or_says_what_is_wrong)
{
    static const struct row rows[] = {
        {"true", "1", ""},
        {"false", "1", "the value is not allowed"},
        {"{}", "null", ""},
        {"{'type':'integer'}", "1.0", ""},
        {"{'type':'integer'}", "1.5", "the value must be an integer, is a number"},
        {"{'type':['string','null']}", "{}", "the value must be null or a string, is an object"},
        {"{'enum':[1,'a',{'x':[1,2]}]}", "{'x':[1.0,2]}", ""},
        {"{'enum':[1,'a']}", "2", "the value must be one of 1, 'a'"},
        {"{'enum':[{'x':1,'y':2}]}", "{'x':1,'x':1}", "the value must be one of {'x':1,'y':2}"},
        {"{'const':{'a':1,'b':2}}", "{'b':2,'a':1}", ""},
        {"{'const':false}", "0", "the value must be false"},
        {"{'multipleOf':0.1}", "0.3", ""},
        {"{'multipleOf':3}", "1e400", "the value must be a multiple of 3"},
        {"{'multipleOf':5}", "1e400", ""},
        {"{'maximum':9007199254740992}", "9007199254740993", "the value must be at most 9007199254740992"},
        {"{'maximum':1e30}", "1000000000000000000000000000000", ""},
        {"{'exclusiveMaximum':1e30}", "1000000000000000000000000000000", "the value must be below 1e30"},
        {"{'minimum':-1.5}", "-1.50", ""},
        {"{'minimum':-1.5}", "-2", "the value must be at least -1.5"},
        {"{'exclusiveMinimum':0}", "-0.0", "the value must be above 0"},
        {"{'maxLength':1}", "'\\ud83d\\ude00'", ""},
        {"{'maxLength':1}", "'ab'", "the value must have at most 1 characters, has 2"},
        {"{'minLength':2.0}", "'\\ud83d\\ude00'", "the value must have at least 2 characters, has 1"},
        {"{'pattern':'^a'}", "'ba'", "the value must match the pattern ^a"},
        {"{'maxItems':1}", "[1,2]", "the value must have at most 1 items, has 2"},
        {"{'minItems':1}", "[]", "the value must have at least 1 items, has 0"},
        {"{'uniqueItems':true}", "[1,true,'1',[1],{'a':1},null,0,false]", ""},
        {"{'uniqueItems':true}", "[{'a':1,'b':[2]},0,{'b':[2.0],'a':1}]", "the value must have no item twice: items 0 and 2 are the same"},
        {"{'maxProperties':1}", "{'a':1,'b':2}", "the value must have at most 1 properties, has 2"},
        {"{'minProperties':1}", "{}", "the value must have at least 1 properties, has 0"},
        {"{'required':['a']}", "{'b':1}", "the value must have the property 'a'"},
        {"{'required':['a']}", "[]", ""},
        {"{'dependentRequired':{'a':['b']}}", "{'a':1}", "the value must have the property 'b', because it has a"},
        {"{'prefixItems':[{'type':'null'}],'items':{'type':'string'}}", "[null,'a',1]", "/2: must be a string, is a number"},
        {"{'prefixItems':[true],'items':false}", "[1,2]", "the value must have at most 1 items, has 2"},
        {"{'contains':{'type':'null'}}", "[1]", "the value must have at least 1 items of the kind that `contains` asks for, has 0"},
        {"{'contains':{'type':'null'},'minContains':0}", "[1]", ""},
        {"{'contains':{'type':'null'},'maxContains':1}", "[null,null]", "the value must have at most 1 items of the kind that `contains` asks for, has 2"},
        {"{'properties':{'a/b':{'properties':{'~':{'type':'null'}}}}}", "{'a/b':{'~':1}}", "/a~1b/~0: must be null, is a number"},
        {"{'properties':{'a':{'type':'null'}}}", "{'a':null,'a':1}", "/a: must be null, is a number"},
        {"{'properties':{'a':false}}", "{'a':1}", "/a: is not allowed"},
        {"{'patternProperties':{'^x':{'type':'null'}}}", "{'y':1,'x1':1}", "/x1: must be null, is a number"},
        {"{'properties':{'a':true},'patternProperties':{'^x':true},'additionalProperties':false}", "{'a':1,'x':1,'b':1}", "the value must not have the property 'b'; known are: a"},
        {"{'additionalProperties':{'type':'null'}}", "{'b':1}", "/b: must be null, is a number"},
        {"{'propertyNames':{'maxLength':1}}", "{'ab':1}", "the value has a property with the name 'ab', which must have at most 1 characters, has 2"},
        {"{'dependentSchemas':{'a':{'required':['b']}}}", "{'a':1}", "the value must have the property 'b'"},
        {"{'allOf':[true,{'type':'null'}]}", "1", "the value must be null, is a number"},
        {"{'anyOf':[{'type':'null'},{'properties':{'a':{'const':1}}}]}", "{'a':2}", "the value matches no alternative: must be null, is an object; or /a must be 1"},
        {"{'oneOf':[{'type':'null'},{'type':'integer'},{'minimum':1}]}", "2", "the value must match one alternative, matches two: 2 and 3 of 3"},
        {"{'oneOf':[{'type':'null'}]}", "2", "the value matches no alternative: must be null, is a number"},
        {"{'not':{'type':'null'}}", "null", "the value must not be what `not` describes"},
        {"{'if':{'type':'null'},'then':false,'else':{'const':1}}", "1", ""},
        {"{'if':{'type':'null'},'then':false,'else':{'const':1}}", "2", "the value must be 1"},
        {"{'if':{'type':'null'},'then':false}", "null", "the value is not allowed"},
        {"{'format':'email','then':false,'minContains':5}", "'x'", ""},
        {0},
    };
    check(rows);
}

TEST(what_is_unevaluated_is_what_no_keyword_of_the_same_schema_saw)
{
    static const struct row rows[] = {
        {"{'anyOf':[{'properties':{'a':true}},{'properties':{'b':true},'required':['b']}],'unevaluatedProperties':false}", "{'a':1,'b':2}", ""},
        {"{'anyOf':[{'properties':{'a':true}},{'properties':{'b':true},'required':['c']}],'unevaluatedProperties':false}", "{'a':1,'b':2}", "the value must not have the property 'b', of which its schema does not speak"},
        {"{'anyOf':[{'properties':{'a':true}},{'properties':{'b':true},'not':true}],'unevaluatedProperties':false}", "{'a':1,'b':2}", "the value must not have the property 'b', of which its schema does not speak"}, /* it failed behind what it saw */
        {"{'allOf':[{'properties':{'a':true}},{'unevaluatedProperties':false}]}", "{'a':1}", "the value must not have the property 'a', of which its schema does not speak"},
        {"{'$ref':'#/$defs/x','unevaluatedProperties':{'type':'null'},'$defs':{'x':{'properties':{'a':true}}}}", "{'a':1,'b':2}", "/b: must be null, is a number"},
        {"{'if':{'properties':{'a':{'const':1}}},'unevaluatedProperties':false}", "{'a':1}", ""},
        {"{'not':{'not':{'properties':{'a':true}}},'unevaluatedProperties':false}", "{'a':1}", "the value must not have the property 'a', of which its schema does not speak"},
        {"{'allOf':[{'unevaluatedProperties':true}],'unevaluatedProperties':false}", "{'a':1}", ""},
        {"{'prefixItems':[true],'contains':{'const':2},'unevaluatedItems':false}", "[1,2]", ""},
        {"{'prefixItems':[true],'contains':{'const':2},'unevaluatedItems':false}", "[1,2,3]", "the value must not have the item 2, of which its schema does not speak"},
        {"{'allOf':[{'items':true}],'unevaluatedItems':false}", "[1]", ""},
        {0},
    };
    check(rows);
}

TEST(references_lead_to_places_anchors_and_ids_of_the_same_schema)
{
    static const struct row rows[] = {
        {"{'$ref':'#/$defs/a~1b%25','$defs':{'a/b%':{'type':'null'}}}", "1", "the value must be null, is a number"},
        {"{'$ref':'#x','$defs':{'y':{'$anchor':'x','type':'null'}}}", "1", "the value must be null, is a number"},
        {"{'$ref':'#/definitions/x','definitions':{'x':{'type':'null'}}}", "1", "the value must be null, is a number"},
        {"{'$ref':'#/elsewhere/0','elsewhere':[{'type':'null'}]}", "1", "the value must be null, is a number"},
        {"{'$id':'http://a/b/c','$ref':'../d?q#x','$defs':{'y':{'$id':'/d?q','$defs':{'z':{'$anchor':'x','type':'null'}}}}}", "1", "the value must be null, is a number"},
        {"{'$id':'urn:x:y','$ref':'urn:x:y#/$defs/a','$defs':{'a':{'type':'null'}}}", "1", "the value must be null, is a number"},
        {"{'type':'object','properties':{'next':{'$ref':'#'}},'required':['v']}", "{'v':1,'next':{'v':1,'next':{}}}", "/next/next: must have the property 'v'"},
        /* a tree of any, and the tree of those that extend it: the outermost anchor decides */
        {"{'$id':'http://a/strict','$dynamicAnchor':'node','$ref':'tree','unevaluatedProperties':false,'$defs':{'tree':{'$id':'tree','$dynamicAnchor':'node',"
         "'properties':{'children':{'items':{'$dynamicRef':'#node'}}}}}}", "{'children':[{'x':1}]}", "/children/0: must not have the property 'x', of which its schema does not speak"},
        {"{'$dynamicRef':'#x','$defs':{'y':{'$dynamicAnchor':'x','type':'null'}}}", "1", "the value must be null, is a number"},
        {0},
    };
    check(rows);
}

TEST(a_wrong_schema_names_its_place)
{
    static const struct row rows[] = {
        {"[]", "1", "the schema must be a schema: an object, true or false"},
        {"{'properties':{'b':{'type':'numbr'}}}", "1", "/properties/b/type: must be null, boolean, number, integer, string, array or object, or a list of these"},
        {"{'type':['null','null']}", "1", "/type: names null twice"},
        {"{'type':[]}", "1", "/type: must name a type"},
        {"{'enum':1}", "1", "/enum: must be an array of the values that are allowed"},
        {"{'minimum':'1'}", "1", "/minimum: must be a number"},
        {"{'multipleOf':0}", "1", "/multipleOf: must be above 0"},
        {"{'maxLength':-1}", "1", "/maxLength: must be a whole number, 0 or more"},
        {"{'minItems':1.5}", "1", "/minItems: must be a whole number, 0 or more"},
        {"{'uniqueItems':1}", "1", "/uniqueItems: must be true or false"},
        {"{'required':['a','a']}", "1", "/required: names 'a' twice"},
        {"{'required':[1]}", "1", "/required: must be an array of strings"},
        {"{'allOf':[]}", "1", "/allOf: must be an array of at least one schema"},
        {"{'allOf':[true,1]}", "1", "/allOf/1: must be a schema: an object, true or false"},
        {"{'items':[{}]}", "1", "/items: must be a schema: an object, true or false"},
        {"{'properties':{'a':1}}", "1", "/properties/a: must be a schema: an object, true or false"},
        {"{'type':'null','type':'null'}", "1", "/type: is there twice"},
        {"{'$ref':'http://elsewhere/x'}", "1", "/$ref: 'http://elsewhere/x' leads out of this schema: nothing is fetched"},
        {"{'not':{'$ref':'#/$defs/x'}}", "1", "/not/$ref: '#/$defs/x' leads to no schema"},
        {"{'$dynamicRef':'#x'}", "1", "/$dynamicRef: '#x' leads to no anchor"},
        {"{'$schema':'http://json-schema.org/draft-04/schema#'}", "1", "/$schema: must be https://json-schema.org/draft/2020-12/schema, the dialect that is known here"},
        {"{'$id':'#x'}", "1", "/$id: must have no fragment"},
        {"{'allOf':[{'$anchor':'x'},{'$anchor':'x'}]}", "1", "/allOf/1/$anchor: another schema has the anchor x too"},
        {"{'allOf':[{'$id':'x'},{'$id':'x'}]}", "1", "/allOf/1/$id: another schema has the $id x too"},
        {"{'pattern':'('}", "1", "/pattern: is no regular expression of ECMA-262 that can be run here: missing closing parenthesis"},
        {0},
    };
    check(rows);
}
// clang-format on

TEST(what_refers_to_itself_or_costs_too_much_has_no_verdict)
{
    struct error err;

    judge("{'$ref':'#'}", "1", NULL, &err);
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    judge("{'not':{'$ref':'#'}}", "1", NULL, &err); /* no verdict within `not` is none outside */
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    judge("{'anyOf':[{'pattern':'^(a+)+$'},true]}", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'", NULL, &err);
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    judge("{'$defs':{'a':{'allOf':[{'$ref':'#/$defs/b'},{'$ref':'#/$defs/b'}]},'b':{'anyOf':[{'$ref':'#/$defs/"
          "a'},{'$ref':'#/$defs/a'}]}},"
          "'$ref':'#/$defs/a'}",
          "1", NULL, &err);
    assert_int_equal(err.code, ERROR_TOO_LARGE);
}

TEST(deep_schemas_and_values_are_refused)
{
    char         deep[8000] = "", value[8000] = "";
    struct error err;

    for (int i = 0; i < 500; i++) {
        memcpy(deep + strlen(deep), "{'not':", 8);
        memcpy(value + strlen(value), "[", 2);
    }
    memcpy(deep + strlen(deep), "{}", 3);
    for (int i = 0; i < 500; i++) {
        memcpy(deep + strlen(deep), "}", 2);
        memcpy(value + strlen(value), "]", 2);
    }
    judge(deep, "1", NULL, &err);
    assert_int_equal(err.code, ERROR_INVALID);
    assert_non_null(strstr(err.text, "nested deeper than"));
    judge("{'items':{'$ref':'#'}}", value, NULL, &err);
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    judge("{'uniqueItems':true,'items':true}", value, NULL, &err); /* one item: nothing to compare */
    assert_int_equal(err.code, ERROR_NONE);
}

TEST(a_fault_has_its_parts_apart)
{
    struct schema_fault fault;
    struct error        err;

    judge("{'properties':{'b':{'type':'number'}}}", "{'b':'x'}", &fault, &err);
    assert_string_equal(fault.pointer, "/b");
    assert_string_equal(fault.keyword, "type");
    assert_string_equal(fault.words, "must be a number, is a string");
    assert_string_equal(err.text, "/b: must be a number, is a string");
}

/* Where a text is cut, and how many characters stand before that, depends on the bytes in front. */
TEST(what_is_said_has_no_half_characters)
{
    static const char *const around[][2] = {
        {"{'const':'", "'}"},
        {"{'additionalProperties':{'pattern':'^", "$'}}"},
        {"{'additionalProperties':false,'properties':{'", "':true}}"},
        {"{'propertyNames':false,'title':'", "'}"},
        {"{'$ref':'#/", "'}"},
        {"{'type':'", "'}"},
    };
    char                many[601] = "", schema[1000], value[1000];
    struct schema_fault fault;
    struct error        err;

    for (size_t i = 0; i < 600; i += 4)
        memcpy(many + i, "\xF0\x9F\x98\x80", 5);
    for (size_t i = 0; i < 4 * sizeof around / sizeof *around; i++) {
        snprintf(schema, sizeof schema, "%s%s%s%s", around[i / 4][0], "aaa" + i % 4, many, around[i / 4][1]);
        snprintf(value, sizeof value, "{'a%s%s':'x'}", "aaa" + i % 4, many);
        fault = (struct schema_fault){.keyword = ""};
        judge(schema, value, &fault, &err);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_true(str_is_utf8(str_from(err.text)));
        assert_true(str_is_utf8(str_from(fault.words)) && str_is_utf8(str_from(fault.pointer)));
    }
}

static void
fills(const char *schema, const char *value, const char *wanted)
{
    char           *texts[] = {quoted(schema), quoted(value), quoted(wanted)};
    struct error    err     = {0};
    struct schema  *s       = schema_compile(str_from(texts[0]), &err);
    yyjson_doc     *doc     = yyjson_read(texts[1], strlen(texts[1]), 0);
    yyjson_mut_doc *into    = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *full    = schema_fill(s, yyjson_doc_get_root(doc), into, &err);
    char           *text    = full == NULL ? NULL : yyjson_mut_val_write(full, 0, NULL);

    assert_string_equal(text == NULL ? err.text : text, texts[2]);
    free(text);
    yyjson_mut_doc_free(into);
    yyjson_doc_free(doc);
    schema_free(s);
    for (size_t i = 0; i < 3; i++)
        free(texts[i]);
}

TEST(defaults_are_filled_in_where_a_member_is_absent)
{
    fills("{'properties':{'a':{'default':{'x':1}},'b':{'properties':{'c':{'default':0.1}}}}}", "{'b':{}}",
          "{'b':{'c':0.1},'a':{'x':1}}");
    fills("{'properties':{'a':{'default':1}}}", "{'a':null}", "{'a':null}");
    fills("{'items':{'properties':{'a':{'default':1}}}}", "[{},{'a':2},3]", "[{'a':1},{'a':2},3]");
    fills("{'prefixItems':[true,{'default':1},{'default':2},{}]}", "[0]", "[0,1,2]");
    fills("{'allOf':[{'$ref':'#/$defs/"
          "x'}],'$defs':{'x':{'properties':{'a':{'default':{},'properties':{'b':{'default':1}}}}}}}",
          "{}", "{'a':{'b':1}}");
    fills("{'anyOf':[{'properties':{'a':{'default':1}}}],'then':{'properties':{'a':{'default':1}}}}", "{}", "{}");
    fills("{'properties':{'a':{'default':{},'$ref':'#'}}}", "{}",
          "the value and its schema are nested too deep, or the schema refers to itself");
}
