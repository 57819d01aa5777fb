/* src/cli/call/value.h: a text that was typed, as the JSON value that a schema wants: for arguments of tools, and for
 * the fields of forms.
 *
 * Which types a value may have is read from `type`, `enum`, `const`, and through `$ref` within the schema, anyOf, oneOf
 * and allOf. Where a text may stand, a text it stays, unless it reads as a number, true, false, an array or an object,
 * and such may stand there too. */
#ifndef GATEHOUSE_CLI_CALL_VALUE_H
#define GATEHOUSE_CLI_CALL_VALUE_H

#include <yyjson.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mcp/schema/schema.h"

enum value_type {
    VALUE_STRING  = 1 << 0,
    VALUE_INTEGER = 1 << 1,
    VALUE_NUMBER  = 1 << 2, /* integers too */
    VALUE_BOOLEAN = 1 << 3,
    VALUE_ARRAY   = 1 << 4,
    VALUE_OBJECT  = 1 << 5,
    VALUE_NULL    = 1 << 6,
    VALUE_ANY     = (1 << 7) - 1,
};

/* `root` is what "#" of a `$ref` means; `schema` lies in it, NULL says nothing: any. */
unsigned value_types(yyjson_val *root, yyjson_val *schema);
/* "a string", "an integer or null"; what an array is of. */
bool value_print_types(yyjson_val *root, yyjson_val *schema, struct buffer *out);
/* What is behind its `$ref`, else itself. */
yyjson_val *value_schema(yyjson_val *root, yyjson_val *schema);

/* `name` is how it is called in the error. NULL: `err` says what the schema wants, and of its choices the nearest. */
yyjson_mut_val *value_make(yyjson_mut_doc *doc, yyjson_val *root, yyjson_val *schema, struct str name, struct str text,
                           struct error *err);
/* JSON as it is. NULL: `err`. */
yyjson_mut_val *value_read_json(yyjson_mut_doc *doc, struct str name, struct str text, struct error *err);

/* Bounds, lengths, patterns. A schema that cannot be read is the server's fault, and takes anything: the server judges
 * itself. False: `fault` (NULL: unwanted) and `err` say what is wrong. */
bool value_is_valid(yyjson_mut_val *value, yyjson_val *schema, struct schema_fault *fault, struct error *err);

#endif
