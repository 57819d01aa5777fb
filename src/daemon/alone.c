#include "daemon/alone.h"

#include <limits.h>

#include "base/file.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/signals.h"
#include "daemon/daemon.h"
#include "daemon/services.h"
#include "mcp/service/stdio.h"

/* As at /s/{name}/mcp: so long without a word. */
#define PATIENCE REGISTRY_TIMEOUT_DEFAULT

/* In the order of its making. */
struct alone {
    const struct alone_parts *parts;
    struct session_key        session_key;
    struct loop               loop;
    struct exchanges          exchanges;
    struct services          *services;
    struct stdio             *stdio;
    struct signals            signals;
    bool                      is_loop_up, has_exchanges;
};

static bool
read_home(struct alone *a, struct error *err)
{
    const struct settings *s = a->parts->settings;
    char                   home[PATH_MAX], keys[PATH_MAX];

    snprintf(home, sizeof home, "%.*s", STR_ARG(s->home));
    if (!home_path(keys, sizeof keys, s, "keys"))
        return error_set(err, ERROR_INVALID, "the path of the home is too long");
    return home_prepare(home, err) && file_make_directory(keys, err) &&
           home_path(keys, sizeof keys, s, "keys/session") && session_key_load(&a->session_key, keys, err);
}

static void
on_ended(void *owner)
{
    loop_stop(&((struct alone *)owner)->loop);
}

static bool
open_service(struct alone *a, struct error *err)
{
    struct services_parts parts = {.loop        = &a->loop,
                                   .session_key = &a->session_key,
                                   .settings    = a->parts->settings,
                                   .environment = a->parts->environment};

    if (!loop_init(&a->loop, err))
        return false;
    a->is_loop_up    = true;
    a->has_exchanges = exchanges_init(&a->exchanges, &a->loop, &(struct exchange_hooks){0});
    if (!a->has_exchanges)
        return error_set(err, ERROR_MEMORY, "no memory");
    a->services = services_new(&parts);
    if (a->services == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    struct service *service = services_find(a->services, str_from(a->parts->name), err);
    if (service == NULL)
        return false;
    a->stdio = stdio_new(service, &a->exchanges,
                         &(struct stdio_parts){.in        = a->parts->in,
                                               .out       = a->parts->out,
                                               .line_max  = a->parts->settings->message.max,
                                               .queue_max = a->parts->settings->stdio.queue,
                                               .patience  = PATIENCE,
                                               .on_ended  = on_ended,
                                               .owner     = a},
                         err);
    return a->stdio != NULL;
}

static void
on_signal(void *owner, int number)
{
    (void)number;
    loop_stop(&((struct alone *)owner)->loop);
}

static void
take_apart(struct alone *a)
{
    stdio_free(a->stdio);
    services_free(a->services);
    if (a->has_exchanges)
        exchanges_clear(&a->exchanges);
    signals_forget(&a->signals);
    if (a->is_loop_up)
        loop_clear(&a->loop);
}

bool
alone_run(const struct alone_parts *parts, struct error *err)
{
    struct alone a = {.parts = parts};

    log_set_level((enum log_level)parts->settings->log.level);
    heap_init();
    bool ok = read_home(&a, err) && open_service(&a, err);
    if (ok) {
        signals_watch(&a.signals, &a.loop, on_signal, &a);
        parts->on_ready(parts->owner, services_path(a.services, str_from(parts->name)));
        loop_run(&a.loop);
    }
    take_apart(&a);
    return ok;
}
