/* What takes several rounds: written once, and answered by a legacy client while the call waits, by a modern one in
 * calls that follow. Keys of questions are compared where the suite names them: user_name, user_context. */
#include "tables.h"

static const char name_form[] =
    JSON({"type":"object","properties":{"name":{"type":"string","description":"Your name"}},"required":["name"]});
static const char ok_form[]    = JSON({"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]});
static const char color_form[] = JSON({"type":"object","properties":{"color":{"type":"string"}},"required":["color"]});

/* The n-th of the rounds goes along with the client. */
static void
keep_round(struct request *r, int64_t n)
{
    request_keep(r, "round", yyjson_mut_sint(request_doc(r), n));
}

static void
one_elicitation(struct request *r)
{
    yyjson_val *answer = request_elicit(r, "user_name", "What is your name?", name_form);

    if (answer == NULL)
        return;
    request_say(r, "Hello, %.*s!", STR_ARG(elicitation_string(answer, "name")));
    request_finish(r);
}

static void
one_sampling(struct request *r)
{
    yyjson_val *answer = request_sample(r, "capital", sampling_of(r, STR("What is the capital of France?")));

    if (answer == NULL)
        return;
    request_say(r, "%.*s", STR_ARG(sampling_text(answer)));
    request_finish(r);
}

static void
one_list_of_roots(struct request *r)
{
    yyjson_val *answer = request_roots(r, "client_roots");

    if (answer == NULL)
        return;
    request_say(r, "%zu roots", yyjson_arr_size(yyjson_obj_get(answer, "roots")));
    request_finish(r);
}

static void
with_state(struct request *r)
{
    yyjson_val *kept   = request_kept(r, "round");
    yyjson_val *answer = request_elicit(r, "confirm", "Please confirm", ok_form);

    if (answer == NULL) {
        keep_round(r, 1);
        return;
    }
    request_say(r, kept == NULL ? "confirmed" : "confirmed, state-ok");
    request_finish(r);
}

static void
three_questions(struct request *r)
{
    yyjson_val *name  = request_elicit(r, "user_name", "What is your name?", name_form);
    yyjson_val *hello = request_sample(r, "greeting", sampling_of(r, STR("Generate a greeting")));
    yyjson_val *roots = request_roots(r, "client_roots");

    if (name == NULL || hello == NULL || roots == NULL) {
        keep_round(r, 1);
        return;
    }
    request_say(r, "%.*s, %.*s: %zu roots", STR_ARG(sampling_text(hello)), STR_ARG(elicitation_string(name, "name")),
                yyjson_arr_size(yyjson_obj_get(roots, "roots")));
    request_finish(r);
}

static void
several_rounds(struct request *r)
{
    yyjson_val *name = request_elicit(r, "step1", "Step 1: What is your name?", name_form), *color = NULL;

    if (name != NULL)
        color = request_elicit(r, "step2", "Step 2: What is your favourite colour?", color_form);
    if (color == NULL) {
        keep_round(r, name == NULL ? 1 : 2);
        return;
    }
    request_say(r, "%.*s likes %.*s", STR_ARG(elicitation_string(name, "name")),
                STR_ARG(elicitation_string(color, "color")));
    request_finish(r);
}

/* Asks only what the client can answer. */
static void
as_far_as_it_can(struct request *r)
{
    bool        samples = request_can(r, CLIENT_SAMPLES), elicits = request_can(r, CLIENT_ELICITS);
    yyjson_val *model  = samples ? request_sample(r, "greeting", sampling_of(r, STR("Say hello"))) : NULL;
    yyjson_val *person = elicits ? request_elicit(r, "user_name", "What is your name?", name_form) : NULL;

    if ((samples && model == NULL) || (elicits && person == NULL))
        return;
    request_say(r, "Asked %s", samples && elicits ? "both" : samples ? "the model" : elicits ? "the person" : "nobody");
    request_finish(r);
}

static void
streaming_elicitation(struct request *r)
{
    request_progress(r, 1, 2, "Asking");
    one_elicitation(r);
}

/* A server of an older revision that does not look at what its client can finds out by asking (--asks-anyway). */
static void
needs_a_model(struct request *r)
{
    if (request_sample(r, "model", sampling_of(r, STR("Are you there?"))) == NULL)
        return;
    request_say(r, "This client has a model.");
    request_finish(r);
}

/* clang-format off */
#define RESULT "test_input_required_result_"

const struct tool rounds_tools[] = {
    {.name = RESULT "elicitation", .call = one_elicitation, .needs = CLIENT_ELICITS,
     .description = "Asks the person for a name."},
    {.name = RESULT "sampling", .call = one_sampling, .needs = CLIENT_SAMPLES,
     .description = "Asks the model for a capital."},
    {.name = RESULT "list_roots", .call = one_list_of_roots, .needs = CLIENT_HAS_ROOTS,
     .description = "Counts the client's roots."},
    {.name = RESULT "request_state", .call = with_state, .needs = CLIENT_ELICITS,
     .description = "Asks for a confirmation, and has a state go along."},
    {.name = RESULT "multiple_inputs", .call = three_questions,
     .needs = CLIENT_ELICITS | CLIENT_SAMPLES | CLIENT_HAS_ROOTS,
     .description = "Asks the person, the model and for the roots, at once."},
    {.name = RESULT "multi_round", .call = several_rounds, .needs = CLIENT_ELICITS,
     .description = "Asks twice, one after the other."},
    {.name = RESULT "tampered_state", .call = with_state, .needs = CLIENT_ELICITS,
     .description = "Asks for a confirmation, and has a state go along that nobody may change."},
    {.name = RESULT "capabilities", .call = as_far_as_it_can, .description = "Asks whoever the client has."},
    {.name = "test_missing_capability", .call = needs_a_model, .needs = CLIENT_SAMPLES,
     .description = "Is of no use to a client without a model."},
    {.name = "test_streaming_elicitation", .call = streaming_elicitation, .needs = CLIENT_ELICITS,
     .description = "Says how far it is, then asks the person for a name."},
    {0},
};
/* clang-format on */
