#include "daemon/services.h"

#include <limits.h>
#include <stdlib.h>

#include "base/log.h"
#include "services/snapshots/snapshots.h"

/* One that may run. */
struct built {
    const struct kind *kind;
    void              *it;             /* NULL: nobody asked for it yet */
    char               path[PATH_MAX]; /* what it keeps */
};

/* How each is made. A row for each of built_ins. */
struct kind {
    const char *name;
    const char *path; /* in the home */
    void *(*open)(struct built *b, const struct services_parts *parts, struct error *err);
    struct service *(*service)(void *it);
    void (*close)(void *it);
};

enum { KIND_COUNT = 1 };

struct services {
    struct services_parts parts;
    struct built          built[KIND_COUNT];
};

static void
tell(void *owner, const char *line)
{
    log_line(LOG_INFO, "%s: %s", ((const struct built *)owner)->kind->name, line);
}

static void *
open_snapshots(struct built *b, const struct services_parts *parts, struct error *err)
{
    const struct settings *settings = parts->settings;

    return snapshots_new(&(struct snapshots_parts){.loop        = parts->loop,
                                                   .session_key = parts->session_key,
                                                   .path        = b->path,
                                                   .limits      = {settings->snapshots.size, settings->snapshots.quota},
                                                   .retention   = settings->snapshots.retention,
                                                   .keep        = (uint32_t)settings->snapshots.keep,
                                                   .environment = parts->environment,
                                                   .tell        = tell,
                                                   .owner       = b},
                         err);
}

static struct service *
service_of_snapshots(void *it)
{
    return snapshots_service(it);
}

static void
close_snapshots(void *it)
{
    snapshots_free(it);
}

static const struct kind kinds[KIND_COUNT] = {
    {"snapshots", "users/local/snapshots.db", open_snapshots, service_of_snapshots, close_snapshots},
};

struct services *
services_new(const struct services_parts *parts)
{
    struct services *s = calloc(1, sizeof *s);

    if (s != NULL)
        s->parts = *parts;
    for (size_t i = 0; s != NULL && i < KIND_COUNT; i++)
        s->built[i].kind = &kinds[i];
    return s;
}

void
services_free(struct services *s)
{
    for (size_t i = KIND_COUNT; s != NULL && i > 0; i--)
        if (s->built[i - 1].it != NULL)
            s->built[i - 1].kind->close(s->built[i - 1].it);
    free(s);
}

static struct built *
built_of(const struct services *s, struct str name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (str_eq(name, str_from(s->built[i].kind->name)))
            return (struct built *)(uintptr_t)&s->built[i];
    return NULL;
}

struct service *
services_find(struct services *s, struct str name, struct error *err)
{
    struct built *b = built_of(s, name);

    if (b == NULL) {
        error_set(err, ERROR_NOT_FOUND, "this Gatehouse runs without it");
        return NULL;
    }
    if (b->it != NULL)
        return b->kind->service(b->it);
    int len = snprintf(b->path, sizeof b->path, "%.*s/%s", STR_ARG(s->parts.settings->home), b->kind->path);
    if (len < 0 || (size_t)len >= sizeof b->path)
        error_set(err, ERROR_INVALID, "the path of the home is too long");
    else
        b->it = b->kind->open(b, &s->parts, err);
    return b->it == NULL ? NULL : b->kind->service(b->it);
}

const char *
services_path(const struct services *s, struct str name)
{
    const struct built *b = built_of(s, name);

    return b == NULL ? "" : b->path;
}
