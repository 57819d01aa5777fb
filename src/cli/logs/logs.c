#include "cli/logs/logs.h"

#include "base/format.h"
#include "store/purge.h"

enum { ROWS_AT_ONCE = 1000 };

/* Forgetting it all asks, for nobody gets it back. */
static int
clear_log(struct cli *cli, const char *path)
{
    struct purge_result gone = {0};
    struct error        err  = {0};
    struct buffer       text = {.max = KIB(1)};
    int                 code =
        cli_ask(cli, "Delete every recorded call?", "Nothing was deleted.", "--clear deletes every recorded call");

    if (code >= 0)
        return code;
    if (!traffic_purge(path, &(struct purge){0}, &gone, &err) && err.code != ERROR_NOT_FOUND)
        return cli_fail(cli, &err);
    buffer_append(&text, STR("Deleted "));
    format_count(&text, gone.exchanges);
    buffer_append(&text, gone.exchanges == 1 ? STR(" call; the file shrank by ") : STR(" calls; the file shrank by "));
    format_bytes(&text, gone.bytes_freed);
    buffer_append_char(&text, '\n');
    cli_put(cli, &text);
    buffer_clear(&text);
    return EXIT_DONE;
}

/* The newest `limit` are to be shown, the oldest of them first: their ids are asked first. */
static bool
note_id(const struct exchange_view *x, void *arg)
{
    return buffer_append(&((struct logs *)arg)->ids, str_of((const char *)&x->id, sizeof x->id));
}

static bool
show(const struct exchange_view *x, void *arg)
{
    struct logs *l = arg;

    l->first = l->shown == 0 || x->at < l->first ? x->at : l->first;
    l->shown++;
    l->failed += exchange_failed(x);
    if (l->is_json)
        l->broken = !logs_json_line(l, x);
    else
        l->broken = !logs_row(l, x) || (l->shown % ROWS_AT_ONCE == 0 && !logs_flush_rows(l));
    return !l->broken;
}

static bool
show_all(struct logs *l, struct error *err)
{
    struct query q = l->query;

    if (q.limit > 0) {
        if (!query_run(l->reader, &q, note_id, l, err))
            return false;
        const uint64_t *ids   = (const void *)buffer_str(&l->ids).data;
        size_t          count = buffer_len(&l->ids) / sizeof *ids;
        if (ids == NULL || count == 0)
            return true;
        if (l->cli->is_terminal)
            l->tail = id_tail_digits(ids, count, ID_TAIL_LEAST);
        q.before_id = ids[0] + 1;
        q.after_id  = ids[count - 1] - 1;
    }
    q.ascending = true;
    return query_run(l->reader, &q, show, l, err) &&
           (l->is_json ? cli_put(l->cli, &l->out) : l->shown == 0 || logs_flush_rows(l));
}

/* Below the rows, for people. */
static void
say_sum(struct logs *l)
{
    struct buffer text = {.max = KIB(1)};
    char          id[ID_DIGITS + 1];
    uint64_t      lost   = 0;
    const void   *newest = buffer_str(&l->ids).data; /* not there without --limit */

    if (!l->cli->is_terminal || l->is_json || l->shown == 0 || newest == NULL)
        return;
    size_t      len  = (size_t)snprintf(id, sizeof id, "%llu", (unsigned long long)*(const uint64_t *)newest);
    const char *tail = len > l->tail ? id + len - l->tail : id;
    format_count(&text, l->shown);
    buffer_append(&text, l->shown == 1 ? STR(" call in the last ") : STR(" calls in the last "));
    format_age(&text, l->now - l->first);
    buffer_append(&text, STR(", "));
    format_count(&text, l->failed);
    buffer_append(&text, STR(" failed"));
    if (reader_lost(l->reader, l->first, &lost, NULL) && lost > 0) {
        buffer_append(&text, STR(", "));
        format_count(&text, lost);
        buffer_append(&text, STR(" more could not be recorded"));
    }
    buffer_printf(&text, ".  Follow: gatehouse logs --follow   One in full: gatehouse logs %s", tail);
    fprintf(l->cli->err, "%.*s\n", STR_ARG(buffer_str(&text)));
    buffer_clear(&text);
}

static int
nothing_yet(struct cli *cli)
{
    if (!args_has(&cli->args, "json")) {
        fprintf(cli->err, "No call was recorded yet.\n");
        cli_hint(cli, "Start:    gatehouse serve");
        cli_hint(cli, "A server: gatehouse add files -- npx -y @modelcontextprotocol/server-filesystem ~/src");
    }
    return EXIT_DONE;
}

static int
list_log(struct logs *l)
{
    struct error err = {0};

    logs_begin_rows(l);
    bool ok = show_all(l, &err);
    if (!ok && err.code == ERROR_NONE) /* the reader of our pipe left: that is its right */
        return l->broken && !l->cli->is_terminal ? EXIT_DONE : cli_refuse(l->cli, EXIT_FAILED, "%s", NO_MEMORY_TEXT);
    if (!ok)
        return cli_fail(l->cli, &err);
    if (l->shown == 0)
        return logs_explain_nothing(l);
    say_sum(l);
    return EXIT_DONE;
}

int
cli_logs(struct cli *cli)
{
    struct logs  l    = {.cli = cli, .now = clock_wall(), .out = {.max = CLI_TEXT_MAX}, .ids = {.max = MIB(64)}};
    struct error err  = {0};
    const char  *path = cli_home_file(cli, "traffic.db");
    int          code;

    if (path == NULL)
        return cli_refuse(cli, EXIT_FAILED, NO_MEMORY_TEXT);
    if (!logs_read_filters(&l, &err)) {
        cli_fail(cli, &err);
        return EXIT_TYPED_WRONG;
    }
    if (args_has(&cli->args, "clear"))
        return clear_log(cli, path);
    if (args_has(&cli->args, "follow")) {
        code = logs_follow(&l, path);
    } else {
        l.reader = reader_open(path, &err);
        l.inner  = l.reader == NULL ? NULL : reader_open(path, &err);
        if (l.inner == NULL)
            code = err.code == ERROR_NOT_FOUND && cli->args.word_count == 0 ? nothing_yet(cli) : cli_fail(cli, &err);
        else
            code = cli->args.word_count > 0 ? logs_one(&l, cli->args.words[0]) : list_log(&l);
    }
    reader_close(l.inner);
    reader_close(l.reader);
    grid_clear(&l.grid);
    buffer_clear(&l.out);
    buffer_clear(&l.ids);
    buffer_clear(&l.part);
    return code;
}
