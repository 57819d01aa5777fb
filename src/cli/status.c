#include <yyjson.h>

#include "base/format.h"
#include "cli/running.h"
#include "mcp/json.h"
#include "store/query.h"

/* What the running gateway says of itself; without one, what the database knows. */

static uint64_t
number(yyjson_val *object, const char *key)
{
    yyjson_val *value = yyjson_obj_get(object, key);

    return yyjson_is_uint(value)                                 ? yyjson_get_uint(value)
           : yyjson_is_real(value) && yyjson_get_real(value) > 0 ? (uint64_t)yyjson_get_real(value)
                                                                 : 0;
}

static void
append_text(struct buffer *out, yyjson_val *object, const char *key)
{
    yyjson_val *value = yyjson_obj_get(object, key);

    buffer_append_printable(out, json_str(value), true);
}

static void
append_took(struct buffer *out, const char *name, yyjson_val *value)
{
    if (!yyjson_is_num(value))
        return;
    buffer_printf(out, ", %s ", name);
    format_took(out, (int64_t)yyjson_get_num(value));
}

static void
calls(struct buffer *out, yyjson_val *root)
{
    yyjson_val *of = yyjson_obj_get(root, "calls");

    buffer_append(out, STR("  calls      "));
    format_count(out, number(of, "today"));
    buffer_append(out, STR(" today, "));
    format_count(out, number(of, "failed"));
    buffer_append(out, STR(" failed"));
    append_took(out, "p50", yyjson_obj_get(of, "p50Us"));
    append_took(out, "p95", yyjson_obj_get(of, "p95Us"));
    buffer_append_char(out, '\n');
}

static bool
is_built_in(yyjson_val *server)
{
    return yyjson_equals_str(yyjson_obj_get(server, "kind"), "built-in");
}

/* "1 running, 1 down (weather)": names only of those that want something done. What is built in stands apart. */
static void
servers(struct buffer *out, yyjson_val *root)
{
    static const char *const states[] = {"running", "starting", "idle", "down", "wrong", "disabled"};
    yyjson_val              *list     = yyjson_obj_get(root, "servers"), *server;
    size_t                   i, count, kinds = 0;

    buffer_append(out, STR("  servers    "));
    for (size_t s = 0; s < 6; s++) {
        struct buffer names = {.max = KIB(4)};
        size_t        found = 0;
        yyjson_arr_foreach(list, i, count, server)
        {
            if (is_built_in(server) || !yyjson_equals_str(yyjson_obj_get(server, "state"), states[s]))
                continue;
            buffer_append(&names, found++ == 0 ? STR("") : STR(", "));
            append_text(&names, server, "name");
        }
        if (found > 0)
            buffer_printf(out, "%s%zu %s", kinds++ == 0 ? "" : ", ", found, states[s]);
        if (found > 0 && (s == 3 || s == 4))
            buffer_printf(out, " (%.*s)", STR_ARG(buffer_str(&names)));
        buffer_clear(&names);
    }
    buffer_append(out, kinds == 0 ? STR("none yet: gatehouse add\n") : STR("\n"));
}

/* "snapshots, skills (disabled)" */
static void
built_in(struct buffer *out, yyjson_val *root)
{
    yyjson_val *server;
    size_t      i, count, found = 0;

    yyjson_arr_foreach(yyjson_obj_get(root, "servers"), i, count, server)
    {
        if (!is_built_in(server))
            continue;
        buffer_append(out, found++ == 0 ? STR("  built in   ") : STR(", "));
        append_text(out, server, "name");
        if (yyjson_equals_str(yyjson_obj_get(server, "state"), "running"))
            continue;
        buffer_append(out, STR(" ("));
        append_text(out, server, "state");
        buffer_append_char(out, ')');
    }
    if (found > 0)
        buffer_append_char(out, '\n');
}

static void
sessions(struct buffer *out, yyjson_val *root)
{
    yyjson_val *of = yyjson_obj_get(root, "sessions"), *client;
    size_t      i, count;

    buffer_printf(out, "  sessions   %llu open", (unsigned long long)number(of, "open"));
    yyjson_arr_foreach(yyjson_obj_get(of, "clients"), i, count, client)
    {
        buffer_append(out, i == 0 ? STR(" (") : STR(", "));
        if (yyjson_is_str(client))
            buffer_append_printable(out, json_str(client), true);
        else
            append_text(out, client, "name");
        if (i + 1 == count)
            buffer_append_char(out, ')');
    }
    buffer_append_char(out, '\n');
}

static void
recorded(struct buffer *out, yyjson_val *root, const struct settings *settings)
{
    yyjson_val *of   = yyjson_obj_get(root, "recorded");
    uint64_t    lost = number(of, "lost");

    buffer_append(out, STR("  recorded   "));
    if (!settings->capture.enabled)
        buffer_append(out, STR("nothing: capture.enabled is off"));
    else if (lost == 0)
        buffer_append(out, STR("every call"));
    else {
        buffer_append(out, STR("all calls but "));
        format_count(out, lost);
    }
    if (yyjson_is_true(yyjson_obj_get(of, "full")))
        buffer_append(out, STR("; THE DISK IS FULL: make room, or gatehouse logs --clear"));
    else if (yyjson_is_true(yyjson_obj_get(of, "failing"))) {
        buffer_append(out, STR("; WRITING FAILS: "));
        append_text(out, of, "failure");
    }
    buffer_append(out, STR("; traffic.db "));
    format_bytes(out, number(of, "fileBytes"));
    buffer_append(out, STR(", "));
    format_count(out, number(of, "rows"));
    buffer_append(out, STR(" calls ("));
    duration_print(out, settings->retention.age);
    buffer_append(out, STR(" or "));
    size_print(out, settings->retention.size);
    buffer_append(out, STR(" kept)\n"));
}

static void
memory(struct buffer *out, yyjson_val *root)
{
    yyjson_val *of       = yyjson_obj_get(root, "memory");
    uint64_t    children = number(of, "children");

    buffer_append(out, STR("  memory     "));
    format_bytes(out, number(of, "residentBytes"));
    if (children > 0) {
        buffer_printf(out, "; %llu child process%s, ", (unsigned long long)children, children == 1 ? "" : "es");
        format_bytes(out, number(of, "childrenBytes"));
    }
    buffer_append_char(out, '\n');
}

static void
print_running(struct cli *cli, yyjson_val *root, struct buffer *out)
{
    buffer_append(out, STR("Gatehouse "));
    append_text(out, root, "version");
    buffer_printf(out, " (pid %llu) up ", (unsigned long long)number(root, "pid"));
    format_age(out, (int64_t)number(root, "uptimeSeconds") * 1000000);
    buffer_append(out, STR(" on "));
    append_text(out, root, "url");
    buffer_append_char(out, '\n');
    calls(out, root);
    servers(out, root);
    built_in(out, root);
    sessions(out, root);
    recorded(out, root, &cli->settings);
    memory(out, root);
}

/* ---- without one ---- */

static void
print_stopped(struct cli *cli, const struct totals *t, struct buffer *out)
{
    if (args_has(&cli->args, "json")) {
        buffer_printf(out, "{\"pid\":null,\"recorded\":{\"rows\":%llu,\"fileBytes\":%llu,\"lost\":%llu}}\n",
                      (unsigned long long)t->count, (unsigned long long)t->file_bytes, (unsigned long long)t->lost);
        return;
    }
    buffer_append(out, STR("No gateway runs on "));
    cli_short_path(cli, cli->settings.home, out);
    buffer_append(out, STR(".  Start it: gatehouse serve\n  recorded   "));
    if (t->count == 0) {
        buffer_append(out, STR("no call yet\n"));
        return;
    }
    format_count(out, t->count);
    buffer_append(out, t->count == 1 ? STR(" call, ") : STR(" calls, "));
    format_bytes(out, t->file_bytes);
    buffer_append(out, STR("; the last was "));
    format_age(out, clock_wall() - t->last);
    buffer_append(out, STR(" ago"));
    if (t->lost > 0) {
        buffer_append(out, STR("; not recorded: "));
        format_count(out, t->lost);
    }
    buffer_append_char(out, '\n');
}

static int
status_stopped(struct cli *cli)
{
    const char    *path = cli_home_file(cli, "traffic.db");
    struct error   err  = {0};
    struct totals  t    = {0};
    struct buffer  out  = {.max = KIB(16)};
    struct reader *r    = path == NULL ? NULL : reader_open(path, &err);

    if (r == NULL ? err.code != ERROR_NOT_FOUND : !reader_totals(r, &t, &err)) {
        reader_close(r);
        return cli_fail(cli, &err);
    }
    reader_close(r);
    print_stopped(cli, &t, &out);
    cli_put(cli, &out);
    buffer_clear(&out);
    return EXIT_DONE;
}

int
cli_status(struct cli *cli)
{
    struct running gateway;
    struct error   err  = {0};
    struct buffer  text = {0}, out = {.max = MIB(1)};

    if (!running_find(cli, &gateway))
        return status_stopped(cli);
    if (!running_get(cli, &gateway, "/api/status", &text, &err)) {
        error_wrap(&err, "asking the gateway (pid %d)", gateway.pid);
        return cli_fail(cli, &err);
    }
    yyjson_doc *doc = yyjson_read(buffer_str(&text).data, buffer_len(&text), 0);
    if (args_has(&cli->args, "json")) {
        buffer_append(&out, str_trim(buffer_str(&text)));
        buffer_append_char(&out, '\n');
    } else if (doc != NULL) {
        print_running(cli, yyjson_doc_get_root(doc), &out);
    }
    bool ok = cli_put(cli, &out);
    yyjson_doc_free(doc);
    buffer_clear(&text);
    buffer_clear(&out);
    return ok ? EXIT_DONE : EXIT_FAILED;
}
