#include "cli/call/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cli/call/form.h"
#include "mcp/json.h"

enum { LINE_MAX_BYTES = 64 * 1024, WAITING_MAX = 100, REJECTED = -1, NOT_FOUND = -32601 };

enum asked_kind { ASKED_FORM, ASKED_URL, ASKED_TEXT };

struct asked {
    struct list         node; /* on asker->waiting */
    struct asker       *asker;
    struct question_in *question; /* NULL: it is gone */
};

struct asker {
    struct screen  *screen;
    const char     *server;
    struct list     waiting; /* of struct asked, by node, the oldest first; that one is shown */
    size_t          count;
    struct poll    *keys; /* NULL: nobody can be asked */
    int             keys_fd;
    bool            is_shown;
    enum asked_kind kind;
    struct form    *form;                /* of ASKED_FORM */
    struct buffer   typed, text;         /* a line that is not whole yet; of ASKED_TEXT its lines */
    struct buffer   capabilities, roots; /* JSON */
};

static void show_next(struct asker *a);

/* ---- answers ---- */

static struct asked *
first(struct asker *a)
{
    struct list *node = list_first(&a->waiting);

    return node == NULL ? NULL : LIST_OF(struct asked, node, node);
}

static void
forget_first(struct asker *a)
{
    struct asked *asked = first(a);

    form_free(a->form);
    a->form     = NULL;
    a->is_shown = false;
    buffer_reset(&a->text);
    if (asked->question != NULL)
        question_watch(asked->question, NULL);
    list_remove(&asked->node);
    free(asked);
    a->count--;
}

/* The question that is shown gets its answer; NULL: no memory for one. */
static void
give(struct asker *a, yyjson_mut_val *answer)
{
    struct asked *asked = first(a);
    yyjson_doc   *fixed = answer == NULL ? NULL : yyjson_mut_val_imut_copy(answer, NULL);

    if (asked->question != NULL && fixed == NULL)
        question_refuse(asked->question, -32603, "no memory for the answer");
    else if (asked->question != NULL)
        question_answer(asked->question, yyjson_doc_get_root(fixed));
    yyjson_doc_free(fixed);
    forget_first(a);
    show_next(a);
}

static void
give_action(struct asker *a, const char *action, bool has_content)
{
    yyjson_mut_doc *doc    = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *answer = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_str(doc, answer, "action", action);
    if (has_content)
        yyjson_mut_obj_add_val(doc, answer, "content", form_content(a->form, doc));
    give(a, answer);
    yyjson_mut_doc_free(doc);
}

static void
give_text(struct asker *a)
{
    yyjson_mut_doc *doc     = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *answer  = yyjson_mut_obj(doc);
    yyjson_mut_val *content = yyjson_mut_obj(doc);
    struct str      text    = buffer_str(&a->text);

    yyjson_mut_obj_add_str(doc, content, "type", "text");
    yyjson_mut_obj_add_val(doc, content, "text", json_text(doc, str_take(text, text.len > 0 ? text.len - 1 : 0)));
    yyjson_mut_obj_add_str(doc, answer, "role", "assistant");
    yyjson_mut_obj_add_val(doc, answer, "content", content);
    yyjson_mut_obj_add_str(doc, answer, "model", "a person");
    yyjson_mut_obj_add_str(doc, answer, "stopReason", "endTurn");
    give(a, answer);
    yyjson_mut_doc_free(doc);
}

static void
give_refusal(struct asker *a, const char *words)
{
    if (first(a)->question != NULL)
        question_refuse(first(a)->question, REJECTED, words);
    forget_first(a);
    show_next(a);
}

/* ---- what is typed ---- */

static void
take_url_line(struct asker *a, struct str line)
{
    char letter = line.len == 0 ? ' ' : (char)(line.data[0] | 0x20);

    if (str_eq(line, STR("/cancel")))
        give_action(a, "cancel", false);
    else if (letter == 'y')
        give_action(a, "accept", false);
    else if (letter == 'n' || str_eq(line, STR("/decline")))
        give_action(a, "decline", false);
    else
        screen_say(a->screen, STR("  yes or no > "));
}

static void
take_text_line(struct asker *a, struct str line)
{
    if (str_eq(line, STR("/decline")) || str_eq(line, STR("/cancel"))) {
        give_refusal(a, "the person declined");
    } else if (line.len > 0) {
        buffer_append(&a->text, line);
        buffer_append_char(&a->text, '\n');
    } else if (buffer_len(&a->text) > 0) {
        give_text(a);
    } else {
        screen_say(a->screen, STR("  Nothing is there yet; /decline says no > "));
    }
}

static void
take_form_line(struct asker *a, struct str line)
{
    struct buffer  out  = {.max = MIB(1)};
    enum form_step step = form_take(a->form, line, &out);

    if (step == FORM_MORE)
        form_ask(a->form, &out);
    screen_say(a->screen, buffer_str(&out));
    buffer_clear(&out);
    if (step == FORM_SEND)
        give_action(a, "accept", true);
    else if (step != FORM_MORE)
        give_action(a, step == FORM_DECLINE ? "decline" : "cancel", false);
}

static void
take_line(struct asker *a, struct str line)
{
    if (first(a)->question == NULL) { /* the server took it back meanwhile */
        screen_say(a->screen, STR("  It is no longer asked.\n"));
        forget_first(a);
        show_next(a);
    } else if (a->kind == ASKED_FORM) {
        take_form_line(a, line);
    } else if (a->kind == ASKED_URL) {
        take_url_line(a, str_trim(line));
    } else {
        take_text_line(a, str_trim(line));
    }
}

/* Ctrl-D: away from this question. */
static void
take_end(struct asker *a)
{
    screen_say(a->screen, STR("\n"));
    if (a->kind == ASKED_TEXT)
        give_refusal(a, "the person declined");
    else
        give_action(a, "cancel", false);
}

static void
on_keys(void *owner, int events)
{
    struct asker *a = owner;
    char          bytes[4096];
    ssize_t       got = read(a->keys_fd, bytes, sizeof bytes);

    (void)events;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 && a->is_shown) {
        take_end(a);
        if (got < 0) { /* the terminal is gone */
            poll_close(a->keys);
            a->keys = NULL;
        }
        return;
    }
    for (ssize_t i = 0; i < got && a->is_shown; i++) {
        if (bytes[i] != '\n') {
            if (buffer_len(&a->typed) < LINE_MAX_BYTES)
                buffer_append_char(&a->typed, bytes[i]);
            continue;
        }
        struct buffer line = a->typed;
        a->typed           = (struct buffer){.max = LINE_MAX_BYTES};
        take_line(a, buffer_str(&line));
        buffer_clear(&line);
    }
}

/* ---- what is shown ---- */

static bool
show_form(struct asker *a, yyjson_val *params, struct buffer *out)
{
    struct error err = {0};

    a->form = form_new(yyjson_obj_get(params, "requestedSchema"), a->screen->cli->colour, &err);
    if (a->form == NULL) {
        buffer_printf(out, "%s asked what cannot be asked: %s\n", a->server, err.text);
        return false;
    }
    ask_print_form(a->server, a->screen->cli->colour, params, out);
    form_ask(a->form, out);
    return true;
}

static enum asked_kind
kind_of(const struct question_in *q)
{
    if (str_eq(question_method(q), STR("sampling/createMessage")))
        return ASKED_TEXT;
    return yyjson_equals_str(yyjson_obj_get(question_params(q), "mode"), "url") ? ASKED_URL : ASKED_FORM;
}

/* The oldest that is still asked. */
static void
show_next(struct asker *a)
{
    struct buffer out = {.max = MIB(4)};

    while (first(a) != NULL && first(a)->question == NULL)
        forget_first(a);
    screen_hold(a->screen, first(a) != NULL);
    if (a->keys != NULL)
        poll_set(a->keys, first(a) == NULL ? 0 : UV_READABLE);
    if (first(a) == NULL || a->is_shown || a->keys == NULL)
        return;
    tcflush(a->keys_fd, TCIFLUSH);
    buffer_reset(&a->typed);
    a->is_shown        = true;
    yyjson_val *params = question_params(first(a)->question);
    bool        ok     = true;
    bool        colour = a->screen->cli->colour;
    a->kind            = kind_of(first(a)->question);
    if (a->kind == ASKED_TEXT)
        ask_print_text(a->server, colour, params, &out);
    else if (a->kind == ASKED_URL)
        ask_print_url(a->server, colour, params, &out);
    else
        ok = show_form(a, params, &out);
    screen_say(a->screen, buffer_str(&out));
    buffer_clear(&out);
    if (!ok) {
        question_refuse(first(a)->question, -32602, "no form that can be asked");
        forget_first(a);
        show_next(a);
    }
}

/* ---- taking ---- */

/* Nobody is there to ask: it is said, and the server is told. */
static void
decline(struct asker *a, struct question_in *q)
{
    struct buffer line   = {.max = KIB(64)};
    yyjson_val   *params = question_params(q);
    bool          text   = kind_of(q) == ASKED_TEXT;

    buffer_printf(&line, "%s asked %s", a->server, text ? "a model for a text" : "you something");
    if (yyjson_obj_get(params, "message") != NULL)
        buffer_append(&line, STR(": "));
    buffer_append_printable(&line, str_take(json_str_in(params, "message"), KIB(2)), true);
    buffer_append(&line, STR("\n  Declined: without a terminal nobody can be asked.\n"));
    screen_say(a->screen, buffer_str(&line));
    buffer_clear(&line);
    if (text) {
        question_refuse(q, REJECTED, "declined: nobody is there to be asked");
        return;
    }
    yyjson_doc *answer = yyjson_read("{\"action\":\"decline\"}", 20, 0);
    if (answer != NULL)
        question_answer(q, yyjson_doc_get_root(answer));
    else
        question_refuse(q, -32603, "no memory for the answer");
    yyjson_doc_free(answer);
}

static void
answer_roots(struct asker *a, struct question_in *q)
{
    struct str  text  = buffer_str(&a->roots);
    yyjson_doc *roots = text.len == 0 ? NULL : yyjson_read(text.data, text.len, 0);

    if (roots != NULL)
        question_answer(q, yyjson_doc_get_root(roots));
    else
        question_refuse(q, NOT_FOUND, "no directory was given: --roots DIR does");
    yyjson_doc_free(roots);
}

void
asker_take(struct asker *a, struct question_in *q)
{
    struct str    method = question_method(q);
    struct asked *asked;

    if (str_eq(method, STR("roots/list"))) {
        answer_roots(a, q);
        return;
    }
    if (!str_eq(method, STR("elicitation/create")) && !str_eq(method, STR("sampling/createMessage"))) {
        question_refuse(q, NOT_FOUND, "nothing is known of that here");
        return;
    }
    if (a->keys == NULL) {
        decline(a, q);
        return;
    }
    asked = a->count < WAITING_MAX ? calloc(1, sizeof *asked) : NULL;
    if (asked == NULL) {
        question_refuse(q, -32603, "too much is asked at once");
        return;
    }
    *asked = (struct asked){.asker = a, .question = q};
    list_append(&a->waiting, &asked->node);
    a->count++;
    question_watch(q, &asked->question);
    show_next(a);
}

/* ---- the asker ---- */

/* A description of the terminal of our own: that it does not block stays ours, and is not left to the shell. */
static int
open_keys(const struct cli *cli)
{
    int  fd = fileno(cli->in);
    char path[64];

    if (fd < 0 || isatty(fd) != 1 || fileno(cli->err) < 0 || isatty(fileno(cli->err)) != 1)
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* file:// and the path, what is no letter of a URL as %XX. RFC 8089. */
static void
put_root(struct buffer *out, const char *path)
{
    struct buffer uri = {.max = KIB(16)};

    buffer_append(&uri, STR("file://"));
    for (const char *c = path; *c != '\0'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                     strchr("/-._~", *c) != NULL;
        if (plain)
            buffer_append_char(&uri, *c);
        else
            buffer_printf(&uri, "%%%02X", (unsigned char)*c);
    }
    buffer_append(out, STR("{\"uri\":"));
    buffer_append_json(out, buffer_str(&uri));
    buffer_append(out, STR(",\"name\":"));
    buffer_append_json(out, str_from(strrchr(path, '/') + 1));
    buffer_append_char(out, '}');
    buffer_clear(&uri);
}

static bool
read_roots(struct asker *a, struct error *err)
{
    const struct args *args = &a->screen->cli->args;
    struct str         dir;
    struct stat        st;
    char               typed[PATH_MAX], path[PATH_MAX];

    if (!args_has(args, "roots"))
        return true;
    buffer_append(&a->roots, STR("{\"roots\":["));
    for (size_t i = 0; args_each(args, "roots", i, &dir); i++) {
        snprintf(typed, sizeof typed, "%.*s", STR_ARG(dir));
        if (realpath(typed, path) == NULL)
            return error_set_errno(err, errno, "--roots %s", typed);
        if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
            return error_set(err, ERROR_INVALID, "--roots %s is no directory", typed);
        buffer_append(&a->roots, i == 0 ? STR("") : STR(","));
        put_root(&a->roots, path);
    }
    return buffer_append(&a->roots, STR("]}")) || error_set(err, ERROR_MEMORY, "no memory");
}

struct asker *
asker_new(struct screen *screen, const char *server, struct error *err)
{
    struct asker *a = calloc(1, sizeof *a);

    if (a == NULL) {
        error_set(err, ERROR_MEMORY, "no memory");
        return NULL;
    }
    *a = (struct asker){.screen       = screen,
                        .server       = server,
                        .typed        = {.max = LINE_MAX_BYTES},
                        .text         = {.max = MIB(1)},
                        .capabilities = {.max = KIB(1)},
                        .roots        = {.max = MIB(1)}};
    list_init(&a->waiting);
    buffer_append(&a->capabilities, STR("{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{}"));
    buffer_append(&a->capabilities, args_has(&screen->cli->args, "roots") ? STR(",\"roots\":{}}") : STR("}"));
    if (!read_roots(a, err)) {
        asker_free(a);
        return NULL;
    }
    a->keys_fd = open_keys(screen->cli);
    if (a->keys_fd >= 0) {
        a->keys = poll_new(screen->loop, a->keys_fd, on_keys, a, NULL);
        if (a->keys == NULL)
            close(a->keys_fd);
    }
    return a;
}

void
asker_free(struct asker *a)
{
    if (a == NULL)
        return;
    while (first(a) != NULL)
        forget_first(a);
    poll_close(a->keys);
    buffer_clear(&a->typed);
    buffer_clear(&a->text);
    buffer_clear(&a->capabilities);
    buffer_clear(&a->roots);
    free(a);
}

struct str
asker_capabilities(const struct asker *a)
{
    return buffer_str(&a->capabilities);
}
