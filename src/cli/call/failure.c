/* Why a server could not be opened, or a call failed, in words that lead on. */
#include "cli/call/call.h"
#include "mcp/json.h"

enum {
    METHOD_NOT_FOUND = -32601,
    URL_NEEDED       = -32042, /* MCP 2025-11-25 client/elicitation */
    UNAUTHORIZED     = 401,
    FORBIDDEN        = 403,
};

/* What the person may do is a later issue's; now a header does. */
static int
explain_login(struct calling *c, int status)
{
    const struct target *t = &c->target;

    if (status == FORBIDDEN)
        cli_refuse(c->cli, 0, "%s does not let you in (403): the login is none, or not for this", t->label);
    else
        cli_refuse(c->cli, 0, "%s wants a login (401)", t->label);
    if (t->entry != NULL) {
        cli_hint(c->cli, "Its headers stand in mcp.json. Anew:  gatehouse remove %s", t->label);
        cli_hint(c->cli, "gatehouse add %s URL --header 'Authorization:Bearer ${TOKEN}'", t->label);
    } else {
        cli_hint(c->cli, "With a token:  gatehouse call %s --header 'Authorization:Bearer …'",
                 t->url == NULL ? "" : t->url);
    }
    return EXIT_NOT_ALLOWED;
}

static void
say_line(void *arg, const char *line)
{
    cli_hint(((struct calling *)arg)->cli, "%s", line);
}

/* The words of a gateway or client, and of the child itself. */
static int
explain_no_answer(struct calling *c, enum close_reason why, struct str words)
{
    const struct house *h = &c->house;

    if (why == CLOSE_TIMED_OUT)
        cli_refuse(c->cli, 0, "%s did not answer within %lld ms", c->target.label,
                   (long long)(c->options.patience / 1000));
    else if (h->words[0] != '\0')
        cli_refuse(c->cli, 0, "%s %s", c->target.label, h->words);
    else
        cli_refuse(c->cli, 0, "%s: %.*s", c->target.label, STR_ARG(str_take(words, KIB(2))));
    if (h->said_count > 0)
        cli_hint(c->cli, "Its last words on stderr:");
    house_each_line(h, say_line, c);
    if (why == CLOSE_TIMED_OUT)
        cli_hint(c->cli, "Longer:  --timeout MS");
    else if (c->target.is_recorded)
        cli_hint(c->cli, "More:  gatehouse list, gatehouse logs --errors --server %s", c->target.label);
    return EXIT_FAILED;
}

/* Pages that the person has to open first: shown, never opened. */
static void
say_urls(struct calling *c, yyjson_val *data)
{
    yyjson_val *each;
    size_t      i, count;

    yyjson_arr_foreach(yyjson_obj_get(data, "elicitations"), i, count, each)
    {
        cli_hint(c->cli, "%.*s", STR_ARG(str_take(json_str_in(each, "message"), KIB(2))));
        cli_hint(c->cli, "  %.*s", STR_ARG(str_take(json_str_in(each, "url"), KIB(4))));
    }
    cli_hint(c->cli, "Open it yourself, if you trust it, then call again.");
}

static int
explain_refusal(struct calling *c, int code, struct str words, yyjson_val *data)
{
    const char *nearest = call_nearest_method(c->line.method);
    char       *json    = data == NULL ? NULL : yyjson_val_write(data, 0, NULL);

    cli_refuse(c->cli, 0, "%s refused: %.*s (%d)", c->target.label, STR_ARG(str_take(words, KIB(4))), code);
    if (code == URL_NEEDED)
        say_urls(c, data);
    else if (json != NULL)
        cli_hint(c->cli, "%.1000s", json);
    if (code == METHOD_NOT_FOUND && nearest != NULL && !str_eq(str_from(nearest), c->line.method))
        cli_hint(c->cli, "Did you mean \"%s\"?", nearest);
    free(json);
    return EXIT_FAILED;
}

/* For programs: the error where the result would be. */
static void
print_error(struct calling *c, int code, struct str words, yyjson_val *data)
{
    struct buffer out  = {.max = MIB(64)};
    char         *json = data == NULL ? NULL : yyjson_val_write(data, 0, NULL);

    buffer_printf(&out, "{\"error\":{\"code\":%d,\"message\":", code);
    buffer_append_json(&out, words);
    if (json != NULL) {
        buffer_append(&out, STR(",\"data\":"));
        buffer_append(&out, str_from(json));
    }
    buffer_append(&out, STR("}}\n"));
    cli_put(c->cli, &out);
    buffer_clear(&out);
    free(json);
}

int
calling_explain(struct calling *c, enum close_reason why, int code, int status, struct str words, yyjson_val *data)
{
    screen_rest(&c->screen);
    if (status == UNAUTHORIZED || status == FORBIDDEN)
        return explain_login(c, status);
    if (why != CLOSE_ANSWERED || code == 0)
        return explain_no_answer(c, why, words);
    if (c->options.is_json)
        print_error(c, code, words, data);
    return explain_refusal(c, code, words, data);
}
