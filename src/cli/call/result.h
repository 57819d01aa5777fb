/* src/cli/call/result.h: what a server answered, as a person reads it.
 *
 * Texts as texts (on a terminal without what controls it), images, sounds and blobs as a line each that says type and
 * size, or into files; structured content as indented JSON, and then not its text again; all else as indented JSON. */
#ifndef GATEHOUSE_CLI_CALL_RESULT_H
#define GATEHOUSE_CLI_CALL_RESULT_H

#include <yyjson.h>

#include "cli/cli.h"

struct result_style {
    bool        colour, is_terminal;
    const char *file; /* what is binary goes there: FILE, FILE-2, ...; else the text. NULL: nothing is written */
};

/* False: a file could not be written, or no memory (`err`); `out` has what came before. */
bool result_print(const struct result_style *style, yyjson_val *result, struct buffer *out, struct error *err);
/* Of any value, a line break behind it. */
bool result_print_json(yyjson_val *value, bool indented, struct buffer *out);
/* Whether the tool says that it failed. */
bool result_is_error(yyjson_val *result);

#endif
