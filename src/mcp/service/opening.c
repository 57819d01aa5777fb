/* Who we are and what we can: initialize, server/discover, and what a legacy session sets. */
#include "mcp/service/parts.h"

static void
put_capability(struct request *r, yyjson_mut_val *into, enum feature feature, const char *name, enum feature changes)
{
    unsigned features = r->service->features;

    if ((features & feature) == 0)
        return;
    yyjson_mut_val *capability = yyjson_mut_obj_add_obj(r->doc, into, name);
    if (feature == FEATURE_RESOURCES && (features & FEATURE_SUBSCRIPTIONS) != 0)
        yyjson_mut_obj_add_bool(r->doc, capability, "subscribe", true);
    if ((features & changes) != 0)
        yyjson_mut_obj_add_bool(r->doc, capability, "listChanged", true);
}

static void
put_capabilities(struct request *r, yyjson_mut_val *result)
{
    yyjson_mut_val *into = yyjson_mut_obj_add_obj(r->doc, result, "capabilities");

    if (r->service->relayed != NULL) {
        relay_put_capabilities(r, into);
        return;
    }
    put_capability(r, into, FEATURE_TOOLS, "tools", FEATURE_TOOLS_CHANGE);
    put_capability(r, into, FEATURE_RESOURCES, "resources", FEATURE_RESOURCES_CHANGE);
    put_capability(r, into, FEATURE_PROMPTS, "prompts", FEATURE_PROMPTS_CHANGE);
    put_capability(r, into, FEATURE_LOGS, "logging", 0);
    if (r->revision >= SINCE_COMPLETIONS)
        put_capability(r, into, FEATURE_COMPLETIONS, "completions", 0);
    if (is_modern(r) && (r->service->features & FEATURE_TASKS) != 0)
        yyjson_mut_obj_add_obj(r->doc, yyjson_mut_obj_add_obj(r->doc, into, "extensions"), TASKS_EXTENSION);
}

static void
put_instructions(struct request *r, yyjson_mut_val *result)
{
    struct str relayed = relay_instructions(r->service);

    if (relayed.data != NULL)
        yyjson_mut_obj_add_val(r->doc, result, "instructions", json_text(r->doc, relayed));
    else
        json_put(r->doc, result, "instructions", r->service->table->instructions);
}

/* The client's, when we know it; else our newest of its era. MCP 2025-11-25 basic/lifecycle "Version Negotiation". */
static enum revision
negotiate(struct str wanted)
{
    for (int i = 0; i < SINCE_MODERN; i++)
        if (str_eq(wanted, str_from(revision_names[i])))
            return (enum revision)i;
    return REVISION_2025_11_25;
}

/* What the client says of itself. False: answered with an error. */
static bool
begin_session(struct request *r)
{
    struct service_session *session      = r->session;
    struct str              wanted       = json_str_in(r->params, "protocolVersion");
    yyjson_val             *capabilities = json_member(r->params, "capabilities");

    if (session->is_open || session->opener != NULL) {
        r->x->http_status = 400;
        request_answer_error(r, RPC_INVALID_REQUEST, STR("Already initialized"), NULL);
        return false;
    }
    if (wanted.data == NULL || capabilities == NULL || json_member(r->params, "clientInfo") == NULL) {
        request_refuse_params(r, "initialize needs protocolVersion, capabilities and clientInfo");
        return false;
    }
    session->revision  = negotiate(wanted);
    session->abilities = r->abilities = abilities_read(capabilities, session->revision);
    session->opener                   = r;
    session_keep_client(session, json_member(r->params, "clientInfo"));
    r->revision = session->revision;
    return r->service->relayed == NULL || session_keep_capabilities(r, capabilities);
}

static void
open_session(struct request *r)
{
    yyjson_mut_val *result = yyjson_mut_obj(r->doc);

    if (r->session != NULL) {
        r->session->is_open           = true;
        r->session->streams.is_primed = r->revision >= SINCE_POLLING;
    }
    yyjson_mut_obj_add_str(r->doc, result, "protocolVersion", revision_names[r->revision]);
    put_capabilities(r, result);
    if (r->service->relayed != NULL)
        yyjson_mut_obj_add_val(r->doc, result, "serverInfo", yyjson_mut_rawcpy(r->doc, r->service->identity));
    else
        describe_service(r->doc, yyjson_mut_obj_add_obj(r->doc, result, "serverInfo"), r->service->table, r->revision);
    put_instructions(r, result);
    request_answer(r, result);
}

void
serve_initialize(struct request *r)
{
    if (begin_session(r))
        open_session(r);
}

void
serve_initialize_when_known(struct request *r)
{
    if (begin_session(r))
        when_known(r, open_session);
}

void
serve_ping(struct request *r)
{
    request_answer(r, yyjson_mut_obj(r->doc));
}

void
serve_discover(struct request *r)
{
    yyjson_mut_val *result   = result_new(r, "complete");
    yyjson_mut_val *versions = yyjson_mut_obj_add_arr(r->doc, result, "supportedVersions");

    yyjson_mut_arr_add_str(r->doc, versions, revision_names[REVISION_2026_07_28]);
    put_capabilities(r, result);
    put_instructions(r, result);
    result_add_freshness(r, result);
    request_answer(r, result);
}

void
serve_set_level(struct request *r)
{
    int level = log_level_of(json_str_in(r->params, "level"));

    if (level < 0) {
        request_refuse_params(r, "Unknown log level");
        return;
    }
    r->session->level              = level;
    r->service->has_levels_changed = true;
    request_answer(r, yyjson_mut_obj(r->doc));
}
