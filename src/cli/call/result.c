#include "cli/call/result.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/format.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/grid.h"

struct printing {
    const struct result_style *style;
    struct buffer             *out, text; /* text: what goes into the file when nothing is binary */
    struct error              *err;
    unsigned                   files;
    bool                       failed, is_error, has_binary;
};

bool
result_is_error(yyjson_val *result)
{
    return yyjson_is_true(yyjson_obj_get(result, "isError"));
}

bool
result_print_json(yyjson_val *value, bool indented, struct buffer *out)
{
    size_t len  = 0;
    char  *text = yyjson_val_write(value, indented ? YYJSON_WRITE_PRETTY_TWO_SPACES : YYJSON_WRITE_NOFLAG, &len);
    bool   ok   = text != NULL && buffer_append(out, str_of(text, len)) && buffer_append_char(out, '\n');

    free(text);
    return ok;
}

/* What a server wrote: as it is into a pipe, on a terminal without what controls it. */
static void
put_text(struct printing *p, struct str text)
{
    const struct result_style *s    = p->style;
    struct buffer              safe = {.max = MIB(256)};
    bool                       ends = str_ends(text, STR("\n"));

    if (s->file != NULL) {
        buffer_append(&p->text, text);
        buffer_append(&p->text, ends ? STR("") : STR("\n"));
    }
    if (s->is_terminal) {
        buffer_append_printable(&safe, ends ? str_take(text, text.len - 1) : text, false);
        style_append(p->out, s->colour, p->is_error ? STYLE_RED : STYLE_PLAIN, buffer_str(&safe));
        buffer_append_char(p->out, '\n');
    } else {
        buffer_append(p->out, text);
        buffer_append(p->out, ends ? STR("") : STR("\n"));
    }
    buffer_clear(&safe);
}

static void
put_line(struct printing *p, struct str line)
{
    style_append(p->out, p->style->colour, STYLE_DIM, line);
    buffer_append_char(p->out, '\n');
}

/* "chart.png", then "chart-2.png". */
static void
file_name(const struct printing *p, struct buffer *out)
{
    struct str  whole = str_from(p->style->file);
    const char *slash = strrchr(p->style->file, '/'), *dot = strrchr(p->style->file, '.');
    size_t      stem = dot != NULL && dot > p->style->file && (slash == NULL || dot > slash + 1)
                           ? (size_t)(dot - p->style->file)
                           : whole.len;

    if (p->files <= 1)
        buffer_append(out, whole);
    else
        buffer_printf(out, "%.*s-%u%s", (int)stem, whole.data, p->files, p->style->file + stem);
}

static bool
write_file(const char *path, struct str bytes, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0)
        return error_set_errno(err, errno, "%s", path);
    while (bytes.len > 0) {
        ssize_t wrote = write(fd, bytes.data, bytes.len);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0) {
            error_set_errno(err, errno, "%s", path);
            close(fd);
            return false;
        }
        bytes = str_skip(bytes, (size_t)wrote);
    }
    return close(fd) == 0 || error_set_errno(err, errno, "%s", path);
}

/* The next file; says its name. */
static void
keep(struct printing *p, struct str bytes, struct buffer *line)
{
    struct buffer path = {.max = KIB(8)};

    p->files++;
    file_name(p, &path);
    if (!buffer_append_char(&path, '\0')) {
        p->failed = true;
        error_set(p->err, ERROR_MEMORY, "no memory");
    } else if (!p->failed && !write_file(path.data, bytes, p->err)) {
        p->failed = true;
    } else {
        buffer_append(line, STR("  in "));
        buffer_append_printable(line, str_from(path.data), true);
    }
    buffer_clear(&path);
}

/* "image  image/png  1.2 kB" */
static void
put_binary(struct printing *p, const char *what, struct str type, struct str letters)
{
    struct buffer line  = {.max = KIB(16)};
    char         *bytes = malloc(BASE64_BYTES(letters.len));
    size_t        len   = 0;

    p->has_binary = true;
    buffer_append(&line, str_from(what));
    if (type.len > 0)
        buffer_append(&line, STR("  "));
    buffer_append_printable(&line, str_take(type, 200), true);
    buffer_append(&line, STR("  "));
    if (bytes == NULL)
        buffer_append(&line, STR("no memory for it"));
    else if (!base64_read(BASE64, letters, bytes, &len))
        buffer_append(&line, STR("broken: its data is no base64"));
    else {
        format_bytes(&line, len);
        if (p->style->file != NULL)
            keep(p, str_of(bytes, len), &line);
        else if (p->style->is_terminal)
            buffer_append(&line, STR("  (--output FILE writes it)"));
    }
    put_line(p, buffer_str(&line));
    buffer_clear(&line);
    free(bytes);
}

/* What is read, or stands within a message: {uri, mimeType?, text | blob}. `is_alone`: its text needs no head. */
static void
put_resource(struct printing *p, yyjson_val *resource, bool is_alone)
{
    struct str    uri = json_str_in(resource, "uri"), type = json_str_in(resource, "mimeType");
    struct buffer line = {.max = KIB(16)};

    buffer_append_printable(&line, str_take(uri, KIB(2)), true);
    if (yyjson_obj_get(resource, "blob") != NULL) {
        char name[600];
        snprintf(name, sizeof name, "%.*s", STR_ARG(str_take(buffer_str(&line), 500)));
        put_binary(p, name, type, json_str_in(resource, "blob"));
    } else {
        if (type.len > 0)
            buffer_append(&line, STR("  "));
        buffer_append_printable(&line, str_take(type, 200), true);
        if (!is_alone)
            put_line(p, buffer_str(&line));
        put_text(p, json_str_in(resource, "text"));
    }
    buffer_clear(&line);
}

static void
put_link(struct printing *p, yyjson_val *link)
{
    struct buffer line = {.max = KIB(16)};
    yyjson_val   *size = yyjson_obj_get(link, "size");

    buffer_append(&line, STR("→ "));
    buffer_append_printable(&line, str_take(json_str_in(link, "uri"), KIB(2)), true);
    buffer_append(&line, STR("  "));
    buffer_append_printable(&line, str_take(json_str_in(link, "name"), 200), true);
    if (json_str_in(link, "mimeType").len > 0)
        buffer_append(&line, STR("  "));
    buffer_append_printable(&line, str_take(json_str_in(link, "mimeType"), 200), true);
    if (yyjson_is_uint(size)) {
        buffer_append(&line, STR("  "));
        format_bytes(&line, yyjson_get_uint(size));
    }
    buffer_append_char(&line, '\n');
    buffer_append(p->out, buffer_str(&line));
    buffer_clear(&line);
}

/* What is of no kind we know is shown as it came. */
static void
put_json(struct printing *p, yyjson_val *value)
{
    struct buffer text = {.max = MIB(256)};

    if (result_print_json(value, true, &text))
        put_text(p, buffer_str(&text));
    buffer_clear(&text);
}

static void
put_block(struct printing *p, yyjson_val *block)
{
    struct str type = json_str_in(block, "type");

    if (str_eq(type, STR("text")))
        put_text(p, json_str_in(block, "text"));
    else if (str_eq(type, STR("image")) || str_eq(type, STR("audio")))
        put_binary(p, type.data, json_str_in(block, "mimeType"), json_str_in(block, "data"));
    else if (str_eq(type, STR("resource")))
        put_resource(p, yyjson_obj_get(block, "resource"), false);
    else if (str_eq(type, STR("resource_link")))
        put_link(p, block);
    else
        put_json(p, block);
}

/* Whether a block only says in JSON what is there in JSON anyway. */
static bool
repeats(yyjson_val *block, yyjson_val *structured)
{
    struct str  text   = json_str_in(block, "text");
    yyjson_doc *parsed = structured == NULL || text.len == 0 ? NULL : yyjson_read(text.data, text.len, 0);
    bool        same   = parsed != NULL && yyjson_equals(yyjson_doc_get_root(parsed), structured);

    yyjson_doc_free(parsed);
    return same;
}

static void
put_tool_result(struct printing *p, yyjson_val *result)
{
    yyjson_val *structured = yyjson_obj_get(result, "structuredContent"), *block;
    size_t      i, count;

    p->is_error = result_is_error(result);
    if (p->is_error && p->style->is_terminal)
        style_append(p->out, p->style->colour, STYLE_RED, STR("✗ "));
    yyjson_arr_foreach(yyjson_obj_get(result, "content"), i, count, block)
    {
        if (!repeats(block, structured))
            put_block(p, block);
    }
    if (structured != NULL)
        put_json(p, structured);
}

static void
put_messages(struct printing *p, yyjson_val *result)
{
    yyjson_val *message, *block;
    size_t      i, count, k, blocks;

    if (json_str_in(result, "description").len > 0) {
        struct buffer line = {.max = KIB(16)};
        buffer_append_printable(&line, str_take(json_str_in(result, "description"), KIB(4)), true);
        put_line(p, buffer_str(&line));
        buffer_clear(&line);
    }
    yyjson_arr_foreach(yyjson_obj_get(result, "messages"), i, count, message)
    {
        yyjson_val   *content = yyjson_obj_get(message, "content");
        struct buffer role    = {.max = KIB(1)};
        buffer_append_printable(&role, str_take(json_str_in(message, "role"), 40), true);
        buffer_append(p->out, i == 0 ? STR("") : STR("\n"));
        style_append(p->out, p->style->colour, STYLE_BOLD, buffer_str(&role));
        buffer_append(p->out, STR(":\n"));
        buffer_clear(&role);
        if (!yyjson_is_arr(content))
            put_block(p, content);
        yyjson_arr_foreach(content, k, blocks, block)
        {
            put_block(p, block);
        }
    }
}

/* A task was made of the call: its result comes later. */
static void
put_task(struct printing *p, yyjson_val *result)
{
    struct buffer line = {.max = KIB(4)};
    yyjson_val   *task = yyjson_obj_get(result, "task");

    if (task == NULL)
        task = result;
    buffer_append(&line, STR("task "));
    buffer_append_printable(&line, str_take(json_str_in(task, "taskId"), 300), true);
    buffer_append(&line, STR("  "));
    buffer_append_printable(&line, str_take(json_str_in(task, "status"), 100), true);
    buffer_append(&line, STR("  "));
    buffer_append_printable(&line, str_take(json_str_in(task, "statusMessage"), 1000), true);
    put_text(p, str_trim(buffer_str(&line)));
    buffer_clear(&line);
}

bool
result_print(const struct result_style *style, yyjson_val *result, struct buffer *out, struct error *err)
{
    struct printing p        = {.style = style, .out = out, .text = {.max = MIB(256)}, .err = err};
    yyjson_val     *contents = yyjson_obj_get(result, "contents"), *each;
    size_t          i, count, before = buffer_len(out);

    if (yyjson_is_arr(contents)) {
        yyjson_arr_foreach(contents, i, count, each)
        {
            put_resource(&p, each, count == 1);
        }
    } else if (yyjson_is_arr(yyjson_obj_get(result, "messages"))) {
        put_messages(&p, result);
    } else if (yyjson_is_arr(yyjson_obj_get(result, "content")) ||
               yyjson_obj_get(result, "structuredContent") != NULL) {
        put_tool_result(&p, result);
    } else if (json_str_in(result, "taskId").len > 0 || yyjson_obj_get(result, "task") != NULL) {
        put_task(&p, result);
    } else if (yyjson_obj_get(result, "completion") != NULL) {
        yyjson_arr_foreach(yyjson_obj_get(yyjson_obj_get(result, "completion"), "values"), i, count, each)
        {
            put_text(&p, json_str(each));
        }
    } else {
        put_json(&p, result);
    }
    if (style->file != NULL && !p.has_binary && !p.failed) { /* its text instead, which then is not printed */
        struct buffer line = {.max = KIB(16)};
        out->end -= buffer_len(out) - before;
        buffer_append(&line, STR("text  "));
        format_bytes(&line, buffer_len(&p.text));
        keep(&p, buffer_str(&p.text), &line);
        put_line(&p, buffer_str(&line));
        buffer_clear(&line);
    }
    buffer_clear(&p.text);
    return !p.failed;
}
