#include "each_failure.h"
#include "mcp/schema/schema.h"

static const char schema[] =
    "{\"$id\":\"http://a/"
    "b\",\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#x\"},\"b\":{\"pattern\":\"^b+$\"},\"c\":{"
    "\"uniqueItems\":true}},"
    "\"anyOf\":[{\"required\":[\"z\"]},{\"patternProperties\":{\"^.$\":true}}],\"unevaluatedProperties\":false,"
    "\"$defs\":{\"x\":{\"$anchor\":\"x\",\"$dynamicAnchor\":\"y\",\"enum\":[1]}}}";

static bool
checks(void *arg)
{
    yyjson_doc         *doc = yyjson_read(arg, strlen(arg), 0);
    struct schema_fault fault;
    struct error        err = {0};
    struct schema      *s   = schema_compile(str_from(schema), &err);
    bool                ok  = s != NULL && schema_validate(s, yyjson_doc_get_root(doc), &fault, &err);

    assert_non_null(doc);
    if (!ok && s != NULL && err.code == ERROR_INVALID)
        ok = strstr(arg, "wrong") != NULL;
    assert_true(ok || err.code == ERROR_MEMORY);
    schema_free(s);
    yyjson_doc_free(doc);
    return ok;
}

TEST(a_schema_without_memory_gives_no_verdict)
{
    char right[] = "{\"a\":1,\"b\":\"bb\",\"c\":[1,2]}", wrong[] = "{\"a\":1,\"b\":\"wrong\"}";

    assert_each_failure(checks, right);
    assert_each_failure(checks, wrong);
}
