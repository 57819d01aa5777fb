#include "child/words.h"

#include <errno.h>

static void
failed_exec(char *out, size_t size, int error, const char *command)
{
    const char *why = strerrordesc_np(error);

    if (error == ENOENT)
        why = strchr(command, '/') == NULL ? "not found in PATH" : "no such file";
    else if (error == EACCES)
        why = "permission denied (is it executable?)";
    else if (error == ENOEXEC)
        why = "not a program that this machine can run";
    snprintf(out, size, "could not be started: %s: %s", command, why == NULL ? "unknown error" : why);
}

void
words_of_failure(char *out, size_t size, const struct report *failure, const char *command, const char *cwd)
{
    int         error = failure->value;
    const char *why   = strerrordesc_np(error);

    if (why == NULL)
        why = "unknown error";
    switch (failure->step) {
    case STEP_EXEC:
        failed_exec(out, size, error, command);
        break;
    case STEP_INTERPRETER:
        snprintf(out, size, "could not be started: %s: the interpreter that it asks for does not exist", command);
        break;
    case STEP_CWD:
        if (error == ENOENT)
            why = "does not exist";
        snprintf(out, size, "could not be started: its working directory %s: %s", cwd, why);
        break;
    default:
        snprintf(out, size, "could not be started: no process for it: %s", why);
        break;
    }
}

void
words_of_end(char *out, size_t size, const struct child_end *end, const char *before)
{
    if (end->signal != 0) {
        const char *name = sigabbrev_np(end->signal);
        if (name == NULL)
            snprintf(out, size, "%swas killed by signal %d", before, end->signal);
        else
            snprintf(out, size, "%swas killed by SIG%s", before, name);
    } else if (end->status >= 0) {
        snprintf(out, size, "%sexited with status %d", before, end->status);
    } else {
        snprintf(out, size, "%sended", before);
    }
}
