/* Prompts, and the completion of their arguments. */
#include "media.h"
#include "tables.h"

static void
simple(struct request *r)
{
    request_say(r, "This is a simple prompt for testing.");
    request_finish(r);
}

static void
with_arguments(struct request *r)
{
    request_say(r, "Prompt with arguments: arg1='%.*s', arg2='%.*s'", STR_ARG(request_string(r, "arg1")),
                STR_ARG(request_string(r, "arg2")));
    request_finish(r);
}

static void
with_resource(struct request *r)
{
    request_add_resource_text(r, request_string(r, "resourceUri"), "text/plain",
                              STR("Embedded resource content for testing."));
    request_say(r, "Please process the embedded resource above.");
    request_finish(r);
}

static void
with_image(struct request *r)
{
    request_add_image(r, media_picture(), "image/png");
    request_say(r, "Please analyze the image above.");
    request_finish(r);
}

static void
that_asks(struct request *r)
{
    static const char form[] =
        JSON({"type":"object","properties":{"context":{"type":"string"}},"required":["context"]});
    yyjson_val *answer = request_elicit(r, "user_context", "What context should the prompt use?", form);

    if (answer == NULL)
        return;
    request_say(r, "Use this context: %.*s", STR_ARG(elicitation_string(answer, "context")));
    request_finish(r);
}

/* Of a few words those that begin as what was typed. */
static void
complete_word(struct request *r)
{
    static const char *const words[] = {"test", "testing", "text", "value"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_starts(str_from(words[i]), request_value(r)))
            request_add_value(r, str_from(words[i]));
    }
    request_finish(r);
}

static const struct argument two_arguments[] = {
    {.name = "arg1", .description = "First test argument", .is_required = true, .complete = complete_word},
    {.name = "arg2", .description = "Second test argument", .is_required = true, .complete = complete_word},
    {0},
};

static const struct argument uri_argument[] = {
    {.name = "resourceUri", .description = "URI of the resource to embed", .is_required = true},
    {0},
};

/* clang-format off */
const struct prompt test_prompts[] = {
    {.name = "test_simple_prompt", .get = simple, .description = "A message and nothing else."},
    {.name = "test_prompt_with_arguments", .get = with_arguments, .arguments = two_arguments,
     .description = "Says its arguments."},
    {.name = "test_prompt_with_embedded_resource", .get = with_resource, .arguments = uri_argument,
     .description = "Has a resource inside."},
    {.name = "test_prompt_with_image", .get = with_image, .description = "Has an image inside."},
    {.name = "test_input_required_result_prompt", .get = that_asks, .description = "Asks the person before it answers."},
    {0},
};
/* clang-format on */
