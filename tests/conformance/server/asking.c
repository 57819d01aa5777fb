/* What is asked of a client, once, and said back. */
#include <stdio.h>
#include <stdlib.h>

#include "tables.h"

yyjson_mut_val *
sampling_of(struct request *r, struct str text)
{
    yyjson_mut_doc *doc      = request_doc(r);
    yyjson_mut_val *params   = yyjson_mut_obj(doc);
    yyjson_mut_val *messages = yyjson_mut_obj_add_arr(doc, params, "messages");
    yyjson_mut_val *message  = yyjson_mut_arr_add_obj(doc, messages);

    yyjson_mut_obj_add_str(doc, message, "role", "user");
    yyjson_mut_val *content = yyjson_mut_obj_add_obj(doc, message, "content");
    yyjson_mut_obj_add_str(doc, content, "type", "text");
    yyjson_mut_obj_add_strncpy(doc, content, "text", text.data == NULL ? "" : text.data, text.len);
    yyjson_mut_obj_add_int(doc, params, "maxTokens", 100);
    return params;
}

static struct str
string_in(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);

    return str_of(yyjson_get_str(value), yyjson_get_len(value));
}

struct str
sampling_text(yyjson_val *answer)
{
    yyjson_val *content = yyjson_obj_get(answer, "content");

    return string_in(yyjson_is_arr(content) ? yyjson_arr_get_first(content) : content, "text");
}

struct str
elicitation_string(yyjson_val *answer, const char *name)
{
    return answer == NULL ? STR_NONE : string_in(elicitation_content(answer), name);
}

static void
sampling(struct request *r)
{
    yyjson_val *answer = request_sample(r, "completion", sampling_of(r, request_string(r, "prompt")));

    if (answer == NULL)
        return;
    request_say(r, "LLM response: %.*s", STR_ARG(sampling_text(answer)));
    request_finish(r);
}

/* Says what was done with a form, and what was filled in. */
static void
say_form(struct request *r, yyjson_val *answer)
{
    yyjson_val *content = elicitation_content(answer);
    char       *text    = content == NULL ? NULL : yyjson_val_write(content, 0, NULL);

    request_say(r, "User response: action=%s, content=%s", yyjson_get_str(yyjson_obj_get(answer, "action")),
                text == NULL ? "{}" : text);
    free(text);
    request_finish(r);
}

static void
elicitation(struct request *r)
{
    static const char form[]  = JSON({"type":"object","required":["username"],
              "properties":{"username":{"type":"string","description":"User's response"},
                            "email":{"type":"string","description":"User's email address"}}});
    struct str        message = request_string(r, "message");
    char             *words   = request_alloc(r, message.len + 1);
    yyjson_val       *answer;

    if (words == NULL) {
        request_fail(r, "No memory.");
        return;
    }
    snprintf(words, message.len + 1, "%.*s", STR_ARG(message));
    answer = request_elicit(r, "user", words, form);
    if (answer != NULL)
        say_form(r, answer);
}

/* A default of every kind (SEP-1034). */
static void
elicitation_defaults(struct request *r)
{
    static const char form[] =
        JSON({"type":"object",
              "properties":{"name":{"type":"string","description":"User name","default":"John Doe"},
                            "age":{"type":"integer","description":"User age","default":30},
                            "score":{"type":"number","description":"User score","default":95.5},
                            "status":{"type":"string","description":"User status",
                                      "enum":["active","inactive","pending"],"default":"active"},
                            "verified":{"type":"boolean","description":"Verification status","default":true}}});
    yyjson_val *answer = request_elicit(r, "defaults", "Please review and update the form fields with defaults", form);

    if (answer != NULL)
        say_form(r, answer);
}

/* An enumeration of every form (SEP-1330). */
static void
elicitation_enums(struct request *r)
{
    static const char form[] = JSON({"type":"object",
              "properties":{
                  "untitledSingle":{"type":"string","enum":["option1","option2","option3"]},
                  "titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First Option"},
                                                           {"const":"value2","title":"Second Option"},
                                                           {"const":"value3","title":"Third Option"}]},
                  "legacyEnum":{"type":"string","enum":["opt1","opt2","opt3"],
                                "enumNames":["Option One","Option Two","Option Three"]},
                  "untitledMulti":{"type":"array","items":{"type":"string","enum":["option1","option2","option3"]}},
                  "titledMulti":{"type":"array","items":{"anyOf":[{"const":"value1","title":"First Choice"},
                                                                  {"const":"value2","title":"Second Choice"},
                                                                  {"const":"value3","title":"Third Choice"}]}}}});
    yyjson_val       *answer = request_elicit(r, "choices", "Please select options from the enum fields", form);

    if (answer != NULL)
        say_form(r, answer);
}

static void
elicitation_by_url(struct request *r)
{
    yyjson_val *answer =
        request_elicit_url(r, "consent", "Please give your consent on this page", "https://example.com/consent");

    if (answer == NULL)
        return;
    request_say(r, "User response: action=%s", yyjson_get_str(yyjson_obj_get(answer, "action")));
    request_finish(r);
}

static void
roots(struct request *r)
{
    yyjson_val *answer = request_roots(r, "roots"), *root;
    size_t      at, count;

    if (answer == NULL)
        return;
    yyjson_arr_foreach(yyjson_obj_get(answer, "roots"), at, count, root)
    {
        request_say(r, "%.*s", STR_ARG(string_in(root, "uri")));
    }
    request_say(r, "These are all roots.");
    request_finish(r);
}

/* A tool that is the model's to call: its answer names the call, and here it stays. */
static void
sampling_with_tools(struct request *r)
{
    yyjson_mut_doc *doc    = request_doc(r);
    yyjson_mut_val *params = sampling_of(r, request_string(r, "prompt"));
    yyjson_mut_val *tool   = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, params, "tools"));
    yyjson_mut_val *schema, *choice;
    yyjson_val     *answer;

    yyjson_mut_obj_add_str(doc, tool, "name", "get_weather");
    yyjson_mut_obj_add_str(doc, tool, "description", "The weather in a city.");
    schema = yyjson_mut_obj_add_obj(doc, tool, "inputSchema");
    yyjson_mut_obj_add_str(doc, schema, "type", "object");
    choice = yyjson_mut_obj_add_obj(doc, params, "toolChoice");
    yyjson_mut_obj_add_str(doc, choice, "mode", "auto");
    answer = request_sample(r, "completion", params);
    if (answer == NULL)
        return;
    request_say(r, "Stopped for: %.*s", STR_ARG(string_in(answer, "stopReason")));
    request_finish(r);
}

static const char prompt_input[] =
    JSON({"type":"object","required":["prompt"],"properties":{
    "prompt":{"type":"string","description":"The prompt to send to the LLM"}}});
static const char message_input[] =
    JSON({"type":"object","required":["message"],"properties":{
    "message":{"type":"string","description":"The message to show the user"}}});

/* clang-format off */
const struct tool asking_tools[] = {
    {.name = "test_sampling", .call = sampling, .input = prompt_input, .needs = CLIENT_SAMPLES,
     .description = "Asks the client's model."},
    {.name = "test_elicitation", .call = elicitation, .input = message_input, .needs = CLIENT_ELICITS,
     .description = "Asks the person for a name and an address."},
    {.name = "test_elicitation_sep1034_defaults", .call = elicitation_defaults, .needs = CLIENT_ELICITS,
     .description = "Asks with a form in which every kind of field has a default."},
    {.name = "test_elicitation_sep1330_enums", .call = elicitation_enums, .needs = CLIENT_ELICITS,
     .description = "Asks with a form in which every kind of choice stands."},
    {.name = "test_elicitation_url", .call = elicitation_by_url, .needs = CLIENT_ELICITS_URL,
     .description = "Sends the person to a page."},
    {.name = "test_roots", .call = roots, .needs = CLIENT_HAS_ROOTS,
     .description = "Asks for the client's roots."},
    {.name = "test_sampling_with_tools", .call = sampling_with_tools, .input = prompt_input, .needs = CLIENT_SAMPLES_TOOLS,
     .description = "Asks the client's model, which may call a tool."},
    {0},
};
/* clang-format on */
