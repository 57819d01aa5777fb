#include "base/format.h"
#include "base/nearest.h"
#include "cli/logs/logs.h"

static void
read_match(const struct cli *cli, const char *option, struct match *match, struct matches *out)
{
    struct str value = args_value(&cli->args, option);

    if (value.data == NULL)
        return;
    match->text = value;
    *out        = (struct matches){match, 1};
}

static bool
read_texts(const struct cli *cli, const char *option, struct str *texts, size_t *count, struct error *err)
{
    if (args_count(&cli->args, option) > QUERY_TEXTS_MAX)
        return error_set(err, ERROR_INVALID, "--%s may be there %d times", option, QUERY_TEXTS_MAX);
    for (*count = 0; args_each(&cli->args, option, *count, &texts[*count]); ++*count)
        if (texts[*count].len == 0)
            return error_set(err, ERROR_INVALID, "--%s needs a text", option);
    return true;
}

static bool
read_moment(const struct logs *l, const char *option, wall_time *t, struct error *err)
{
    struct str value = args_value(&l->cli->args, option);

    if (value.data == NULL || parse_moment(value, l->now, t))
        return true;
    return error_set(err, ERROR_INVALID, "--%s \"%.*s\" is no time: write 10m, 2h, 7d or 2026-11-21T14:02:00Z", option,
                     STR_ARG(str_take(value, 60)));
}

bool
logs_read_filters(struct logs *l, struct error *err)
{
    const struct cli *cli   = l->cli;
    struct query     *q     = &l->query;
    struct str        limit = args_value(&cli->args, "limit");
    uint64_t          count = cli->is_terminal || args_has(&cli->args, "follow") ? 50 : 0;

    read_match(cli, "server", &l->server, &q->server);
    read_match(cli, "session", &l->session, &q->session);
    read_match(cli, "method", &l->method, &q->method);
    read_match(cli, "client", &l->client, &q->client);
    q->words         = l->words;
    q->contains      = l->contains;
    q->errors_only   = args_has(&cli->args, "errors");
    l->is_json       = args_has(&cli->args, "json");
    l->with_messages = args_has(&cli->args, "messages");
    l->is_raw        = args_has(&cli->args, "raw");
    if (limit.data != NULL && (!str_to_u64(limit, &count) || count > SIZE_MAX))
        return error_set(err, ERROR_INVALID, "--limit \"%.*s\" is no number (0: all)", STR_ARG(str_take(limit, 60)));
    q->limit = (size_t)(l->is_json && limit.data == NULL ? 0 : count);
    return read_texts(cli, "text", l->words, &q->word_count, err) &&
           read_texts(cli, "contains", l->contains, &q->contains_count, err) &&
           read_moment(l, "since", &q->after, err) && read_moment(l, "until", &q->before, err);
}

/* ---- names that were never seen ---- */

struct seen {
    struct str    wanted;
    bool          is_there;
    unsigned      best;
    char          nearest[128];
    struct buffer list;
    size_t        count;
};

static bool
see(struct seen *s, struct str name, uint64_t count)
{
    unsigned distance = nearest_distance(s->wanted, name);

    s->is_there = s->is_there || str_eq(name, s->wanted);
    if (name.len == 0)
        return true;
    if (distance < s->best) {
        s->best = distance;
        snprintf(s->nearest, sizeof s->nearest, "%.*s", STR_ARG(name));
    }
    if (s->count++ < 8) {
        buffer_printf(&s->list, "%s%.*s (", s->count == 1 ? "" : ", ", STR_ARG(str_take(name, 64)));
        format_count(&s->list, count);
        buffer_append_char(&s->list, ')');
    }
    return true;
}

static bool
see_server(const struct server_view *v, void *arg)
{
    return see(arg, v->server, v->count);
}

static bool
see_method(const struct method_view *v, void *arg)
{
    return see(arg, v->method, v->count);
}

static bool
see_client(const struct client_view *v, void *arg)
{
    return see(arg, v->name, v->count);
}

static bool
see_session(const struct session_view *v, void *arg)
{
    return see(arg, v->session, v->count);
}

static bool
look_in_servers(struct reader *r, struct seen *s)
{
    return reader_servers(r, see_server, s, NULL);
}

static bool
look_in_sessions(struct reader *r, struct seen *s)
{
    return reader_sessions(r, STR_NONE, see_session, s, NULL);
}

static bool
look_in_methods(struct reader *r, struct seen *s)
{
    return reader_methods(r, STR_NONE, see_method, s, NULL);
}

static bool
look_in_clients(struct reader *r, struct seen *s)
{
    return reader_clients(r, see_client, s, NULL);
}

static const struct {
    const char *option;
    bool (*look)(struct reader *r, struct seen *s);
} places[] = {{"server", look_in_servers},
              {"session", look_in_sessions},
              {"method", look_in_methods},
              {"client", look_in_clients}};

static void
say_never_seen(struct cli *cli, const char *what, const struct seen *s)
{
    if (s->best == NEAREST_NONE)
        cli_refuse(cli, 0, "no %s \"%.*s\" in the log", what, STR_ARG(s->wanted));
    else
        cli_refuse(cli, 0, "no %s \"%.*s\" in the log; did you mean \"%s\"?", what, STR_ARG(s->wanted), s->nearest);
    if (s->count > 0)
        cli_hint(cli, "Seen: %.*s%s", STR_ARG(buffer_str(&s->list)), s->count > 8 ? ", ..." : "");
}

int
logs_explain_nothing(struct logs *l)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct seen s = {
            .wanted = args_value(&l->cli->args, places[i].option), .best = NEAREST_NONE, .list = {.max = KIB(8)}};
        if (s.wanted.data == NULL)
            continue;
        bool is_new = places[i].look(l->reader, &s) && !s.is_there;
        if (is_new)
            say_never_seen(l->cli, places[i].option, &s);
        buffer_clear(&s.list);
        if (is_new)
            return EXIT_NOT_FOUND;
    }
    if (l->cli->is_terminal && !l->is_json)
        cli_hint(l->cli, "No call matches.");
    return EXIT_DONE;
}
