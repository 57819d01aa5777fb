/* src/cli/manual.h: the command table as a manual page and as docs/cli.md. */
#ifndef GATEHOUSE_CLI_MANUAL_H
#define GATEHOUSE_CLI_MANUAL_H

#include "base/buffer.h"

extern const char exit_codes_text[];

/* False: no memory. */
bool manual_print_roff(struct buffer *out);
bool manual_print_markdown(struct buffer *out);

#endif
