#include "cli/call/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/format.h"
#include "cli/grid.h"
#include "mcp/json.h"
#include "mcp/log_level.h"

#define FIRST_AFTER   MILLISECONDS(500)
#define AGAIN_AFTER   SECONDS(1)
#define DRAWN_AT_MOST MILLISECONDS(50)

enum { TEXT_MAX = 4096 };

/* The cursor is at the begin of the line that moves. */
static void
wipe(struct screen *s)
{
    if (s->is_shown)
        fputs("\r\033[K", s->cli->err);
    s->is_shown = false;
}

static void
draw(struct screen *s)
{
    struct buffer line = {.max = KIB(16)}, cut = {.max = KIB(16)};
    mono_time     now = clock_mono();

    if (!s->is_terminal || s->is_held || buffer_len(&s->text) == 0)
        return;
    buffer_append_printable(&line, buffer_str(&s->text), true);
    buffer_append(&line, STR("  "));
    format_took(&line, (now - s->began) / SECONDS(1) * SECONDS(1));
    text_cut(&cut, buffer_str(&line), s->columns - 1);
    fprintf(s->cli->err, "\r%.*s\033[K", STR_ARG(buffer_str(&cut)));
    fflush(s->cli->err);
    s->is_shown = true;
    s->drawn    = now;
    buffer_clear(&line);
    buffer_clear(&cut);
}

static void
on_tick(struct timer *t)
{
    struct screen *s = LIST_OF(struct screen, t, tick);

    draw(s);
    loop_set_timer(s->loop, t, clock_mono() + AGAIN_AFTER);
}

void
screen_init(struct screen *s, struct cli *cli, struct loop *loop)
{
    struct winsize size;
    int            fd = fileno(cli->err);

    *s = (struct screen){.cli = cli, .loop = loop, .text = {.max = TEXT_MAX}, .columns = 80};
    timer_init(&s->tick, on_tick);
    s->is_terminal = fd >= 0 && isatty(fd) == 1;
    if (s->is_terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        s->columns = size.ws_col;
}

void
screen_clear(struct screen *s)
{
    screen_rest(s);
    buffer_clear(&s->text);
}

void
screen_wait(struct screen *s, const char *what)
{
    if (!s->is_terminal)
        return;
    buffer_reset(&s->text);
    buffer_append(&s->text, str_from(what));
    s->began = clock_mono();
    loop_set_timer(s->loop, &s->tick, s->began + FIRST_AFTER);
}

void
screen_rest(struct screen *s)
{
    wipe(s);
    fflush(s->cli->err);
    buffer_reset(&s->text);
    loop_clear_timer(s->loop, &s->tick);
}

/* As it was written: 3, 0.5. */
static void
put_number(struct buffer *out, yyjson_val *number)
{
    char *text = yyjson_is_num(number) || yyjson_is_raw(number) ? yyjson_val_write(number, 0, NULL) : NULL;

    buffer_append(out, text == NULL ? STR("?") : str_take(str_from(text), 40));
    free(text);
}

void
screen_progress(struct screen *s, yyjson_val *params)
{
    yyjson_val *progress = yyjson_obj_get(params, "progress"), *total = yyjson_obj_get(params, "total");
    struct str  message = json_str_in(params, "message");

    if (!s->is_terminal || progress == NULL)
        return;
    buffer_reset(&s->text);
    put_number(&s->text, progress);
    if (total != NULL) {
        buffer_append(&s->text, STR(" of "));
        put_number(&s->text, total);
        if (yyjson_get_num(total) > 0)
            buffer_printf(&s->text, "  %.0f %%", 100 * yyjson_get_num(progress) / yyjson_get_num(total));
    }
    if (message.len > 0) {
        buffer_append(&s->text, STR("  "));
        buffer_append(&s->text, str_take(message, KIB(2)));
    }
    if (clock_mono() - s->drawn > DRAWN_AT_MOST)
        draw(s);
}

/* "warning  disk: nearly full" */
void
screen_log(struct screen *s, yyjson_val *params)
{
    struct buffer line   = {.max = KIB(64)};
    struct str    level  = json_str_in(params, "level");
    struct str    logger = json_str_in(params, "logger");
    yyjson_val   *data   = yyjson_obj_get(params, "data");
    char         *json   = yyjson_is_str(data) ? NULL : yyjson_val_write(data, 0, NULL);

    buffer_append_printable(&line, str_take(level, 40), true);
    buffer_append(&line, STR("  "));
    if (logger.len > 0) {
        buffer_append_printable(&line, str_take(logger, 200), true);
        buffer_append(&line, STR(": "));
    }
    buffer_append_printable(&line, str_take(json == NULL ? json_str(data) : str_from(json), KIB(8)), true);
    buffer_append_char(&line, '\n');
    screen_say(s, buffer_str(&line));
    buffer_clear(&line);
    free(json);
}

void
screen_say(struct screen *s, struct str text)
{
    bool was_shown = s->is_shown;

    wipe(s);
    fwrite(text.len == 0 ? "" : text.data, 1, text.len, s->cli->err);
    fflush(s->cli->err);
    if (was_shown)
        draw(s);
}

void
screen_hold(struct screen *s, bool is_held)
{
    if (is_held)
        wipe(s);
    s->is_held = is_held;
}
