/* src/child/helper/command.h: from the helper to the command: fork, and all that stands before exec. */
#ifndef GATEHOUSE_CHILD_HELPER_COMMAND_H
#define GATEHOUSE_CHILD_HELPER_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "child/wire.h"

/* What the command's process writes when it could not become the command. When it could, the pipe just closes. */
struct start_failure {
    int32_t step; /* enum start_step */
    int32_t error;
};

/* The command: pid, and a non-blocking pipe that tells a struct start_failure, or closes. -1 and errno on failure. */
pid_t command_start(char *const *argv, const char *cwd, bool scoped, int *outcome);

#endif
