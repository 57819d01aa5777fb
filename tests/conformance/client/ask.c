/* One request after the other, and what the server asks meanwhile. */
#include <stdio.h>
#include <stdlib.h>

#include "mcp/json.h"
#include "visit.h"

struct errand {
    struct list     node; /* on visit->errands; in no list while it runs */
    struct visit   *visit;
    const char     *method;
    yyjson_mut_doc *params;
    errand_done    *done;
};

static void
errand_free(struct errand *e)
{
    list_remove(&e->node);
    yyjson_mut_doc_free(e->params);
    free(e);
}

void
visit_ask(struct visit *v, const char *method, yyjson_mut_doc *params, errand_done *done)
{
    struct errand *e = calloc(1, sizeof *e);

    if (e == NULL || params == NULL)
        abort();
    *e = (struct errand){.visit = v, .method = method, .params = params, .done = done};
    list_append(&v->errands, &e->node);
}

/* All defaults, or else what the form allows. */
static yyjson_mut_val *
answer_form(yyjson_mut_doc *doc, yyjson_val *params)
{
    yyjson_val     *form   = yyjson_obj_get(params, "requestedSchema");
    yyjson_mut_val *result = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_str(doc, result, "action", "accept");
    if (form != NULL)
        yyjson_mut_obj_add_val(doc, result, "content", fill_object(doc, form, 0));
    return result;
}

static yyjson_mut_val *
answer_sampling(yyjson_mut_doc *doc)
{
    yyjson_mut_val *result = yyjson_mut_obj(doc), *content = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_str(doc, content, "type", "text");
    yyjson_mut_obj_add_str(doc, content, "text", "an answer");
    yyjson_mut_obj_add_str(doc, result, "role", "assistant");
    yyjson_mut_obj_add_val(doc, result, "content", content);
    yyjson_mut_obj_add_str(doc, result, "model", "none");
    yyjson_mut_obj_add_str(doc, result, "stopReason", "endTurn");
    return result;
}

static yyjson_mut_val *
answer_roots(yyjson_mut_doc *doc)
{
    yyjson_mut_val *result = yyjson_mut_obj(doc);

    yyjson_mut_obj_add_arr(doc, result, "roots");
    return result;
}

void
visit_answer(struct question_in *q)
{
    yyjson_mut_doc *doc    = yyjson_mut_doc_new(NULL);
    struct str      method = question_method(q);

    printf("asked %.*s\n", STR_ARG(method));
    if (str_eq(method, STR("elicitation/create")))
        yyjson_mut_doc_set_root(doc, answer_form(doc, question_params(q)));
    else if (str_eq(method, STR("sampling/createMessage")))
        yyjson_mut_doc_set_root(doc, answer_sampling(doc));
    else if (str_eq(method, STR("roots/list")))
        yyjson_mut_doc_set_root(doc, answer_roots(doc));
    yyjson_doc *result = yyjson_mut_doc_imut_copy(doc, NULL);
    if (result != NULL)
        question_answer(q, yyjson_doc_get_root(result));
    else
        question_refuse(q, -32601, "no such method here");
    yyjson_doc_free(result);
    yyjson_mut_doc_free(doc);
}

static void
on_question(void *owner, struct client_call *call, struct question_in *q)
{
    (void)owner, (void)call;
    visit_answer(q);
}

static void
on_result(void *owner, struct client_call *call, yyjson_val *result)
{
    struct errand *e = owner;
    struct visit  *v = e->visit;

    (void)call;
    printf("%s: a result\n", e->method);
    e->done(v, result);
    errand_free(e);
    visit_go_on(v);
}

static void
on_error(void *owner, struct client_call *call, enum close_reason why, int code, struct str message, yyjson_val *data)
{
    struct errand *e = owner;
    struct visit  *v = e->visit;

    (void)call, (void)data;
    fprintf(stderr, "%s: error %d: %.*s\n", e->method, code, STR_ARG(message));
    v->has_failed |= why != CLOSE_ANSWERED;
    e->done(v, NULL);
    errand_free(e);
    visit_go_on(v);
}

void
visit_go_on(struct visit *v)
{
    static const struct call_events events = {.on_question = on_question, .on_result = on_result, .on_error = on_error};
    struct list                    *node   = list_first(&v->errands);
    struct error                    err    = {0};

    if (node == NULL || v->has_failed) {
        v->on_over(v);
        return;
    }
    struct errand *e = LIST_OF(struct errand, node, node);
    list_remove(&e->node);
    yyjson_doc *params = yyjson_mut_doc_imut_copy(e->params, NULL);
    if (client_call(
            v->client,
            &(struct client_request){.method = str_from(e->method), .params = yyjson_doc_get_root(params), .level = -1},
            &events, e, &err) == NULL) {
        fprintf(stderr, "%s: %s\n", e->method, err.text);
        errand_free(e);
        v->has_failed = true;
        v->on_over(v);
    }
    yyjson_doc_free(params);
}

void
visit_clear(struct visit *v)
{
    for (struct list *node; (node = list_first(&v->errands)) != NULL;)
        errand_free(LIST_OF(struct errand, node, node));
    yyjson_doc_free(v->first_schema);
    yyjson_doc_free(v->skill);
    yyjson_doc_free(v->context);
}
