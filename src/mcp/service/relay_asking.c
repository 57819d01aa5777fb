/* What a relay's server asks of the client: an answer, or a refusal, is the relay's once. */
#include "mcp/service/relay.h"

#include "mcp/service/tasks.h"

static yyjson_val *
no_memory(const struct request *r)
{
    return yyjson_doc_get_root(r->service->relayed->no_memory);
}

yyjson_val *
refusal_new(struct request *r, int code, struct str words, yyjson_mut_val *data)
{
    yyjson_mut_val *error = yyjson_mut_obj(r->doc);
    bool            ok    = yyjson_mut_obj_add_int(r->doc, error, "code", code) &&
              yyjson_mut_obj_add_val(r->doc, error, "message", json_text(r->doc, words)) &&
              (data == NULL || yyjson_mut_obj_add_val(r->doc, error, "data", data));
    yyjson_val *fixed = ok ? json_fix(r, error) : NULL;

    return fixed == NULL ? no_memory(r) : fixed;
}

/* --- the questions that there are, in the words of the client's revision --- */

/* An id of its own had a page in 2025-11-25 only. */
static const char *
fit_page(const struct request *r, yyjson_mut_doc *doc, yyjson_mut_val *params)
{
    char id[TASK_ID_SIZE];

    if (is_modern(r)) {
        yyjson_mut_obj_remove_key(params, "elicitationId");
    } else if (!yyjson_mut_is_str(yyjson_mut_obj_get(params, "elicitationId"))) {
        yyjson_mut_obj_remove_key(params, "elicitationId");
        random_id(id);
        yyjson_mut_obj_add_strcpy(doc, params, "elicitationId", id);
    }
    return NULL;
}

static const char *
fit_elicitation(struct request *r, yyjson_mut_doc *doc, yyjson_mut_val *params)
{
    if (yyjson_mut_equals_str(yyjson_mut_obj_get(params, "mode"), "url"))
        return fit_page(r, doc, params);
    if (r->revision >= SINCE_URLS)
        return NULL;
    yyjson_mut_obj_remove_key(params, "mode");
    return form_make_older(doc, yyjson_mut_obj_get(params, "requestedSchema"))
               ? NULL
               : "This needs a client of 2025-11-25 or later: it asks for a choice of several";
}

/* Content was one block before 2025-11-25: several become messages of the same role, one behind the other. */
static void
split_message(struct request *r, yyjson_mut_doc *doc, yyjson_mut_val *into, yyjson_mut_val *message)
{
    yyjson_mut_val *content = yyjson_mut_obj_remove_key(message, "content"), *block;
    yyjson_mut_val *one     = yyjson_mut_is_arr(content) ? yyjson_mut_arr_get_first(content) : content;
    size_t          count   = yyjson_mut_is_arr(content) ? yyjson_mut_arr_size(content) : 1;

    for (size_t i = 0; one != NULL && i < count; i++) {
        yyjson_mut_val *next  = one->next;
        yyjson_mut_val *alone = yyjson_mut_val_mut_copy(doc, message);
        block                 = block_stand_in(r, one);
        yyjson_mut_obj_add_val(doc, alone, "content", block == NULL ? one : block);
        yyjson_mut_arr_append(into, alone);
        one = next;
    }
}

static const char *
fit_sample(struct request *r, yyjson_mut_doc *doc, yyjson_mut_val *params)
{
    yyjson_mut_val *messages = yyjson_mut_obj_get(params, "messages"), *fitting = yyjson_mut_arr(doc), *message;

    if (r->revision >= SINCE_TOOL_SAMPLING || !yyjson_mut_is_arr(messages))
        return NULL;
    while ((message = yyjson_mut_arr_remove_first(messages)) != NULL)
        split_message(r, doc, fitting, message);
    yyjson_mut_obj_remove_key(params, "messages");
    yyjson_mut_obj_add_val(doc, params, "messages", fitting);
    return NULL;
}

static unsigned
elicitation_needs(yyjson_val *params)
{
    return yyjson_equals_str(yyjson_obj_get(params, "mode"), "url") ? CLIENT_ELICITS_URL : CLIENT_ELICITS;
}

static unsigned
sample_needs(yyjson_val *params)
{
    bool has_tools = yyjson_obj_get(params, "tools") != NULL || yyjson_obj_get(params, "toolChoice") != NULL;

    return CLIENT_SAMPLES | (has_tools ? CLIENT_SAMPLES_TOOLS : 0U);
}

static unsigned
roots_need(yyjson_val *params)
{
    (void)params;
    return CLIENT_HAS_ROOTS;
}

static const struct kind {
    const char *method;
    unsigned (*needs)(yyjson_val *params); /* of enum client_ability */
    /* NULL, or why this revision cannot be asked so; may be NULL */
    const char *(*fit)(struct request *r, yyjson_mut_doc *doc, yyjson_mut_val *params);
} kinds[] = {
    {"elicitation/create", elicitation_needs, fit_elicitation},
    {"sampling/createMessage", sample_needs, fit_sample},
    {"roots/list", roots_need, NULL},
};

static const struct kind *
kind_of(struct str method)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_eq(method, str_from(kinds[i].method)))
            return &kinds[i];
    return NULL;
}

/* --- asking --- */

/* As a client that cannot is expected to say it; a modern one's request may be refused with it as it is. */
static yyjson_val *
refuse_inability(struct request *r, unsigned missing)
{
    yyjson_mut_val *data = yyjson_mut_obj(r->doc);

    if (!is_modern(r))
        return refusal_new(r, RPC_METHOD_NOT_FOUND, STR("The client does not support this"), NULL);
    yyjson_mut_obj_add_val(r->doc, data, "requiredCapabilities", abilities_describe(r->doc, missing));
    return refusal_new(r, RPC_ABILITY_MISSING, STR("Missing required client capability"), data);
}

/* As this client is asked it, of `doc`; or why it cannot be: `*refusal`, if that is wanted. NULL without one: no
 * memory.
 */
static yyjson_mut_val *
fit_question(struct request *r, yyjson_mut_doc *doc, const struct kind *kind, yyjson_val *params, yyjson_val **refusal)
{
    unsigned        missing = kind->needs(params) & ~r->abilities;
    yyjson_mut_val *copy;
    const char     *words = NULL;

    if (missing != 0) {
        if (refusal != NULL)
            *refusal = refuse_inability(r, missing);
        return NULL;
    }
    copy = yyjson_is_obj(params) ? yyjson_val_mut_copy(doc, params) : yyjson_mut_obj(doc);
    words_drop_envelope(copy);
    if (is_modern(r))
        words_drop_task(copy);
    if (copy != NULL && kind->fit != NULL)
        words = kind->fit(r, doc, copy);
    if (words != NULL && refusal != NULL)
        *refusal = refusal_new(r, RPC_INVALID_PARAMS, str_from(words), NULL);
    return words != NULL ? NULL : copy;
}

/* Why it cannot be asked, or NULL: it is due. */
static yyjson_val *
put_question(struct question *q, const struct kind *kind, yyjson_val *params)
{
    struct request *r       = q->request;
    yyjson_val     *refusal = NULL;
    yyjson_mut_val *fitting = fit_question(r, r->doc, kind, params, &refusal);

    if (refusal == NULL && is_modern(r) && (r->method == NULL || (r->method->traits & METHOD_ASKS) == 0))
        return refusal_new(r, RPC_METHOD_NOT_FOUND, STR("A client cannot be asked while it waits for this"), NULL);
    if (refusal == NULL)
        asking_set_due(q, fitting);
    return refusal;
}

/* Of a question that was answered under that key nothing is left. */
static struct question *
take_question(struct request *r, const char *key, const char *method)
{
    struct question *q = asking_find(r, key);

    if (q == NULL)
        return asking_new(r, key, method, NULL);
    if (q->is_taken) {
        r->question_count++;
        q->method   = method;
        q->answer   = NULL;
        q->refusal  = NULL;
        q->is_taken = false;
    }
    return q;
}

yyjson_val *
request_ask(struct request *r, const char *key, struct str method, yyjson_val *params, yyjson_val **refusal)
{
    const struct kind *kind = kind_of(method);
    struct question   *q;

    *refusal = NULL;
    if (asking_is_over(r))
        return NULL;
    if (kind == NULL) {
        *refusal = refusal_new(r, RPC_METHOD_NOT_FOUND, STR("Method not found"), NULL);
        return NULL;
    }
    q = take_question(r, key, kind->method);
    if (q == NULL) {
        *refusal = refusal_new(r, RPC_INTERNAL, STR("The client is asked too much at once"), NULL);
        return NULL;
    }
    if (q->answer == NULL && q->refusal == NULL && !q->is_due)
        q->refusal = put_question(q, kind, params);
    if (q->answer == NULL && q->refusal == NULL)
        return NULL;
    q->is_taken = true;
    q->is_due   = false;
    r->question_count--;
    *refusal = q->refusal;
    return q->answer;
}

/* --- of a task, which is asked in the answer to tasks/get --- */

yyjson_mut_val *
request_show_question(struct request *r, yyjson_mut_doc *doc, struct str method, yyjson_val *params,
                      yyjson_val **refusal)
{
    const struct kind *kind = kind_of(method);
    yyjson_mut_val    *one  = yyjson_mut_obj(doc), *fitting;

    if (refusal != NULL)
        *refusal = kind != NULL ? NULL : refusal_new(r, RPC_METHOD_NOT_FOUND, STR("Method not found"), NULL);
    fitting = kind == NULL ? NULL : fit_question(r, doc, kind, params, refusal);
    if (fitting != NULL && yyjson_mut_obj_add_str(doc, one, "method", kind->method) &&
        yyjson_mut_obj_add_val(doc, one, "params", fitting))
        return one;
    if (refusal != NULL && *refusal == NULL)
        *refusal = no_memory(r);
    return NULL;
}

bool
request_answer_fits(const struct request *r, struct str method, yyjson_val *result)
{
    const struct kind *kind = kind_of(method);

    return kind != NULL && answer_is_valid(r, &(struct question){.method = kind->method}, result);
}
