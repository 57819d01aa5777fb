/* src/mcp/schema/schema.h: JSON Schema 2020-12 for the arguments and results of tools.
 *
 * A schema is compiled once, when the program starts, and checks any number of values on any thread:
 *
 *   struct schema *s = schema_compile(text, &err);          "/properties/age/minimum: must be a number"
 *   if (!schema_validate(s, value, &fault, &err)) ...       "/age: must be a number, is a string"
 *
 * All keywords that assert are there: those of the core, applicator, unevaluated and validation vocabularies. `format`
 * and what describes (title, examples, ...) says nothing about validity, as the specification has it. References stay
 * within the schema: nothing is fetched, one that leads outside is an error of the schema. A schema that names an older
 * draft in `$schema` is read by the rules of 2020-12. Numbers are compared in decimal, so exactly: 1.0 is an integer,
 * 0.3 a multiple of 0.1, and 2^53 + 1 is not 2^53 (yyjson keeps integers of 64 bits; with YYJSON_READ_BIGNUM_AS_RAW all
 * of them).
 *
 * Neither a hostile schema nor a hostile value costs more than the bounds below: past one, the answer is
 * ERROR_TOO_LARGE, never a verdict. Patterns are of ECMA-262 with its `u` flag: see mcp/schema/pattern.h. */
#ifndef GATEHOUSE_MCP_SCHEMA_SCHEMA_H
#define GATEHOUSE_MCP_SCHEMA_SCHEMA_H

#include <yyjson.h>

#include "base/buffer.h"
#include "base/error.h"

#define SCHEMA_TEXT_MAX   MIB(1)  /* bytes of a schema */
#define SCHEMA_MEMORY_MAX MIB(64) /* of a compiled one */

enum {
    SCHEMA_NESTING_MAX = 100,   /* schemas within schemas, as they are written */
    SCHEMA_DEPTH_MAX   = 200,   /* schemas being applied within each other, references counted */
    SCHEMA_STEPS_MAX = 2000000, /* about: schemas applied and bytes compared, of one validation; a tenth of a second */
};

struct schema;

/* What a validation found first, by value: longer texts are cut. */
struct schema_fault {
    char        pointer[512]; /* where in the value, RFC 6901; "" is the whole */
    const char *keyword;      /* which the value breaks; a boolean schema `false` has "false" */
    char        words[400];   /* what is wrong there, for a model to act on: "must be a number, is a string" */
};

/* NULL: ERROR_INVALID names the place in the schema as a JSON pointer, "" being the whole. */
struct schema *schema_compile(struct str text, struct error *err);
void           schema_free(struct schema *s);

/* False with ERROR_INVALID: `fault` (NULL: unwanted) tells what, the error's text has pointer and words in one. False
 * with another code: there is no verdict. Of members with the same name each must be valid. */
bool schema_validate(const struct schema *s, yyjson_val *value, struct schema_fault *fault, struct error *err);

/* A copy of `value` in `doc` in which members that are not there have the `default` of their schema, as Ajv's
 * `useDefaults` fills them: at `properties` and `prefixItems`, in what lies within them, in `items`, in `allOf` and
 * behind `$ref`; never within anyOf, oneOf, not, if, then, else. Fill, then validate (yyjson_mut_val_imut_copy): a
 * default may be what is required. NULL: ERROR_TOO_LARGE or ERROR_MEMORY; `doc` may then hold part of it. */
yyjson_mut_val *schema_fill(const struct schema *s, yyjson_val *value, yyjson_mut_doc *doc, struct error *err);

#endif
