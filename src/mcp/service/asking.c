/* What a handler asks of the client. What it asked is sent, or told, when it has returned; when all of it is answered
 * the handler is called again. */
#include "mcp/service/parts.h"

#include "mcp/service/tasks.h"

struct question *
asking_find(struct request *r, const char *key)
{
    LIST_EACH (struct question, q, &r->questions, node)
        if (strcmp(q->key, key) == 0)
            return q;
    return NULL;
}

struct question *
asking_new(struct request *r, const char *key, const char *method, const char *schema)
{
    struct str       kept = arena_str(r->arena, str_from(key));
    struct question *q    = r->question_count == QUESTIONS_MOST ? NULL : ARENA_NEW(r->arena, struct question);
    char            *name = arena_cstr(r->arena, kept);

    if (q == NULL || name == NULL)
        return NULL;
    *q = (struct question){.request = r, .key = name, .method = method, .schema = schema};
    list_append(&r->questions, &q->node);
    r->question_count++;
    yyjson_val *known = yyjson_obj_get(r->given, key);
    if (!answer_is_valid(r, q, known))
        known = yyjson_obj_get(r->known, key);
    if (answer_is_valid(r, q, known))
        q->answer = known;
    return q;
}

/* The handler has returned, or is about to: what it did from outside of itself is seen to when the turn ends. */
static void
settle_later(struct request *r)
{
    if (r->depth == 0 && list_is_empty(&r->unsettled))
        list_append(&r->service->unsettled, &r->unsettled);
}

bool
asking_is_over(struct request *r)
{
    if (!r->is_answered && !r->is_over)
        return false;
    r->is_given_back = true;
    settle_later(r);
    return true;
}

void
asking_set_due(struct question *q, yyjson_mut_val *params)
{
    q->params = params;
    q->is_due = true;
    if (params == NULL)
        q->request->is_broken = true;
    settle_later(q->request);
}

/* The answer, if there is one; else it is due. `params` are made only then. */
static yyjson_val *
ask(struct request *r, const char *key, const char *method, const char *schema, unsigned abilities,
    yyjson_mut_val *params)
{
    struct question *q;

    if (asking_is_over(r))
        return NULL;
    q = asking_find(r, key);
    if (q == NULL)
        q = asking_new(r, key, method, schema);
    if (q == NULL)
        request_answer_error(r, RPC_INTERNAL, STR("Too many questions"), NULL);
    else if (q->answer == NULL && abilities_demand(r, abilities))
        asking_set_due(q, params);
    return q == NULL ? NULL : q->answer;
}

yyjson_val *
request_elicit(struct request *r, const char *key, const char *message, const char *schema)
{
    yyjson_alc      memory = json_memory(r);
    yyjson_mut_val *params = yyjson_mut_obj(r->doc);
    yyjson_doc     *read   = yyjson_read_opts((char *)(uintptr_t)schema, strlen(schema), 0, &memory, NULL);
    yyjson_mut_val *form   = yyjson_val_mut_copy(r->doc, yyjson_doc_get_root(read));

    if (r->revision >= SINCE_URLS)
        yyjson_mut_obj_add_str(r->doc, params, "mode", "form");
    else if (!form_make_older(r->doc, form)) {
        request_fail(r, "This needs a client of 2025-11-25 or later: it asks for a choice of several");
        return NULL;
    }
    bool ok = yyjson_mut_obj_add_val(r->doc, params, "message", json_text(r->doc, str_from(message))) &&
              yyjson_mut_obj_add_val(r->doc, params, "requestedSchema", form);
    return ask(r, key, "elicitation/create", schema, CLIENT_ELICITS, ok ? params : NULL);
}

yyjson_val *
request_elicit_url(struct request *r, const char *key, const char *message, const char *url)
{
    yyjson_mut_val *params = yyjson_mut_obj(r->doc);
    bool            ok     = yyjson_mut_obj_add_str(r->doc, params, "mode", "url") &&
              yyjson_mut_obj_add_val(r->doc, params, "message", json_text(r->doc, str_from(message))) &&
              yyjson_mut_obj_add_val(r->doc, params, "url", json_text(r->doc, str_from(url)));

    if (r->revision == REVISION_2025_11_25) { /* only there it has a name of its own */
        char id[TASK_ID_SIZE];
        random_id(id);
        ok = ok && yyjson_mut_obj_add_strcpy(r->doc, params, "elicitationId", id);
    }
    return ask(r, key, "elicitation/create", NULL, CLIENT_ELICITS_URL, ok ? params : NULL);
}

yyjson_val *
request_sample(struct request *r, const char *key, yyjson_mut_val *params)
{
    bool has_tools = yyjson_mut_obj_get(params, "tools") != NULL || yyjson_mut_obj_get(params, "toolChoice") != NULL;

    return ask(r, key, "sampling/createMessage", NULL, CLIENT_SAMPLES | (has_tools ? CLIENT_SAMPLES_TOOLS : 0U),
               params);
}

yyjson_val *
request_roots(struct request *r, const char *key)
{
    return ask(r, key, "roots/list", NULL, CLIENT_HAS_ROOTS, yyjson_mut_obj(r->doc));
}

yyjson_val *
elicitation_content(yyjson_val *result)
{
    return yyjson_equals_str(yyjson_obj_get(result, "action"), "accept") ? json_member(result, "content") : NULL;
}

yyjson_val *
request_kept(const struct request *r, const char *name)
{
    return yyjson_obj_get(r->remembered, name);
}

void
request_keep(struct request *r, const char *name, yyjson_mut_val *value)
{
    if (r->kept == NULL)
        r->kept = r->remembered == NULL ? yyjson_mut_obj(r->doc) : yyjson_val_mut_copy(r->doc, r->remembered);
    if (value == NULL || !yyjson_mut_obj_put(r->kept, yyjson_mut_strcpy(r->doc, name), value))
        r->is_broken = true;
}

/* --- sending --- */

void
asking_give_up(struct request *r, const char *words)
{
    request_handler stop = r->stop;

    r->stop = NULL;
    if (stop != NULL) {
        r->depth++;
        stop(r);
        r->depth--;
    }
    request_fail(r, "%s", words);
}

/* It is not asked any more. */
static void
withdraw(struct question *q)
{
    struct request *r = q->request;

    if (q->number != 0 && r->session != NULL)
        map_remove(&r->session->questions, MAP_KEY_U64(q->number));
    if (q->is_owed && r->x != NULL)
        exchange_owe(r->x, -1);
    q->number  = 0;
    q->is_owed = false;
}

static bool
is_open(const struct question *q)
{
    return q->is_due && q->answer == NULL && q->refusal == NULL;
}

bool
asking_is_due(const struct request *r)
{
    LIST_EACH (struct question, q, &r->questions, node)
        if (is_open(q))
            return true;
    return false;
}

yyjson_mut_val *
asking_describe(struct request *r, yyjson_mut_doc *doc)
{
    yyjson_mut_val *all = yyjson_mut_obj(doc);

    LIST_EACH (struct question, q, &r->questions, node) {
        if (!is_open(q))
            continue;
        yyjson_mut_val *one = yyjson_mut_obj(doc);
        yyjson_mut_obj_add_str(doc, one, "method", q->method);
        yyjson_mut_obj_add_val(doc, one, "params", yyjson_mut_val_mut_copy(doc, q->params));
        yyjson_mut_obj_add_val(doc, all, q->key, one);
    }
    return all;
}

/* {"jsonrpc":"2.0","id":<ours>,"method":…,"params":…}, of malloc; NULL: no memory. */
static char *
write_question(struct question *q, size_t *len)
{
    bool            is_broken = false;
    yyjson_alc      memory    = json_heap(&is_broken);
    yyjson_mut_doc *doc       = yyjson_mut_doc_new(&memory);
    yyjson_mut_val *root      = yyjson_mut_obj(doc);

    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "jsonrpc", "2.0");
    yyjson_mut_obj_add_uint(doc, root, "id", q->number);
    yyjson_mut_obj_add_str(doc, root, "method", q->method);
    yyjson_mut_obj_add_val(doc, root, "params", yyjson_mut_val_mut_copy(doc, q->params));
    char *text = is_broken ? NULL : json_write(doc, len);
    yyjson_mut_doc_free(doc);
    return text;
}

static bool
send_question(struct question *q)
{
    struct request *r = q->request;
    size_t          len;
    char           *text = write_question(q, &len);

    if (text == NULL)
        return false;
    q->is_owed = true; /* before it is told: the answer may be there at once */
    exchange_owe(r->x, 1);
    bool is_told = request_tell(r, str_of(text, len));
    free(text);
    if (is_told || !q->is_owed)
        return is_told;
    q->is_owed = false;
    if (r->x != NULL)
        exchange_owe(r->x, -1);
    return false;
}

/* Each has its number before the first is told: an answer may come while the others are still to be sent. */
static bool
number_questions(struct request *r)
{
    LIST_EACH (struct question, q, &r->questions, node) {
        if (!is_open(q))
            continue;
        q->number              = ++r->session->last_question;
        struct question **slot = map_get_or_add(&r->session->questions, MAP_KEY_U64(q->number));
        if (slot == NULL)
            return false;
        *slot = q;
        r->waiting++;
    }
    return true;
}

/* The end of the request, but of a relay's. */
static void
refuse(struct question *q, const char *words)
{
    struct request *r = q->request;

    if (r->service->relayed == NULL) {
        asking_give_up(r, words);
        return;
    }
    withdraw(q);
    r->waiting--;
    q->refusal = refusal_new(r, RPC_INTERNAL, str_from(words), NULL);
}

static void
send_questions(struct request *r)
{
    struct loop *loop = r->service->parts.loop;

    if (r->session == NULL || !number_questions(r)) {
        asking_give_up(r, "No memory to ask the client");
        return;
    }
    loop_set_timer(loop, &r->leg, loop_now(loop) + LEG_MOST);
    r->depth++; /* answers that come meanwhile wait: the request stays as it is */
    LIST_EACH (struct question, q, &r->questions, node) {
        if (r->is_over || r->is_answered || !is_open(q) || send_question(q) || r->x == NULL || r->x->front == NULL)
            continue; /* one whose client left the call is asked on the next stream */
        refuse(q, "The client cannot be asked: it listens nowhere");
    }
    r->depth--;
    asking_go_on(r);
}

void
asking_go(struct request *r)
{
    unsigned most = r->service->relayed == NULL ? ROUNDS_MOST : RELAYED_ROUNDS_MOST;

    if (r->is_broken || r->rounds++ >= most) {
        asking_give_up(r, r->is_broken ? "No memory to ask the client" : "The client was asked too often");
    } else if (r->task != NULL) {
        LIST_EACH (struct question, q, &r->questions, node)
            r->waiting += is_open(q);
        task_ask(r->task);
    } else if (!is_modern(r)) {
        send_questions(r);
    } else {
        state_answer(r);
    }
}

void
asking_go_again(struct request *r)
{
    r->waiting = 0;
    asking_go(r);
    request_settle(r);
}

void
asking_flush(struct service_session *session)
{
    LIST_EACH (struct request, r, &session->requests, of_session)
        LIST_EACH (struct question, q, &r->questions, node)
            if (is_open(q) && q->number != 0 && !q->is_owed && r->x != NULL)
                send_question(q);
}

/* --- answers --- */

void
asking_drop(struct request *r)
{
    LIST_EACH (struct question, q, &r->questions, node)
        withdraw(q);
    r->waiting = 0;
}

void
asking_expire(struct timer *leg)
{
    static const char words[] = "The client did not answer in time";
    struct request   *r       = LIST_OF(struct request, leg, leg);

    if (r->service->relayed == NULL) {
        asking_give_up(r, words);
        return;
    }
    LIST_EACH (struct question, q, &r->questions, node)
        if (is_open(q))
            refuse(q, words);
    asking_go_on(r);
}

/* All was answered, well or not: what was not is asked again, if it is still wanted. */
void
asking_go_on(struct request *r)
{
    yyjson_alc memory = json_memory(r);

    if (r->waiting > 0 || r->depth > 0 || r->is_answered || r->is_over)
        return;
    loop_clear_timer(r->service->parts.loop, &r->leg);
    LIST_EACH (struct question, q, &r->questions, node)
        q->is_due = false;
    if (r->kept != NULL) {
        yyjson_doc *copy = yyjson_mut_val_imut_copy(r->kept, &memory);
        r->remembered    = copy == NULL ? r->remembered : yyjson_doc_get_root(copy);
    }
    result_begin(r);
    request_call(r, r->handler);
}

static void
take_answer(struct request *r, struct question *q, yyjson_val *root)
{
    yyjson_val *error  = yyjson_obj_get(root, "error");
    yyjson_val *result = yyjson_obj_get(root, "result");
    struct str  words  = json_str_in(error, "message");

    withdraw(q);
    r->waiting--;
    if (error != NULL && r->service->relayed == NULL) {
        struct str text =
            arena_printf(r->arena, "The client did not answer \"%s\": %.*s", q->key, STR_ARG(str_take(words, 300)));
        asking_give_up(r, text.data == NULL ? "No memory to ask the client" : text.data);
        return;
    }
    if (error != NULL)
        q->refusal = yyjson_is_obj(error) ? error : refusal_new(r, RPC_INTERNAL, words, NULL);
    else if (answer_is_valid(r, q, result))
        q->answer = result;
    asking_go_on(r);
}

void
asking_take_reply(struct service_session *session, struct exchange *x)
{
    uint64_t          number;
    struct question **slot =
        str_to_u64(x->message.id, &number) ? map_get(&session->questions, MAP_KEY_U64(number)) : NULL;

    if (slot == NULL) /* a reply to nothing, or a late one */
        return;
    struct question *q      = *slot;
    struct request  *r      = q->request;
    yyjson_alc       memory = json_memory(r);
    struct str       text   = x->message.message;
    yyjson_doc      *doc =
        yyjson_read_opts((char *)(uintptr_t)text.data, text.len, YYJSON_READ_BIGNUM_AS_RAW, &memory, NULL);
    if (r->x != NULL) {
        x->is_silent = true; /* on record with the exchange that asked */
        exchange_note(r->x, FROM_CLIENT, text, false);
    }
    if (doc != NULL)
        take_answer(r, q, yyjson_doc_get_root(doc));
}

/* Only what counts is copied: a client may send what it likes as often as it likes. */
bool
asking_take_responses(struct request *r, yyjson_val *responses)
{
    yyjson_alc memory = json_memory(r);

    LIST_EACH (struct question, q, &r->questions, node) {
        yyjson_val *answer = is_open(q) ? yyjson_obj_get(responses, q->key) : NULL;
        if (!answer_is_valid(r, q, answer))
            continue;
        yyjson_doc *copy = yyjson_mut_val_imut_copy(yyjson_val_mut_copy(r->doc, answer), &memory);
        if (copy == NULL)
            continue;
        q->answer = yyjson_doc_get_root(copy);
        r->waiting--;
    }
    return r->waiting == 0;
}
