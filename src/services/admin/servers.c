/* Servers added and removed. */
#include "base/json.h"
#include "base/log.h"
#include "gateway/registry/input.h"
#include "services/admin/parts.h"

/* A change of mcp.json. In the job's arena. */
struct change {
    struct str input;       /* the arguments, as JSON */
    struct str name, entry; /* read from them */
    struct str near;        /* the most alike name that is registered; empty: the same is, or none is near */
};

/* Whether any text of `value` has a `${...}` in it, names of members too. */
static bool
asks_environment(yyjson_val *value)
{
    struct yyjson_val *key, *member;
    size_t             i, count;

    if (yyjson_is_str(value))
        return str_find(json_str(value), STR("${")) >= 0;
    if (yyjson_is_obj(value)) {
        yyjson_obj_foreach(value, i, count, key,
                           member) if (asks_environment(key) || asks_environment(member)) return true;
    }
    yyjson_arr_foreach(value, i, count, member) if (asks_environment(member)) return true;
    return false;
}

/* A model must get neither a shell nor what is in our environment, whoever talked it into asking. */
static bool
is_allowed(struct request *r)
{
    static const char *const of_commands[] = {"command", "args", "env", "cwd", "sessionMode"};
    const struct admin      *a             = request_owner(r);
    yyjson_val              *arguments     = request_arguments(r);
    bool                     is_command    = str_eq(request_string(r, "type"), STR("stdio"));

    if (a->parts.settings->admin.mcp_commands)
        return true;
    for (size_t i = 0; i < sizeof of_commands / sizeof of_commands[0]; i++)
        is_command |= yyjson_obj_get(arguments, of_commands[i]) != NULL;
    if (is_command)
        request_fail(r, "a server that is a command can't be added here: it could do anything that the person who runs "
                        "Gatehouse can. A person adds it with `gatehouse add NAME -- COMMAND`, or allows this by "
                        "setting admin.mcp_commands to on");
    else if (asks_environment(arguments))
        request_fail(r, "${...} would take a value out of Gatehouse's environment, and what is there may be a secret: "
                        "write the value itself. A person may add it with `gatehouse add`, or allow this by setting "
                        "admin.mcp_commands to on");
    return !is_command && !asks_environment(arguments);
}

static void
work_to_add(struct job *job)
{
    struct change *c = job->data;

    if (!registry_input_read(c->input, job->arena, &c->name, &c->entry, &job->err) ||
        !registry_add(job->admin->parts.registry_path, c->name, c->entry, &job->err))
        return;
    log_line(LOG_INFO, "%.*s was added over MCP", STR_ARG(c->name));
    job->errand.looks_again = true;
}

/* How it is, now that the gateway has it. */
static void
say_added(void *arg, const struct server_status *status)
{
    struct job                *job   = arg;
    const struct server_entry *entry = status->entry;
    struct buffer              where = {.max = KIB(128)};

    if (entry->kind == SERVER_WRONG) {
        job_say(job, "Added %.*s, but it can't be used as it is: ", STR_ARG(entry->name));
        job_say_text(job, str_from(entry->error));
        job_say(job, "\n");
        return;
    }
    job->is_too_long |= !server_entry_print_target(entry, &where);
    job_say(job, "Added %.*s (", STR_ARG(entry->name));
    job_say_text(job, buffer_str(&where));
    job_say(job, "). Not tried yet: its first call shows whether it answers.\n");
    if (entry->note[0] != '\0') {
        job_say_text(job, str_from(entry->note));
        job_say(job, "\n");
    }
    buffer_clear(&where);
}

static void
put_added(struct job *job, yyjson_mut_val *into, const struct server_status *status)
{
    put_text(job, into, "state", str_from(server_state_name(status->state)));
    put_text(job, into, "error", str_from(status->entry->error));
    put_text(job, into, "note", str_from(status->entry->note));
}

struct answer {
    struct job     *job;
    yyjson_mut_val *structured;
    bool            is_known;
};

static void
tell_added(void *arg, const struct server_status *status)
{
    struct answer *answer = arg;

    answer->is_known = true;
    say_added(answer->job, status);
    put_added(answer->job, answer->structured, status);
}

static void
answer_added(struct job *job)
{
    const struct admin  *a      = job->admin;
    const struct change *c      = job->data;
    struct answer        answer = {.job = job, .structured = yyjson_mut_obj(request_doc(job->request))};
    struct str           endpoint =
        arena_printf(job->arena, "http://localhost:%u/s/%.*s/mcp", (unsigned)a->parts.port, STR_ARG(c->name));

    put_text(job, answer.structured, "name", c->name);
    put_text(job, answer.structured, "endpoint", endpoint);
    gateway_server(a->parts.gateway, c->name, tell_added, &answer);
    if (!answer.is_known) { /* the gateway takes its time, or somebody removed it meanwhile */
        job_say(job, "Added %.*s to mcp.json; the gateway has not read it yet.\n", STR_ARG(c->name));
        put_text(job, answer.structured, "state", STR("not known"));
    }
    job_say(job, "Clients reach it at %.*s", STR_ARG(endpoint));
    job_answer(job, answer.structured);
}

static struct job *
begin(struct request *r)
{
    struct job    *job  = job_new(r, sizeof(struct change));
    size_t         len  = 0;
    char          *text = job == NULL ? NULL : yyjson_val_write(request_arguments(r), 0, &len);
    struct change *c    = job == NULL ? NULL : job->data;

    if (job == NULL)
        return NULL;
    job->errand.changes = true;
    c->input            = text == NULL ? STR_NONE : arena_str(job->arena, str_of(text, len));
    free(text);
    if (c->input.data != NULL)
        return job;
    request_fail(r, "no memory");
    job_free(job);
    return NULL;
}

void
add_server(struct request *r)
{
    struct job *job = is_allowed(r) ? begin(r) : NULL;

    if (job != NULL)
        job_start(job, work_to_add, answer_added);
}

static void
work_to_remove(struct job *job)
{
    struct change *c = job->data;

    if (!registry_input_read(c->input, job->arena, &c->name, &c->entry, &job->err))
        return;
    if (registry_remove(job->admin->parts.registry_path, c->name, &job->err)) {
        log_line(LOG_INFO, "%.*s was removed over MCP", STR_ARG(c->name));
        job->errand.looks_again = true;
    } else if (job->err.code == ERROR_NOT_FOUND && c->near.len > 0) {
        error_set(&job->err, ERROR_NOT_FOUND, "no server is named \"%.*s\"; did you mean \"%.*s\"?",
                  STR_ARG(str_take(c->name, 80)), STR_ARG(c->near));
    }
}

static void
answer_removed(struct job *job)
{
    const struct change *c          = job->data;
    yyjson_mut_val      *structured = yyjson_mut_obj(request_doc(job->request));

    job_say(job, "Removed ");
    job_say_text(job, c->name);
    job_say(job, ". What it did stays in the log.");
    put_text(job, structured, "name", c->name);
    put_flag(job, structured, "removed", true);
    job_answer(job, structured);
}

void
remove_server(struct request *r)
{
    struct admin              *a    = request_owner(r);
    struct registry           *all  = gateway_registry(a->parts.gateway);
    struct str                 name = request_string(r, "name");
    const struct server_entry *near = registry_find(all, name) == NULL ? registry_nearest(all, name) : NULL;
    struct job                *job  = begin(r);

    if (job == NULL)
        return;
    if (near != NULL)
        ((struct change *)job->data)->near = arena_str(job->arena, near->name);
    job_start(job, work_to_remove, answer_removed);
}
