#include "daemon/services.h"

#include <limits.h>
#include <stdlib.h>

#include "base/log.h"
#include "services/snapshots/snapshots.h"

/* One that runs. */
struct built {
    const struct kind *kind;
    void              *it;
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

enum { BUILT_MOST = 1 };

struct services {
    struct built           built[BUILT_MOST];
    struct gateway_service list[BUILT_MOST + 1];
    size_t                 count;
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

static const struct kind kinds[BUILT_MOST] = {
    {"snapshots", "users/local/snapshots.db", open_snapshots, service_of_snapshots, close_snapshots},
};

static bool
add(struct services *s, const struct kind *kind, const struct services_parts *parts, struct error *err)
{
    struct built *b   = &s->built[s->count];
    int           len = snprintf(b->path, sizeof b->path, "%.*s/%s", STR_ARG(parts->settings->home), kind->path);

    if (len < 0 || (size_t)len >= sizeof b->path)
        return error_set(err, ERROR_INVALID, "the path of the home is too long");
    b->kind = kind;
    b->it   = kind->open(b, parts, err);
    if (b->it == NULL) {
        error_wrap(err, "starting %s", kind->name);
        return false;
    }
    s->list[s->count++] = (struct gateway_service){kind->name, kind->service(b->it)};
    return true;
}

struct services *
services_new(const struct services_parts *parts, const char *only, struct error *err)
{
    struct services *s = calloc(1, sizeof *s);

    if (s == NULL) {
        error_set(err, ERROR_MEMORY, "no memory");
        return NULL;
    }
    for (size_t i = 0; i < BUILT_MOST; i++)
        if ((only == NULL || strcmp(only, kinds[i].name) == 0) && !add(s, &kinds[i], parts, err)) {
            services_free(s);
            return NULL;
        }
    return s;
}

void
services_free(struct services *s)
{
    if (s == NULL)
        return;
    while (s->count > 0) {
        s->count--;
        s->built[s->count].kind->close(s->built[s->count].it);
    }
    free(s);
}

const struct gateway_service *
services_of(const struct services *s)
{
    return s->list;
}

const char *
services_path(const struct services *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(name, s->built[i].kind->name) == 0)
            return s->built[i].path;
    return NULL;
}
