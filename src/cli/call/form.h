/* src/cli/call/form.h: a form that a server wants filled in, field by field, a line of the keyboard each. MCP
 * client/elicitation, "Requested Schema".
 *
 *   FIELD ---> ... ---> FIELD ---> REVIEW      what was typed is shown before it goes: send it, decline, begin again
 *
 * An empty line takes the default, or leaves out what may be left out. A value that the field's schema does not let in
 * is asked for again, with what is wrong. `/decline` and `/cancel` end it at any field. No terminal here: lines come
 * in, text goes out. */
#ifndef GATEHOUSE_CLI_CALL_FORM_H
#define GATEHOUSE_CLI_CALL_FORM_H

#include <yyjson.h>

#include "base/buffer.h"
#include "base/error.h"

struct form;

enum form_step { FORM_MORE, FORM_SEND, FORM_DECLINE, FORM_CANCEL };

enum { FORM_FIELDS_MAX = 200, FORM_CHOICES_MAX = 500 };

/* `schema` is the requestedSchema; copied. NULL: `err`: it is no object of fields, has too many, or no memory. */
struct form *form_new(yyjson_val *schema, bool colour, struct error *err);
void         form_free(struct form *f); /* NULL is nothing */
/* What is asked next, up to where the person types. */
void form_ask(const struct form *f, struct buffer *out);
/* What was typed, without its line break; `out` gets what is wrong with it. After FORM_MORE comes form_ask. */
enum form_step form_take(struct form *f, struct str line, struct buffer *out);
/* After FORM_SEND: the content of the answer. Made in `doc`. NULL: no memory. */
yyjson_mut_val *form_content(struct form *f, yyjson_mut_doc *doc);

#endif
