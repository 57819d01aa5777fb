/* src/cli/call/screen.h: what is said on stderr while a call runs: progress in a line that moves, log messages,
 * questions. On the network thread.
 *
 * A pipe gets no progress. On a terminal the line is there from half a second on, counts the seconds, goes for whatever
 * else is said and comes back behind it; not while a person types. */
#ifndef GATEHOUSE_CLI_CALL_SCREEN_H
#define GATEHOUSE_CLI_CALL_SCREEN_H

#include <yyjson.h>

#include "base/loop.h"
#include "cli/cli.h"

struct screen {
    struct cli   *cli;
    struct loop  *loop;
    struct timer  tick;
    struct buffer text; /* of the progress, or what is waited for */
    mono_time     began, drawn;
    bool          is_terminal, is_shown, is_held;
    unsigned      columns;
};

void screen_init(struct screen *s, struct cli *cli, struct loop *loop);
void screen_clear(struct screen *s);
/* From now on it is waited for `what`, until screen_rest. */
void screen_wait(struct screen *s, const char *what);
void screen_rest(struct screen *s);
/* params of notifications/progress and notifications/message. */
void screen_progress(struct screen *s, yyjson_val *params);
void screen_log(struct screen *s, yyjson_val *params);
/* A text, with its own line breaks. */
void screen_say(struct screen *s, struct str text);
/* A person types: the line stays away. */
void screen_hold(struct screen *s, bool is_held);

#endif
