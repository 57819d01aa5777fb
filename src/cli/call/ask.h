/* src/cli/call/ask.h: what a server asks in the middle of a call, put to the person at the terminal, one question after
 * the other.
 *
 *   elicitation/create       a form, field by field (form.h); or a URL: it is shown, and opened by nobody but the
 *                            person
 *   sampling/createMessage   what a model would get is shown, and the person writes the text, or declines
 *   roots/list               answered by itself, with the directories of --roots and no others
 *
 * Without a terminal forms and URLs are declined and texts refused, and stderr says so. What was typed before a
 * question was shown does not answer it. On the network thread. */
#ifndef GATEHOUSE_CLI_CALL_ASK_H
#define GATEHOUSE_CLI_CALL_ASK_H

#include "cli/call/screen.h"
#include "mcp/client/client.h"

struct asker;

/* `server` is how it is called; both are borrowed. NULL: `err`: a directory that is none, or no memory. */
struct asker *asker_new(struct screen *screen, const char *server, struct error *err);
/* Questions that are open stay unanswered. NULL is nothing. */
void asker_free(struct asker *a);
/* What we let servers ask, as ClientCapabilities. Lives as long as the asker. */
struct str asker_capabilities(const struct asker *a);
/* Answers it, now or later. */
void asker_take(struct asker *a, struct question_in *q);

/* What stands before the fields of a form, and all of the others (ask_print.c). */
void ask_print_form(const char *server, bool colour, yyjson_val *params, struct buffer *out);
void ask_print_url(const char *server, bool colour, yyjson_val *params, struct buffer *out);
void ask_print_text(const char *server, bool colour, yyjson_val *params, struct buffer *out);

#endif
