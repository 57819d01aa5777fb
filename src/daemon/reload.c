#include "daemon/reload.h"

#include "base/log.h"

enum { VALUE_SHOWN = 200 };

static void
say(const struct reload *r, const struct setting *setting)
{
    struct buffer was = {.max = VALUE_SHOWN}, is = {.max = VALUE_SHOWN}; /* of a longer one the name is enough */

    settings_print_value(r->now, setting, &was);
    settings_print_value(&r->fresh, setting, &is);
    if (setting->at_start)
        log_line(LOG_WARN, "%s stays \"%.*s\": \"%.*s\" wants a restart", setting->name, STR_ARG(buffer_str(&was)),
                 STR_ARG(buffer_str(&is)));
    else
        log_line(LOG_INFO, "%s is \"%.*s\" now; it was \"%.*s\"", setting->name, STR_ARG(buffer_str(&is)),
                 STR_ARG(buffer_str(&was)));
    buffer_clear(&was);
    buffer_clear(&is);
}

static void
take_over(struct reload *r)
{
    size_t changed = 0;

    if (r->fresh.log.level > r->now->log.level)
        log_set_level((enum log_level)r->fresh.log.level);
    for (const struct setting *setting = settings_table; setting->name != NULL; setting++)
        if (settings_differ(r->now, &r->fresh, setting)) {
            say(r, setting);
            changed++;
        }
    for (const struct setting *setting = settings_table; setting->name != NULL; setting++)
        if (!setting->at_start)
            settings_take(r->now, &r->fresh, setting); /* one that is equal too: its text is in `fresh` then */
    settings_clear(&r->held);
    r->held  = r->fresh;
    r->fresh = (struct settings){0};
    if (changed == 0)
        log_line(LOG_INFO, "gatehouse.yaml was read again: no setting is other");
    r->on_change(r->owner);
}

/* On a worker. */
static void
read_again(void *arg)
{
    struct reload *r = arg;

    r->err = (struct error){0};
    r->ok  = settings_load(&r->fresh, r->from, &r->err);
}

static void
was_read(void *arg)
{
    struct reload *r = arg;

    r->reading = false;
    if (r->closed)
        settings_clear(&r->fresh);
    else if (r->ok)
        take_over(r);
    else
        log_line(LOG_WARN, "%s; the settings stay as they were", r->err.text);
    if (r->again && !r->closed)
        reload_look(r);
}

void
reload_look(struct reload *r)
{
    r->again = r->reading;
    if (r->reading)
        return;
    r->reading = loop_work(r->loop, read_again, was_read, r);
    if (!r->reading)
        log_line(LOG_WARN, "no memory to read gatehouse.yaml again; the settings stay as they were");
}

void
reload_close(struct reload *r)
{
    r->closed = true;
}

void
reload_clear(struct reload *r)
{
    settings_clear(&r->held);
    settings_clear(&r->fresh);
}
