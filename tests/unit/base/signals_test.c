#include "base/signals.h"

#include <signal.h>

#include "test.h"

static void
take(void *owner, int number)
{
    *(int *)owner = number;
}

TEST(a_signal_comes_as_a_callback_until_it_is_forgotten)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};
    struct loop      loop;
    struct signals   signals = {0};
    struct error     err     = {0};
    int              taken   = 0;

    assert_true(loop_init(&loop, &err));
    signals_forget(&signals); /* which was never on */
    signals_watch(&signals, &loop, take, &taken);
    for (size_t i = 0; i < 3; i++) {
        raise(numbers[i]);
        while (taken != numbers[i])
            loop_turn(&loop, SECONDS(1));
    }
    signals_forget(&signals);
    loop_clear(&loop);
}
