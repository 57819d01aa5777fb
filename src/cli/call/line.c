#include "cli/call/line.h"

#include <errno.h>

#include "base/file.h"
#include "base/nearest.h"

static const struct {
    const char *method, *key;
} subjects[] = {
    {"tools/call", "name"},        {"prompts/get", "name"},          {"resources/read", "uri"},
    {"logging/setLevel", "level"}, {"resources/subscribe", "uri"},   {"tasks/get", "taskId"},
    {"tasks/cancel", "taskId"},    {"resources/unsubscribe", "uri"}, {"tasks/result", "taskId"},
};

const char *const call_methods[] = {
    "tools/call",  "tools/list", "resources/read",      "resources/list", "resources/templates/list",
    "prompts/get", "ping",       "completion/complete", "prompts/list",   "logging/setLevel",
    "tasks/get",   "tasks/list", "tasks/cancel",        "tasks/result",   NULL,
};

const char *
call_subject_key(struct str method)
{
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        if (str_eq(method, str_from(subjects[i].method)))
            return subjects[i].key;
    return NULL;
}

const char *
call_nearest_method(struct str typed)
{
    const char *nearest = NULL;
    unsigned    best    = NEAREST_NONE;

    for (const char *const *m = call_methods; *m != NULL; m++) {
        unsigned distance = nearest_distance(typed, str_from(*m));
        if (distance < best) {
            best    = distance;
            nearest = *m;
        }
    }
    return nearest;
}

static bool
is_url(struct str word)
{
    return str_starts_nocase(word, STR("http://")) || str_starts_nocase(word, STR("https://"));
}

static bool
is_method(struct str word)
{
    return str_index(word, '/') >= 0 || str_eq(word, STR("ping"));
}

static bool
read_all(FILE *in, struct buffer *text, struct error *err)
{
    while (!feof(in)) {
        if (!buffer_reserve(text, KIB(64)))
            return error_set(err, ERROR_TOO_LARGE, "what is piped in is larger than %zu MiB", CALL_FILE_MAX >> 20);
        size_t got = fread(buffer_space(text), 1, KIB(64), in);
        buffer_added(text, got);
        if (got == 0 && ferror(in))
            return error_set_errno(err, errno, "reading what is piped in");
    }
    return true;
}

/* `@FILE` becomes what is in it. */
static bool
read_file(struct call_pair *pair, FILE *in, struct arena *arena, struct error *err)
{
    struct buffer text = {.max = CALL_FILE_MAX};
    struct str    name = str_skip(pair->text, 1);
    char         *path = arena_cstr(arena, name);
    bool          ok   = false;

    if (path == NULL)
        error_set(err, ERROR_MEMORY, "no memory");
    else if (str_eq(name, STR("-")))
        ok = in == NULL ? error_set(err, ERROR_INVALID, "nothing is piped in") : read_all(in, &text, err);
    else
        ok = file_read(path, &text, err);
    if (ok) {
        pair->text = arena_str(arena, buffer_str(&text));
        if (pair->text.data == NULL)
            pair->text = STR("");
        ok = pair->text.len == buffer_len(&text) || error_set(err, ERROR_MEMORY, "no memory");
    } else if (err != NULL) {
        error_wrap(err, "%.*s", STR_ARG(str_take(pair->key, 80)));
    }
    buffer_clear(&text);
    return ok;
}

static bool
take_pair(struct call_line *line, struct str word, size_t equal, FILE *in, struct arena *arena, struct error *err)
{
    struct call_pair *pair = &line->pairs[line->count++];

    *pair = (struct call_pair){.key = str_take(word, equal), .text = str_skip(word, equal + 1)};
    if (pair->key.len > 1 && str_ends(pair->key, STR(":"))) {
        pair->is_raw = true;
        pair->key.len--;
    }
    return pair->text.len < 2 || pair->text.data[0] != '@' || read_file(pair, in, arena, err);
}

/* A word without `=`: the method or a tool, then what that is about. */
static bool
take_word(struct call_line *line, struct str word, struct error *err)
{
    if (line->method.len == 0) {
        line->is_tool = !is_method(word);
        line->method  = line->is_tool ? STR("tools/call") : word;
        line->subject = line->is_tool ? word : STR_NONE;
        return true;
    }
    if (line->subject.data == NULL && call_subject_key(line->method) != NULL) {
        line->subject = word;
        return true;
    }
    return error_set(err, ERROR_INVALID, "what is \"%.*s\"? What %.*s gets is typed as key=value",
                     STR_ARG(str_take(word, 80)),
                     STR_ARG(str_take(line->subject.data != NULL ? line->subject : line->method, 80)));
}

bool
call_line_read(struct call_line *line, const struct args *args, FILE *in, struct arena *arena, struct error *err)
{
    size_t first = 0;

    *line       = (struct call_line){.where = CALL_COMMAND};
    line->pairs = arena_alloc(arena, (args->word_count + 1) * sizeof *line->pairs);
    if (line->pairs == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    if (args->has_rest && args->rest_count == 0)
        return error_set(err, ERROR_INVALID, "behind -- the server's command is missing");
    if (!args->has_rest) {
        if (args->word_count == 0)
            return error_set(err, ERROR_INVALID, "call whom? A name of gatehouse list, a URL, or -- and a command");
        line->target = str_from(args->words[first++]);
        line->where  = is_url(line->target) ? CALL_URL : CALL_NAME;
    } else if (args->word_count > 0 && is_url(str_from(args->words[0]))) {
        return error_set(err, ERROR_INVALID, "either a URL or a command: both are there");
    }
    for (size_t i = first; i < args->word_count; i++) {
        struct str word  = str_from(args->words[i]);
        ptrdiff_t  equal = str_index(word, '=');
        bool       ok = equal > 0 ? take_pair(line, word, (size_t)equal, in, arena, err) : take_word(line, word, err);
        if (!ok)
            return false;
    }
    if (line->count > 0 && line->method.len == 0)
        return error_set(err, ERROR_INVALID, "\"%.*s\" is for what? Put the tool's name, or a method, before it",
                         STR_ARG(str_take(line->pairs[0].key, 80)));
    return true;
}

bool
call_line_check(struct call_line *line, struct error *err)
{
    const char *key = call_subject_key(line->method);

    for (size_t i = 0; key != NULL && line->subject.data == NULL && i < line->count; i++) {
        if (!str_eq(line->pairs[i].key, str_from(key)) || line->pairs[i].is_raw)
            continue;
        line->subject = line->pairs[i].text;
        line->count--;
        memmove(&line->pairs[i], &line->pairs[i + 1], (line->count - i) * sizeof line->pairs[0]);
    }
    return key == NULL || line->subject.data != NULL ||
           error_set(err, ERROR_INVALID, "%.*s needs %s=…", STR_ARG(line->method), key);
}
