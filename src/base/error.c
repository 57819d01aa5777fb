#include "base/error.h"

#include <errno.h>

#undef error_set /* the analyzer's */
#undef error_set_errno

static const char *const names[ERROR_CODES] = {
    [ERROR_NONE] = "none",           [ERROR_INTERNAL] = "internal",   [ERROR_MEMORY] = "memory",
    [ERROR_INVALID] = "invalid",     [ERROR_NOT_FOUND] = "not-found", [ERROR_EXISTS] = "exists",
    [ERROR_DENIED] = "denied",       [ERROR_BUSY] = "busy",           [ERROR_FULL] = "full",
    [ERROR_TOO_LARGE] = "too-large", [ERROR_TIMED_OUT] = "timed-out", [ERROR_UNREACHABLE] = "unreachable",
    [ERROR_CLOSED] = "closed",       [ERROR_PROTOCOL] = "protocol",
};

const char *
error_code_name(enum error_code code)
{
    return (unsigned)code < ERROR_CODES ? names[code] : "internal";
}

/* A text that was cut ends with a whole character: it may go into an answer, which is UTF-8. */
static void
end_whole(struct error *err)
{
    size_t len = strlen(err->text), last = len;

    if (len + 1 < sizeof err->text)
        return;
    while (last > 0 && len - last < 3 && ((unsigned char)err->text[last - 1] & 0xC0) == 0x80)
        last--;
    unsigned char lead = last > 0 ? (unsigned char)err->text[last - 1] : 0;
    if (lead >= 0xC0 && len - last + 1 < (lead >= 0xF0 ? 4U : lead >= 0xE0 ? 3U : 2U))
        err->text[last - 1] = '\0';
}

static void __attribute__((format(printf, 3, 0)))
fill(struct error *err, enum error_code code, const char *format, va_list args)
{
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, args);
    end_whole(err);
}

bool
error_set(struct error *err, enum error_code code, const char *format, ...)
{
    if (err == NULL)
        return false;
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    return false;
}

static enum error_code
code_of_errno(int saved)
{
    switch (saved) {
    case ENOENT:
        return ERROR_NOT_FOUND;
    case EEXIST:
        return ERROR_EXISTS;
    case EACCES:
    case EPERM:
        return ERROR_DENIED;
    case ENOMEM:
        return ERROR_MEMORY;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
        return ERROR_FULL;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return ERROR_UNREACHABLE;
    case ETIMEDOUT:
        return ERROR_TIMED_OUT;
    case ECONNRESET:
    case EPIPE:
        return ERROR_CLOSED;
    case EADDRINUSE:
    case EBUSY:
        return ERROR_BUSY;
    default:
        return ERROR_INTERNAL;
    }
}

bool
error_set_errno(struct error *err, int saved, const char *format, ...)
{
    if (err == NULL)
        return false;
    va_list args;
    va_start(args, format);
    fill(err, code_of_errno(saved), format, args);
    va_end(args);
    size_t      used = strlen(err->text);
    char        space[128];
    const char *why = strerror_r(saved, space, sizeof space);
    snprintf(err->text + used, sizeof err->text - used, ": %s", why);
    end_whole(err);
    return false;
}

void
error_wrap(struct error *err, const char *format, ...)
{
    if (err == NULL)
        return;
    struct error context;
    va_list      args;
    va_start(args, format);
    fill(&context, err->code, format, args);
    va_end(args);
    size_t used = strlen(context.text);
    snprintf(context.text + used, sizeof context.text - used, ": %s", err->text);
    end_whole(&context);
    *err = context;
}
