/* Resources, two that are fixed, one to watch, and a template. */
#include <stdio.h>
#include <stdlib.h>

#include "media.h"
#include "tables.h"

static void
static_text(struct request *r)
{
    request_add_resource_text(r, request_uri(r), "text/plain", STR("This is the content of the static text resource."));
    request_finish(r);
}

static void
static_binary(struct request *r)
{
    request_add_resource_blob(r, request_uri(r), "image/png", media_picture());
    request_finish(r);
}

static void
watched(struct request *r)
{
    request_add_resource_text(r, request_uri(r), "text/plain", STR("Watched resource content"));
    request_finish(r);
}

static void
of_template(struct request *r)
{
    yyjson_mut_doc *doc  = request_doc(r);
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    struct str      id   = request_variable(r, "id");
    char           *text = NULL, *words = request_alloc(r, id.len + 32);
    size_t          len = 0;

    if (words != NULL) {
        snprintf(words, id.len + 32, "Data for ID: %.*s", STR_ARG(id));
        yyjson_mut_obj_add_strn(doc, data, "id", id.data, id.len);
        yyjson_mut_obj_add_bool(doc, data, "templateTest", true);
        yyjson_mut_obj_add_str(doc, data, "data", words);
        text = yyjson_mut_val_write(data, 0, &len);
    }
    if (text == NULL) {
        request_fail(r, "No memory.");
        return;
    }
    request_add_resource_text(r, request_uri(r), "application/json", str_of(text, len));
    free(text);
    request_finish(r);
}

static void
complete_id(struct request *r)
{
    request_add_value(r, STR("123"));
    request_add_value(r, STR("456"));
    request_finish(r);
}

/* clang-format off */
const struct resource test_resources[] = {
    {.uri = "test://static-text", .name = "static-text", .title = "Static text", .mime_type = "text/plain",
     .description = "A text that never changes.", .read = static_text},
    {.uri = "test://static-binary", .name = "static-binary", .title = "Static binary", .mime_type = "image/png",
     .description = "A picture of one pixel.", .read = static_binary},
    {.uri = "test://watched-resource", .name = "watched-resource", .title = "Watched", .mime_type = "text/plain",
     .description = "A resource to subscribe to.", .read = watched},
    {0},
};
/* clang-format on */

static const struct argument variables[] = {
    {.name = "id", .description = "Which one.", .complete = complete_id},
    {0},
};

/* clang-format off */
const struct resource_template test_templates[] = {
    {.uri_template = "test://template/{id}/data", .name = "template", .title = "Data by id",
     .mime_type = "application/json", .description = "The data of an id.", .read = of_template, .variables = variables},
    {0},
};
/* clang-format on */
