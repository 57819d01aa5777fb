#include "base/signals.h"

#include <signal.h>

static void
on_signal(uv_signal_t *handle, int number)
{
    struct signals *s = handle->data;

    s->take(s->owner, number);
}

void
signals_watch(struct signals *s, struct loop *l, void (*take)(void *owner, int number), void *owner)
{
    static const int numbers[SIGNALS_WATCHED] = {SIGTERM, SIGINT, SIGHUP};

    s->take  = take;
    s->owner = owner;
    for (size_t i = 0; i < SIGNALS_WATCHED; i++) {
        uv_signal_init(&l->uv, &s->handles[i]);
        s->handles[i].data = s;
        uv_signal_start(&s->handles[i], on_signal, numbers[i]);
    }
    s->is_on = true;
}

void
signals_forget(struct signals *s)
{
    for (size_t i = 0; s->is_on && i < SIGNALS_WATCHED; i++)
        uv_close((uv_handle_t *)&s->handles[i], NULL);
    s->is_on = false;
}
