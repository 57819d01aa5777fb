/* tests/schema/judge.c: says what mcp/schema thinks of schemas and values, so that others can be asked the same.
 *
 * Each line of stdin is a schema, a tab and a value; each line of stdout is
 *
 *   valid, invalid or error, a tab, and the value with its defaults filled in (valid) or why (else) */
#include <stdio.h>
#include <stdlib.h>

#include "mcp/schema/schema.h"

static void
judge_value(const struct schema *s, struct str text)
{
    yyjson_doc         *doc    = yyjson_read(text.data, text.len, YYJSON_READ_BIGNUM_AS_RAW);
    yyjson_mut_doc     *filled = yyjson_mut_doc_new(NULL);
    struct schema_fault fault;
    struct error        err  = {0};
    yyjson_mut_val     *copy = doc == NULL ? NULL : schema_fill(s, yyjson_doc_get_root(doc), filled, &err);

    if (doc == NULL)
        printf("error\tthe value is not JSON\n");
    else if (schema_validate(s, yyjson_doc_get_root(doc), &fault, &err)) {
        char *json = copy == NULL ? NULL : yyjson_mut_val_write(copy, YYJSON_WRITE_NOFLAG, NULL);
        printf("valid\t%s\n", json == NULL ? "" : json);
        free(json);
    } else
        printf("%s\t%s\n", err.code == ERROR_INVALID ? "invalid" : "error", err.text);
    yyjson_mut_doc_free(filled);
    yyjson_doc_free(doc);
}

int
main(void)
{
    char   *line = NULL;
    size_t  cap  = 0;
    ssize_t len;

    while ((len = getline(&line, &cap, stdin)) > 0) {
        struct str   rest = str_of(line, (size_t)len), schema, value;
        struct error err  = {0};
        str_cut(&rest, '\t', &schema);
        str_cut(&rest, '\n', &value);
        struct schema *s = schema_compile(schema, &err);
        if (s == NULL)
            printf("error\t%s\n", err.text);
        else
            judge_value(s, value);
        schema_free(s);
    }
    free(line);
    return 0;
}
