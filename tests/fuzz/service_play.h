/* tests/fuzz/service_play.h: a service whose handlers do what their argument says, a letter each: so the input of a
 * fuzz target has both ends of a talk in its hand. What each letter means, the table `acts` says. */
#ifndef GATEHOUSE_TESTS_FUZZ_SERVICE_PLAY_H
#define GATEHOUSE_TESTS_FUZZ_SERVICE_PLAY_H

#include "base/live.h"
#include "base/loop.h"
#include "mcp/service/running.h"
#include "store/task_store.h"

enum { ACTS_MOST = 32, HELD_MOST = 64, PUTS_MOST = 64 };

/* --- what somebody has in hand --- */

static struct request *held[HELD_MOST];
static size_t          held_count;

static void
let_go(struct request *r)
{
    for (size_t i = 0; i < held_count; i++)
        if (held[i] == r)
            held[i--] = held[--held_count];
}

static struct request *
take_held(void)
{
    return held_count == 0 ? NULL : held[--held_count];
}

/* --- the tasks of a store that tells when it is told to --- */

static struct put {
    char      id[40];
    task_told told;
    void     *owner;
} kept_puts[PUTS_MOST];
static size_t put_count;

static bool
play_load(struct task_store *s, struct str service, size_t most, task_taken take, void *owner, struct error *err)
{
    (void)s, (void)service, (void)most, (void)take, (void)owner, (void)err;
    return true;
}

static bool
play_put(struct task_store *s, const struct task_row *row, bool is_new, task_told told, void *owner)
{
    (void)s, (void)is_new;
    if (put_count == PUTS_MOST)
        return false;
    snprintf(kept_puts[put_count].id, sizeof kept_puts[put_count].id, "%.*s", STR_ARG(row->id));
    kept_puts[put_count].told    = told;
    kept_puts[put_count++].owner = owner;
    return true;
}

static void
play_remove(struct task_store *s, struct str id)
{
    (void)s, (void)id;
}

static void
play_leave(struct task_store *s, const void *owner)
{
    (void)s, (void)owner; /* there is one */
    put_count = 0;
}

static const struct task_store_ops play_ops   = {play_load, play_put, play_remove, play_leave};
static struct task_store           play_store = {&play_ops};

/* All that waits; what is put meanwhile waits for the next time. */
static void
tell_puts(bool is_kept)
{
    struct put told[PUTS_MOST];
    size_t     count = put_count;

    memcpy(told, kept_puts, sizeof told);
    put_count = 0;
    for (size_t i = 0; i < count; i++)
        if (told[i].told != NULL)
            told[i].told(told[i].owner, str_from(told[i].id), is_kept);
}

/* --- the acts: false, the handler returns --- */

static const char form[] =
    JSON({"type": "object", "properties": {"a": {"type": "string", "oneOf": [{"const": "x", "title": "X"}]}}});

static bool
play_say(struct request *r)
{
    request_say(r, "%.*s", STR_ARG(request_string(r, "v")));
    return true;
}

static bool
play_say_much(struct request *r)
{
    char *much = request_alloc(r, KIB(8));

    if (much != NULL) {
        memset(much, '"', KIB(8) - 1);
        request_add_text(r, str_from(much));
    }
    return true;
}

static bool
play_image(struct request *r)
{
    request_add_image(r, STR("\x89PNG"), "image/png");
    request_add_audio(r, STR(""), "audio/wav");
    return true;
}

static const struct resource fixed = {.uri = "play://fixed", .name = "fixed", .size = 3};

static bool
play_link(struct request *r)
{
    request_add_link(r, &fixed);
    return true;
}

static bool
play_embed(struct request *r)
{
    request_add_resource_text(r, request_uri(r), "text/plain", request_variable(r, "v"));
    request_add_resource_blob(r, STR("play://\xFF"), NULL, STR("\xFF\x00"));
    return true;
}

static bool
play_role(struct request *r)
{
    request_set_role(r, "assistant");
    return true;
}

static bool
play_value(struct request *r)
{
    request_add_value(r, request_value(r));
    return true;
}

static bool
play_structure(struct request *r)
{
    request_set_structured(r, yyjson_val_mut_copy(request_doc(r), request_arguments(r)));
    return true;
}

static bool
play_progress(struct request *r)
{
    static double step;

    request_progress(r, ++step, 1e9, "on");
    return true;
}

static bool
play_log(struct request *r)
{
    request_log_text(r, "info", "said");
    request_log(r, "error", "disk", yyjson_val_mut_copy(request_doc(r), request_arguments(r)));
    return true;
}

static bool
play_keep(struct request *r)
{
    request_keep(r, "k", yyjson_mut_int(request_doc(r), yyjson_get_int(request_kept(r, "k")) + 1));
    return true;
}

static bool
play_task(struct request *r)
{
    request_become_task(r);
    return true;
}

static bool
play_leave_it(struct request *r)
{
    request_let_go(r, SECONDS(1));
    return true;
}

static bool
play_change(struct request *r)
{
    service_tools_changed(request_service(r));
    service_prompts_changed(request_service(r));
    service_resources_changed(request_service(r));
    service_resource_updated(request_service(r), STR("play://fixed"));
    return true;
}

static yyjson_mut_val *
sample_of(struct request *r, bool has_tools)
{
    yyjson_mut_val *params = yyjson_mut_obj(request_doc(r));

    yyjson_mut_obj_add_arr(request_doc(r), params, "messages");
    if (has_tools)
        yyjson_mut_obj_add_arr(request_doc(r), params, "tools");
    return params;
}

static bool
ask_form(struct request *r)
{
    return request_elicit(r, "form", "?", form) != NULL;
}

static bool
ask_url(struct request *r)
{
    return request_elicit_url(r, "url", "?", "https://a.test/") != NULL;
}

static bool
ask_model(struct request *r)
{
    return request_sample(r, "model", sample_of(r, false)) != NULL;
}

static bool
ask_model_with_tools(struct request *r)
{
    return request_sample(r, "tools", sample_of(r, true)) != NULL;
}

static bool
ask_roots(struct request *r)
{
    return request_roots(r, "roots") != NULL;
}

/* At once: all of them are asked before the handler returns. */
static bool
ask_all(struct request *r)
{
    unsigned known = ask_form(r);

    known += ask_model(r);
    known += ask_roots(r);
    return known == 3;
}

static void
finish_late(struct request *r)
{
    request_say(r, "late");
    request_finish(r);
}

static void
ask_late(struct request *r)
{
    if (request_elicit(r, "late", "?", form) != NULL)
        finish_late(r);
}

static bool
play_later(struct request *r)
{
    request_after(r, SECONDS(1), finish_late);
    return false;
}

static bool
play_ask_later(struct request *r)
{
    request_after(r, SECONDS(1), ask_late);
    return false;
}

static bool
play_hold(struct request *r)
{
    if (held_count == HELD_MOST)
        return true;
    held[held_count++] = r;
    return false;
}

static bool
play_hold_and_hear(struct request *r)
{
    request_on_cancel(r, let_go);
    return play_hold(r);
}

static bool
play_fail(struct request *r)
{
    request_fail(r, "failed: %.*s", STR_ARG(request_string(r, "v")));
    return false;
}

static bool
play_refuse(struct request *r)
{
    request_refuse(r, (int)request_integer(r, "v"), "refused");
    return false;
}

/* clang-format off */
static const struct act {
    char letter;
    bool (*play)(struct request *r);
} acts[] = {
    {'s', play_say},        {'b', play_say_much},        {'i', play_image},  {'k', play_link},
    {'e', play_embed},      {'r', play_role},            {'v', play_value},  {'S', play_structure},
    {'p', play_progress},   {'l', play_log},             {'K', play_keep},   {'t', play_task},
    {'o', play_leave_it},   {'c', play_change},          {'F', ask_form},    {'U', ask_url},
    {'M', ask_model},       {'T', ask_model_with_tools}, {'R', ask_roots},   {'Q', ask_all},
    {'a', play_later},      {'A', play_ask_later},       {'h', play_hold},   {'H', play_hold_and_hear},
    {'x', play_fail},       {'q', play_refuse},
};
/* clang-format on */

/* False: the handler returns. A letter that means nothing is nothing. */
static bool
act(struct request *r, char letter)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (acts[i].letter == letter)
            return acts[i].play(r);
    return true;
}

static void
play(struct request *r, struct str letters)
{
    for (size_t i = 0; i < letters.len && i < ACTS_MOST; i++)
        if (!act(r, letters.data[i]))
            return;
    request_finish(r);
}

/* Of a tool or a prompt; of a template, by its variable. */
static void
play_argument(struct request *r)
{
    struct str variable = request_variable(r, "do");

    play(r, variable.data != NULL ? variable : request_string(r, "do"));
}

static void
play_completion(struct request *r)
{
    play(r, request_value(r));
}

static void
play_contents(struct request *r)
{
    play(r, STR("pe"));
}

/* --- the tables --- */

#define INPUT JSON({"type": "object", "properties": {"do": {"type": "string", "default": "s"}, "v": true}})

static const struct icon play_icons[] = {{.src = "https://a.test/i.png", .sizes = "any"}, {0}};

static const struct tool play_tools[] = {
    {.name = "play", .title = "Play", .call = play_argument, .input = INPUT, .hints = TOOL_READS, .icons = play_icons},
    {.name   = "typed",
     .call   = play_argument,
     .input  = INPUT,
     .output = JSON({"type": "object", "properties": {"v": {"type": "integer", "maximum": 9}}, "required": ["v"]})},
         {.name   = "list",
          .call   = play_argument,
          .input  = INPUT,
          .output = JSON({"not": {"type": "array"}})},
          {.name = "strict",
           .call = play_argument,
           .input =
               JSON({"type": "object", "$defs": {"n": {"type": "integer", "minimum": 1}}, "required": ["a"],
                    "properties": {"a": {"$ref": "#/$defs/n"},
                                   "do": {"type": "string", "pattern": "^[a-z]*$", "default": "l", "x-mcp-header": "Do"},
                                   "list": {"type": "array", "uniqueItems": true, "items": {"$ref": "#"}},
                                   "b": {"anyOf": [{"const": 1}, {"maxLength": 2}], "default": {}}},
                    "unevaluatedProperties": false})},
                                                             {.name  = "needy",
                                                              .call  = play_argument,
                                                              .input = INPUT,
                                                              .needs = CLIENT_ELICITS | CLIENT_SAMPLES |
                                                                       CLIENT_HAS_ROOTS | CLIENT_FOLLOWS_TASKS},
                                                             {.name        = "hidden",
                                                              .call        = play_argument,
                                                              .input       = INPUT,
                                                              .is_unlisted = true},
                                                             {.name = "none", .call = play_argument}, {0},
};
static const struct argument play_arguments[] = {
    {.name = "do", .is_required = true, .complete = play_completion}, {.name = "v", .title = "V"}, {0}};
static const struct prompt play_prompts[] = {
    {.name = "play", .title = "Play", .description = "Plays.", .get = play_argument, .arguments = play_arguments},
    {.name = "none", .get = play_argument},
    {0},
};
static const struct resource play_resources[] = {
    {.uri = "play://fixed", .name = "fixed", .mime_type = "text/plain", .size = 3, .read = play_contents},
    {.uri = "play://other", .name = "other", .read = play_argument},
    {.uri = "play://third", .name = "third", .read = play_contents, .icons = play_icons},
    {0},
};
static const struct resource_template play_templates[] = {
    {.uri_template = "play://{do}/{v}", .name = "play", .read = play_argument, .variables = play_arguments}, {0}};

static const struct service_table play_table = {.name         = "play",
                                                .title        = "Play",
                                                .version      = "1",
                                                .instructions = "Do.",
                                                .icons        = play_icons,
                                                .tools        = play_tools,
                                                .resources    = play_resources,
                                                .templates    = play_templates,
                                                .prompts      = play_prompts,
                                                .logs         = true,
                                                .makes_tasks  = true,
                                                .page         = 2,
                                                .fresh_ms     = 5};

#endif
