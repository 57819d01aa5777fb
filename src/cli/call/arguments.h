/* src/cli/call/arguments.h: key=value as the arguments of a tool, as its inputSchema wants them, and the params of any
 * other method.
 *
 * A key that the schema does not know is refused with the nearest, unless the schema speaks of others; what is missing
 * is named; then the whole is checked against the schema. With one `key:=JSON` among them nothing is checked but that:
 * what a server makes of wrong arguments can be seen so. A key that is there more than once makes an array. */
#ifndef GATEHOUSE_CLI_CALL_ARGUMENTS_H
#define GATEHOUSE_CLI_CALL_ARGUMENTS_H

#include "cli/call/line.h"
#include "cli/call/value.h"

/* `schema` is the inputSchema of the tool `tool`; NULL: not known, and nothing is checked. NULL: `err`. */
yyjson_mut_val *arguments_make(yyjson_mut_doc *doc, const struct call_line *line, struct str tool, yyjson_val *schema,
                               struct error *err);
/* The whole of params for a method that is none of a tool: prompts/get has its name, and all else as arguments, which
 * are texts; others have all as texts. NULL: `err`. */
yyjson_mut_val *params_make(yyjson_mut_doc *doc, const struct call_line *line, struct error *err);

#endif
