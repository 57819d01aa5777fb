/* Health for operators, and a word for whoever opens the address in a browser. */
#include "api/routes.h"

void
health_live(struct api_job *job)
{
    buffer_append(&job->body, STR("{\"status\":\"ok\"}\n"));
}

/* Ready: calls are taken and recorded. A gap in the record is said here, for it is never silent. */
void
health_ready(struct api_job *job)
{
    struct traffic_stats stats = {0};

    if (job->api->parts.traffic != NULL)
        traffic_stats(job->api->parts.traffic, &stats);
    bool is_ready = !stats.full && !stats.failing;
    buffer_printf(&job->body,
                  "{\"status\":\"%s\",\"recorded\":{\"captured\":%s,\"full\":%s,\"failing\":%s,\"lost\":%llu}}\n",
                  is_ready ? "ready" : "degraded", job->api->parts.traffic != NULL ? "true" : "false",
                  stats.full ? "true" : "false", stats.failing ? "true" : "false", (unsigned long long)stats.lost);
    if (!is_ready && traffic_refuses(job->api->parts.traffic))
        job->status = 503;
}

void
landing_page(struct api_job *job)
{
    buffer_printf(&job->body,
                  "Gatehouse %s\n\n"
                  "  /s/{name}/mcp   a registered MCP server\n"
                  "  /api/logs       what passed (Bearer token, in <home>/token)\n"
                  "  /gateway/mcp    Gatehouse's own MCP server (the same token)\n"
                  "  /healthz        whether it runs\n\n"
                  "In a terminal: gatehouse list, gatehouse logs\n",
                  GATEHOUSE_VERSION);
}
