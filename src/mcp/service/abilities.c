/* What a client can, as it says it itself. */
#include "mcp/service/parts.h"

unsigned
abilities_read(yyjson_val *capabilities, enum revision revision)
{
    yyjson_val *elicits   = json_member(capabilities, "elicitation");
    yyjson_val *samples   = json_member(capabilities, "sampling");
    unsigned    abilities = 0;

    if (elicits != NULL && revision >= SINCE_ELICITATION) {
        bool has_url = json_member(elicits, "url") != NULL;
        if (json_member(elicits, "form") != NULL || !has_url) /* an empty object means forms */
            abilities |= CLIENT_ELICITS;
        if (has_url && revision >= SINCE_URLS)
            abilities |= CLIENT_ELICITS_URL;
    }
    if (samples != NULL)
        abilities |= CLIENT_SAMPLES;
    if (json_member(samples, "tools") != NULL && revision >= SINCE_TOOL_SAMPLING)
        abilities |= CLIENT_SAMPLES_TOOLS;
    if (json_member(capabilities, "roots") != NULL)
        abilities |= CLIENT_HAS_ROOTS;
    if (revision >= SINCE_MODERN && json_member(json_member(capabilities, "extensions"), TASKS_EXTENSION) != NULL)
        abilities |= CLIENT_FOLLOWS_TASKS;
    return abilities;
}

yyjson_mut_val *
abilities_describe(yyjson_mut_doc *doc, unsigned abilities)
{
    yyjson_mut_val *all = yyjson_mut_obj(doc);

    if (abilities & (CLIENT_ELICITS | CLIENT_ELICITS_URL)) {
        yyjson_mut_val *elicits = yyjson_mut_obj_add_obj(doc, all, "elicitation");
        if (abilities & CLIENT_ELICITS)
            yyjson_mut_obj_add_obj(doc, elicits, "form");
        if (abilities & CLIENT_ELICITS_URL)
            yyjson_mut_obj_add_obj(doc, elicits, "url");
    }
    if (abilities & (CLIENT_SAMPLES | CLIENT_SAMPLES_TOOLS)) {
        yyjson_mut_val *samples = yyjson_mut_obj_add_obj(doc, all, "sampling");
        if (abilities & CLIENT_SAMPLES_TOOLS)
            yyjson_mut_obj_add_obj(doc, samples, "tools");
    }
    if (abilities & CLIENT_HAS_ROOTS)
        yyjson_mut_obj_add_obj(doc, all, "roots");
    if (abilities & CLIENT_FOLLOWS_TASKS)
        yyjson_mut_obj_add_obj(doc, yyjson_mut_obj_add_obj(doc, all, "extensions"), TASKS_EXTENSION);
    return all;
}

static const char *
words_of(unsigned missing)
{
    return missing & CLIENT_ELICITS         ? "ask its user (elicitation)"
           : missing & CLIENT_ELICITS_URL   ? "ask its user to open a page (elicitation by URL)"
           : missing & CLIENT_SAMPLES       ? "ask its model (sampling)"
           : missing & CLIENT_SAMPLES_TOOLS ? "ask its model to use tools (sampling.tools)"
           : missing & CLIENT_HAS_ROOTS     ? "name its roots"
                                            : "follow tasks (" TASKS_EXTENSION ")";
}

bool
abilities_demand(struct request *r, unsigned abilities)
{
    unsigned missing = abilities & ~r->abilities;

    if (missing == 0 || (r->service->parts.asks_anyway && !is_modern(r)))
        return true;
    if (is_modern(r) && r->task == NULL) {
        yyjson_mut_val *data = yyjson_mut_obj(r->doc);
        yyjson_mut_obj_add_val(r->doc, data, "requiredCapabilities", abilities_describe(r->doc, missing));
        request_answer_error(r, RPC_ABILITY_MISSING, STR("Missing required client capability"), data);
    } else {
        request_fail(r, "This needs a client that can %s", words_of(missing));
    }
    return false;
}
