/* What a server says to `gatehouse call`, as JSON in the first line, and what a person types, a line each: a form is
 * filled in, arguments are made, all of it is shown. Whatever it is, nothing on a terminal is controlled by it, and
 * what is sent is JSON. */
#include <assert.h>
#include <stdlib.h>

#include "cli/call/arguments.h"
#include "cli/call/ask.h"
#include "cli/call/form.h"
#include "cli/call/list.h"
#include "cli/call/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_harmless(struct buffer *shown)
{
    struct str text = buffer_str(shown);

    assert(str_index(text, '\033') < 0 && str_index(text, '\r') < 0 && str_index(text, '\b') < 0);
    buffer_clear(shown);
}

static void
fill_in(yyjson_val *schema, struct str lines)
{
    struct buffer   shown = {.max = MIB(8)};
    yyjson_mut_doc *doc   = yyjson_mut_doc_new(NULL);
    struct form    *form  = form_new(schema, false, NULL);
    enum form_step  step  = FORM_MORE;
    struct str      line;

    for (int i = 0; i < 100 && form != NULL && step == FORM_MORE; i++) {
        form_ask(form, &shown);
        step = form_take(form, str_cut(&lines, '\n', &line) ? line : STR(""), &shown);
    }
    if (step == FORM_SEND) {
        char *json = yyjson_mut_val_write(form_content(form, doc), 0, NULL);
        assert(json != NULL);
        free(json);
    }
    form_free(form);
    yyjson_mut_doc_free(doc);
    check_harmless(&shown);
}

static void
make_arguments(yyjson_val *schema, struct str lines)
{
    struct call_pair pairs[8];
    struct call_line line = {.pairs = pairs};
    yyjson_mut_doc  *doc  = yyjson_mut_doc_new(NULL);
    struct error     err  = {0};
    struct str       word;

    while (line.count < 8 && str_cut(&lines, '\n', &word)) {
        ptrdiff_t equal = str_index(word, '=');
        if (equal > 0 && str_is_utf8(str_take(word, (size_t)equal)))
            pairs[line.count++] = (struct call_pair){.key    = str_take(word, (size_t)equal),
                                                     .text   = str_skip(word, (size_t)equal + 1),
                                                     .is_raw = equal > 1 && word.data[equal - 1] == ':'};
    }
    yyjson_mut_val *arguments = arguments_make(doc, &line, STR("tool"), schema, &err);
    char           *json      = arguments == NULL ? NULL : yyjson_mut_val_write(arguments, 0, NULL);
    assert((arguments == NULL) == (err.code != ERROR_NONE) && (arguments == NULL || json != NULL));
    free(json);
    yyjson_mut_doc_free(doc);
}

static void
show(yyjson_val *value)
{
    const struct result_style style = {.is_terminal = true};
    struct cli                cli   = {.columns = 80};
    struct buffer             shown = {.max = MIB(8)};

    result_print(&style, value, &shown, NULL);
    for (size_t i = 0; i < LIST_KINDS; i++)
        list_print(&cli, &list_kinds[i], yyjson_obj_get(value, list_kinds[i].key), &shown);
    ask_print_form("server", false, value, &shown);
    ask_print_url("server", false, value, &shown);
    ask_print_text("server", false, value, &shown);
    check_harmless(&shown);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str  rest = str_of((const char *)data, size), line;
    yyjson_doc *doc  = str_cut(&rest, '\n', &line) ? yyjson_read(line.data, line.len, YYJSON_READ_BIGNUM_AS_RAW) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);

    if (root != NULL) {
        fill_in(root, rest);
        make_arguments(root, rest);
        show(root);
    }
    yyjson_doc_free(doc);
    return 0;
}
