#include "base/format.h"
#include "cli/logs/logs.h"
#include "mcp/json.h"

#include <yyjson.h>

#include "base/log.h"

/* clang-format off */
static const struct grid_column columns[] = {
    {"TIME"},
    {"SERVER",  .shorten = SHORTEN_END, .least = 6},
    {"CLIENT",  .drop = 3, .shorten = SHORTEN_END, .least = 8},
    {"METHOD",  .shorten = SHORTEN_MIDDLE, .least = 10},
    {"TARGET",  .shorten = SHORTEN_MIDDLE, .least = 8},
    {"TOOK",    .right = true},
    {"TOKENS",  .right = true, .drop = 4},
    {"ID"},
    {"",        .drop = 1, .shorten = SHORTEN_END, .least = 12},
};
/* clang-format on */

enum { COLUMNS = sizeof columns / sizeof *columns };

#define SLOW SECONDS(1)

void
logs_begin_rows(struct logs *l)
{
    grid_init(&l->grid, columns, COLUMNS, l->cli->columns, l->cli->colour);
    l->tail = ID_DIGITS;
}

bool
exchange_failed(const struct exchange_view *x)
{
    return x->outcome != OUTCOME_OK && x->outcome != OUTCOME_OPEN;
}

/* ---- what a server said went wrong ---- */

static struct str
text_member(yyjson_val *object, const char *key)
{
    yyjson_val *value = yyjson_obj_get(object, key);

    return json_str(value);
}

static bool
take_failure(const struct message_view *m, void *arg)
{
    struct buffer *out = arg;
    struct str     said;

    if (m->from != FROM_SERVER || m->text.len > MIB(1))
        return true;
    yyjson_doc *doc    = yyjson_read(m->text.data, m->text.len, 0);
    yyjson_val *root   = yyjson_doc_get_root(doc);
    yyjson_val *result = yyjson_obj_get(root, "result");

    said = text_member(yyjson_obj_get(root, "error"), "message");
    if (said.len == 0 && yyjson_is_true(yyjson_obj_get(result, "isError")))
        said = text_member(yyjson_arr_get_first(yyjson_obj_get(result, "content")), "text");
    if (said.len > 0) {
        buffer_reset(out);
        buffer_append(out, str_take(said, ERROR_TEXT_MAX));
    }
    yyjson_doc_free(doc);
    return true;
}

void
failure_text(struct reader *r, const struct exchange_view *x, struct buffer *out)
{
    buffer_reset(out);
    reader_messages(r, x->id, take_failure, out, NULL);
    if (buffer_len(out) == 0)
        buffer_append(out, str_from(outcome_name(x->outcome)));
}

/* ---- a row ---- */

static void
add_part(struct logs *l, enum style style)
{
    grid_add(&l->grid, style, buffer_str(&l->part));
    buffer_reset(&l->part);
}

static void
add_method(struct logs *l, const struct exchange_view *x)
{
    struct str method = x->method;

    if (method.len == 0)
        method = x->kind == KIND_STREAM   ? STR("(stream)")
                 : x->kind == KIND_DELETE ? STR("(end of session)")
                                          : STR("(reply)");
    grid_add(&l->grid, x->kind == KIND_REQUEST ? STYLE_PLAIN : STYLE_DIM, method);
}

static void
add_took(struct logs *l, const struct exchange_view *x)
{
    if (x->outcome == OUTCOME_OPEN)
        buffer_append(&l->part, STR("open"));
    else if (x->kind == KIND_REQUEST || x->kind == KIND_STREAM)
        format_took(&l->part, x->duration_us);
    else
        buffer_append_char(&l->part, '-');
    add_part(l, x->duration_us >= SLOW && x->kind == KIND_REQUEST ? STYLE_YELLOW : STYLE_PLAIN);
    if (x->kind == KIND_REQUEST)
        buffer_printf(&l->part, "%llu → %llu", (unsigned long long)x->tokens_in, (unsigned long long)x->tokens_out);
    add_part(l, STYLE_DIM);
}

static void
add_end(struct logs *l, const struct exchange_view *x)
{
    char   id[ID_DIGITS + 1];
    size_t len = (size_t)snprintf(id, sizeof id, "%llu", (unsigned long long)x->id);

    grid_add(&l->grid, STYLE_DIM, str_from(len > l->tail ? id + len - l->tail : id));
    if (exchange_failed(x)) {
        struct buffer said = {.max = KIB(1)};
        failure_text(l->inner, x, &said);
        buffer_printf(&l->part, "✗ %.*s", STR_ARG(buffer_str(&said)));
        buffer_clear(&said);
        add_part(l, STYLE_RED);
    } else if (x->duration_us >= SLOW && x->kind == KIND_REQUEST && x->outcome == OUTCOME_OK) {
        grid_add(&l->grid, STYLE_YELLOW, STR("slow"));
    } else {
        grid_add(&l->grid, STYLE_PLAIN, STR_NONE);
    }
}

bool
logs_row(struct logs *l, const struct exchange_view *x)
{
    l->part.max = KIB(8);
    format_time(&l->part, x->at, l->now);
    add_part(l, STYLE_DIM);
    grid_add(&l->grid, STYLE_PLAIN, x->server);
    grid_add(&l->grid, STYLE_PLAIN, x->client);
    add_method(l, x);
    grid_add(&l->grid, STYLE_BOLD, x->target);
    add_took(l, x);
    add_end(l, x);
    return !l->grid.failed;
}

bool
logs_flush_rows(struct logs *l)
{
    return grid_print(&l->grid, &l->out) && cli_put(l->cli, &l->out);
}

/* ---- short ids ---- */

static int
compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

unsigned
id_tail_digits(const uint64_t *ids, size_t count, unsigned least)
{
    uint64_t *tails   = calloc(count + 1, sizeof *tails);
    uint64_t  modulus = 1;
    unsigned  digits  = 0;

    for (; digits < least; digits++)
        modulus *= 10;
    for (bool unique = false; tails != NULL && !unique && digits < 19; digits++, modulus *= 10) {
        for (size_t i = 0; i < count; i++)
            tails[i] = ids[i] % modulus;
        qsort(tails, count, sizeof *tails, compare);
        unique = true;
        for (size_t i = 1; i < count && unique; i++)
            unique = tails[i] != tails[i - 1];
        if (unique)
            break;
    }
    free(tails);
    return tails == NULL ? ID_DIGITS : digits;
}
