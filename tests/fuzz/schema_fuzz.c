/* A schema and values from anybody: a line of schema, then a value a line. Whatever they are there is a verdict, or an
 * error that says why there is none; what was filled in is JSON again. */
#include <assert.h>

#include "mcp/schema/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_value(const struct schema *s, struct str text)
{
    struct schema_fault fault;
    struct error        err  = {0};
    yyjson_doc         *doc  = yyjson_read(text.data, text.len, YYJSON_READ_BIGNUM_AS_RAW);
    yyjson_mut_doc     *into = yyjson_mut_doc_new(NULL);

    if (doc != NULL) {
        bool ok = schema_validate(s, yyjson_doc_get_root(doc), &fault, &err);
        assert(ok || err.text[0] != '\0');
        assert(err.code != ERROR_INVALID || (fault.words[0] != '\0' && fault.keyword[0] != '\0'));
        yyjson_mut_val *full = schema_fill(s, yyjson_doc_get_root(doc), into, &err);
        char           *json = full == NULL ? NULL : yyjson_mut_val_write(full, 0, NULL);
        assert(full == NULL || json != NULL);
        free(json);
    }
    yyjson_mut_doc_free(into);
    yyjson_doc_free(doc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str     rest = str_of((const char *)data, size), line;
    struct error   err  = {0};
    struct schema *s    = str_cut(&rest, '\n', &line) ? schema_compile(line, &err) : NULL;

    assert(s != NULL || size == 0 || err.text[0] != '\0');
    for (int i = 0; s != NULL && i < 4 && str_cut(&rest, '\n', &line); i++)
        check_value(s, line);
    schema_free(s);
    return 0;
}
