#include <unistd.h>

#include "base/file.h"
#include "base/format.h"
#include "cli/snapshots/snapshots.h"
#include "services/snapshots/words.h"

static const struct snapshot_origin origin = {
    .client         = {"gatehouse", sizeof "gatehouse" - 1},
    .client_version = {GATEHOUSE_VERSION, sizeof GATEHOUSE_VERSION - 1},
    .server         = {"snapshots " GATEHOUSE_VERSION, sizeof "snapshots " GATEHOUSE_VERSION - 1},
};

/* ---- what was typed, as the object that a model would have sent ---- */

static bool
read_input(struct memory *m, struct buffer *text, struct error *err)
{
    FILE *in = m->cli->in;

    if (isatty(fileno(in)))
        fprintf(m->cli->err, "Write the context; Ctrl-D ends it.\n");
    while (buffer_len(text) < text->max && buffer_reserve(text, 1)) {
        size_t got = fread(buffer_space(text), 1, buffer_room(text), in);
        buffer_added(text, got);
        if (got == 0)
            break;
    }
    if (ferror(in))
        return error_set(err, ERROR_INTERNAL, "what was piped in could not be read");
    return feof(in) ||
           error_set(err, ERROR_TOO_LARGE, "what was piped in is larger than %zu bytes (snapshots.size)", text->max);
}

static struct str
without_last_lines(struct str text)
{
    while (str_ends(text, STR("\n")) || str_ends(text, STR("\r")))
        text.len--;
    return text;
}

/* From the option, or the file; data NULL: neither was given. */
static bool
read_context(struct memory *m, const char *file, struct str *out, struct error *err)
{
    struct buffer text = {.max = m->cli->settings.snapshots.size};

    *out = args_value(&m->cli->args, "context");
    if (file == NULL)
        return true;
    if (out->data != NULL)
        return error_set(err, ERROR_INVALID, "the context is there twice: with --context and in \"%s\"", file);
    bool ok = strcmp(file, "-") == 0 ? read_input(m, &text, err) : file_read(file, &text, err);
    if (ok)
        *out = arena_str(m->arena, without_last_lines(buffer_str(&text)));
    if (ok && out->data == NULL) /* an empty one is there, and is refused as such */
        *out = STR("");
    buffer_clear(&text);
    return ok;
}

static bool
add_structure(yyjson_mut_doc *doc, yyjson_mut_val *object, struct str text, struct error *err)
{
    char           *in   = (char *)(uintptr_t)text.data; /* it is not read in place */
    yyjson_read_err why  = {0};
    yyjson_doc     *its  = yyjson_read_opts(in, text.len, YYJSON_READ_BIGNUM_AS_RAW, NULL, &why);
    yyjson_val     *root = yyjson_doc_get_root(its);
    bool            ok;

    if (its == NULL)
        ok = error_set(err, ERROR_INVALID, "the context is no JSON: %s at byte %zu", why.msg, why.pos);
    else if (!yyjson_is_obj(root))
        ok = error_set(err, ERROR_INVALID, "with --structured the context is a JSON object: {\"files\": [...], ...}");
    else
        ok = yyjson_mut_obj_add_val(doc, object, "context", yyjson_val_mut_copy(doc, root)) ||
             error_set(err, ERROR_MEMORY, "no memory");
    yyjson_doc_free(its);
    return ok;
}

static bool
add_tags(const struct args *a, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
    yyjson_mut_val *tags = yyjson_mut_arr(doc);
    struct str      tag;
    bool            ok = tags != NULL;

    for (size_t i = 0; ok && args_each(a, "tag", i, &tag); i++)
        ok = tag.len == 0 || yyjson_mut_arr_add_strncpy(doc, tags, tag.data, tag.len);
    return ok && yyjson_mut_obj_add_val(doc, object, "tags", tags);
}

static bool
add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, struct str text)
{
    return text.data == NULL || yyjson_mut_obj_add_strncpy(doc, object, key, text.data, text.len);
}

/* `summary` may be none: then --summary is. */
static bool
add_members(struct memory *m, yyjson_mut_doc *doc, yyjson_mut_val *object, struct str summary, struct str context,
            struct error *err)
{
    const struct args *a          = &m->cli->args;
    struct str         importance = args_value(a, "importance");
    uint64_t           number     = 0;

    if (importance.data != NULL && !str_to_u64(importance, &number))
        return error_set(err, ERROR_INVALID, "--importance is 1 to 5, not \"%.*s\"", STR_ARG(str_take(importance, 60)));
    if (args_has(a, "structured") && context.data == NULL)
        return error_set(err, ERROR_INVALID, "--structured is of a context, and there is none");
    if (args_has(a, "structured") ? !add_structure(doc, object, context, err)
                                  : !add_text(doc, object, "context", context))
        return false;
    bool ok = add_text(doc, object, "summary", summary.data != NULL ? summary : args_value(a, "summary")) &&
              add_text(doc, object, "name", args_value(a, "name")) &&
              add_text(doc, object, "project", args_value(a, "project")) &&
              add_text(doc, object, "next_steps", args_value(a, "next")) &&
              (!args_has(a, "tag") || add_tags(a, doc, object)) &&
              (importance.data == NULL || yyjson_mut_obj_add_uint(doc, object, "importance", number));
    return ok || error_set(err, ERROR_MEMORY, "no memory");
}

/* Into `text`: what was not given stays as it is there. */
static bool
read_typed(struct memory *m, struct str summary, struct str context, struct snapshot_text *text, struct error *err)
{
    yyjson_mut_doc *doc    = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_doc     *typed  = NULL;
    bool            ok     = object != NULL || error_set(err, ERROR_MEMORY, "no memory");

    ok = ok && add_members(m, doc, object, summary, context, err);
    if (ok) {
        yyjson_mut_doc_set_root(doc, object);
        typed = yyjson_mut_doc_imut_copy(doc, NULL);
        ok    = typed != NULL || error_set(err, ERROR_MEMORY, "no memory");
    }
    ok = ok && text_read(yyjson_doc_get_root(typed), m->cli->settings.snapshots.size, m->arena, text, err);
    yyjson_doc_free(typed);
    yyjson_mut_doc_free(doc);
    return ok;
}

static int
typed_wrong(struct memory *m, const struct error *err)
{
    int code = cli_fail(m->cli, err);

    return err->code == ERROR_INVALID ? EXIT_TYPED_WRONG : code;
}

/* ---- save ---- */

static int
say_saved(struct memory *m, const struct snapshot *s)
{
    bool ok;

    if (m->is_json)
        return memory_put(m, memory_json(m, s, false, NULL) && buffer_append_char(&m->out, '\n'));
    ok = buffer_printf(&m->out, s->version > 1 ? "Snapshot #%lld" : "Saved snapshot #%lld", (long long)s->id);
    if (s->text.name.len > 0)
        ok = ok && buffer_append(&m->out, STR(" (")) && memory_line(&m->out, s->text.name) &&
             buffer_append_char(&m->out, ')');
    if (s->version > 1)
        ok = ok && buffer_printf(&m->out, " is now version %u", s->version);
    int code = memory_put(m, ok && buffer_append_char(&m->out, '\n'));
    if (code == EXIT_DONE && m->cli->is_terminal)
        fprintf(m->cli->err, "Read it: gatehouse snapshots show %lld\n", (long long)s->id);
    return code;
}

static int
save(struct memory *m)
{
    const struct args   *a    = &m->cli->args;
    const char          *file = a->word_count > 1 ? a->words[1] : NULL;
    struct snapshot_text text = {0};
    struct snapshot      s    = {0};
    struct error         err  = {0};
    struct str           context;

    if (file == NULL && !args_has(a, "context"))
        return cli_refuse(m->cli, EXIT_TYPED_WRONG,
                          "save needs a context too: --context TEXT, a file, or - for what is piped in");
    if (!read_context(m, file, &context, &err) || !read_typed(m, str_from(a->words[0]), context, &text, &err))
        return typed_wrong(m, &err);
    if (!snapshot_save(m->db, &text, &origin, m->now, &s, &err))
        return cli_fail(m->cli, &err);
    s.text   = text;
    s.origin = origin;
    return say_saved(m, &s);
}

int
snapshots_save(struct cli *cli)
{
    return memory_run(cli, MEMORY_MAKE, save);
}

/* ---- update ---- */

/* In a turn: nobody changes it between reading and writing. */
static int
change(struct memory *m, struct str context, struct snapshot *s)
{
    struct snapshot old;
    struct error    err  = {0};
    int             code = memory_find(m, str_from(m->cli->args.words[0]), 0, false, &old);

    if (code != EXIT_DONE)
        return code;
    struct snapshot_text text = old.text;
    if (!read_typed(m, STR_NONE, context, &text, &err))
        return typed_wrong(m, &err);
    if (!snapshot_update(m->db, old.id, &text, &origin, m->now, s, &err))
        return cli_fail(m->cli, &err);
    s->text   = text;
    s->origin = origin;
    return EXIT_DONE;
}

static int
update(struct memory *m)
{
    const struct args *a     = &m->cli->args;
    const char        *file  = a->word_count > 1 ? a->words[1] : NULL;
    size_t             given = 0;
    struct snapshot    s     = {0};
    struct error       err   = {0};
    struct str         context;

    for (size_t i = 0; i < a->given_count; i++)
        for (const struct option *o = m->cli->command->options; o->name != NULL; o++)
            given += o->value != NULL && str_eq(a->given[i].name, str_from(o->name));
    if (file == NULL && given == 0)
        return cli_refuse(m->cli, EXIT_TYPED_WRONG, "update needs to know what changes: --summary, --next, --tag, ...");
    if (m->db == NULL) /* says so */
        return memory_find(m, str_from(a->words[0]), 0, false, &s);
    if (!read_context(m, file, &context, &err)) /* which may take a person's time: before anybody has to wait */
        return typed_wrong(m, &err);
    if (!snapshot_db_begin(m->db, &err))
        return cli_fail(m->cli, &err);
    int code = change(m, context, &s);
    if (code != EXIT_DONE)
        snapshot_db_rollback(m->db);
    else if (!snapshot_db_commit(m->db, &err))
        code = cli_fail(m->cli, &err);
    return code == EXIT_DONE ? say_saved(m, &s) : code;
}

int
snapshots_update(struct cli *cli)
{
    return memory_run(cli, MEMORY_LOOK, update);
}
