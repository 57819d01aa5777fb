/* src/child/words.h: how a child ended, in words for the person who reads `status` or the next answer. */
#ifndef GATEHOUSE_CHILD_WORDS_H
#define GATEHOUSE_CHILD_WORDS_H

#include "child/child.h"
#include "child/wire.h"

/* "could not be started: npx: not found in PATH" */
void words_of_failure(char *out, size_t size, const struct report *failure, const char *command, const char *cwd);
/* "exited with status 1"; `before` is why it was made to, or "". */
void words_of_end(char *out, size_t size, const struct child_end *end, const char *before);

#endif
