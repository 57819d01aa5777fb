/* bench/echo_service.c: the tool of echo_http as a service on our toolkit: what the toolkit itself costs.
 *
 * Beside it, in the same run, stands driver/sdk_server.ts: the same tool on the official SDK. */
#include "serve.h"

static void
echo(struct request *r)
{
    request_add_text(r, request_string(r, "text"));
    request_finish(r);
}

static const struct tool tools[] = {
    {.name        = "echo",
     .description = "Gives the text back.",
     .call        = echo,
     .hints       = TOOL_READS | TOOL_INSIDE,
     .input       = JSON({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]})}, {0},
};
static const struct service_table table = {.name = "echo", .version = "1.0.0", .tools = tools};

int
main(int argc, char **argv)
{
    return serve(argc, argv, &table);
}
