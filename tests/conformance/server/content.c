/* Results of every kind. Texts are those of the suite's own example server. */
#include "media.h"
#include "tables.h"

static void
simple_text(struct request *r)
{
    request_say(r, "This is a simple text response for testing.");
    request_finish(r);
}

static void
image(struct request *r)
{
    request_add_image(r, media_picture(), "image/png");
    request_finish(r);
}

static void
audio(struct request *r)
{
    request_add_audio(r, media_sound(), "audio/wav");
    request_finish(r);
}

static void
embedded_resource(struct request *r)
{
    request_add_resource_text(r, STR("test://embedded-resource"), "text/plain",
                              STR("This is an embedded resource content."));
    request_finish(r);
}

static void
several_kinds(struct request *r)
{
    request_say(r, "Multiple content types test:");
    request_add_image(r, media_picture(), "image/png");
    request_add_resource_text(r, STR("test://mixed-content-resource"), "application/json",
                              STR(JSON({"test":"data","value":123})));
    request_finish(r);
}

static void
error_handling(struct request *r)
{
    request_fail(r, "This tool intentionally returns an error for testing");
}

static void
progress_at_end(struct request *r)
{
    request_progress(r, 100, 100, "Completed step 100 of 100");
    request_say(r, "Done.");
    request_finish(r);
}

static void
progress_halfway(struct request *r)
{
    request_progress(r, 50, 100, "Completed step 50 of 100");
    request_after(r, MILLISECONDS(50), progress_at_end);
}

static void
progress(struct request *r)
{
    request_progress(r, 0, 100, "Completed step 0 of 100");
    request_after(r, MILLISECONDS(50), progress_halfway);
}

static void
log_at_end(struct request *r)
{
    request_log_text(r, "info", "Tool execution completed");
    request_say(r, "Tool with logging executed successfully.");
    request_finish(r);
}

static void
log_halfway(struct request *r)
{
    request_log_text(r, "info", "Tool processing data");
    request_after(r, MILLISECONDS(50), log_at_end);
}

static void
logging(struct request *r)
{
    request_log_text(r, "info", "Tool execution started");
    request_after(r, MILLISECONDS(50), log_halfway);
}

static void
log_once(struct request *r)
{
    request_log_text(r, "info", "Heard only by who asked for it");
    request_say(r, "Logged.");
    request_finish(r);
}

static void
answer_later(struct request *r)
{
    request_say(r, "The answer came after its stream had ended.");
    request_finish(r);
}

static void
reconnection(struct request *r)
{
    request_let_go(r, MILLISECONDS(500));
    request_after(r, MILLISECONDS(100), answer_later);
}

static void
contact(struct request *r)
{
    request_say(r, "The contact is valid.");
    request_finish(r);
}

static void
region(struct request *r)
{
    request_say(r, "Region: %.*s", STR_ARG(request_string(r, "region")));
    request_finish(r);
}

/* The suite compares what tools/list shows of it. */
static const char contact_input[] = JSON(
    {"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
     "$defs":{"address":{"$anchor":"addressDef","type":"object",
                         "properties":{"street":{"type":"string"},"city":{"type":"string"}}}},
     "properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},
                   "contactMethod":{"type":"string","enum":["phone","email"]},
                   "phone":{"type":"string"},"email":{"type":"string"}},
     "allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],
     "if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},
     "then":{"required":["phone"]},"else":{"required":["email"]},"additionalProperties":false});

static const char region_input[] =
    JSON({"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}});

/* clang-format off */
/* The first must need nothing: the suite calls whatever stands there. */
const struct tool content_tools[] = {
    {.name = "test_simple_text", .call = simple_text, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Answers with a text."},
    {.name = "test_image_content", .call = image, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Answers with an image."},
    {.name = "test_audio_content", .call = audio, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Answers with a sound."},
    {.name = "test_embedded_resource", .call = embedded_resource, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Answers with a resource inside."},
    {.name = "test_multiple_content_types", .call = several_kinds, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Answers with a text, an image and a resource."},
    {.name = "test_error_handling", .call = error_handling, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Always fails."},
    {.name = "test_tool_with_progress", .call = progress, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Says three times how far it is."},
    {.name = "test_tool_with_logging", .call = logging, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Logs three times."},
    {.name = "test_logging_tool", .call = log_once, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Logs once."},
    {.name = "test_reconnection", .call = reconnection, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Lets go of the stream of its answer before it answers."},
    {.name = "json_schema_2020_12_tool", .call = contact, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Takes arguments that only JSON Schema 2020-12 can describe.", .input = contact_input},
    {.name = "test_x_mcp_header", .call = region, .hints = TOOL_READS | TOOL_INSIDE,
     .description = "Takes an argument that is also a header.", .input = region_input},
    {0},
};
/* clang-format on */
