/* What a modern client carries between the rounds of a request: what it answered, and what the handler kept. Sealed,
 * for this principal, this request and a time. MCP 2026-07-28 "Multi round-trip requests", "requestState". */
#include <openssl/evp.h>

#include "mcp/service/parts.h"

#define STATE_LIFE SECONDS(600) /* when nothing else was said */

#define PURPOSE "requestState"

enum { DIGEST_SIZE = 32, HEX_SIZE = 2 * DIGEST_SIZE + 1 };

/* Of what is asked for: method, name or URI, arguments. False: no memory. */
static bool
digest_request(struct request *r, char hex[HEX_SIZE])
{
    yyjson_alc    memory    = json_memory(r);
    yyjson_val   *arguments = yyjson_obj_get(r->params, "arguments");
    size_t        len       = 0, size;
    char         *text      = arguments == NULL ? NULL : yyjson_val_write_opts(arguments, 0, &memory, &len, NULL);
    unsigned char digest[DIGEST_SIZE];
    struct buffer b = {.max = SIZE_MAX / 2};

    bool ok = (arguments == NULL || text != NULL) && buffer_append(&b, str_from(r->method->name)) &&
              buffer_append_json(&b, json_str_in(r->params, "name")) &&
              buffer_append_json(&b, json_str_in(r->params, "uri")) && buffer_append(&b, str_of(text, len)) &&
              EVP_Q_digest(NULL, "SHA256", NULL, buffer_str(&b).data, buffer_len(&b), digest, &size) == 1;
    for (size_t i = 0; ok && i < DIGEST_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    buffer_clear(&b);
    return ok;
}

/* A relay takes each once, and has no use for it any more. */
static yyjson_mut_val *
all_answers(struct request *r)
{
    yyjson_mut_val *answers = r->known == NULL ? yyjson_mut_obj(r->doc) : yyjson_val_mut_copy(r->doc, r->known);

    if (r->service->relayed != NULL)
        return yyjson_mut_obj(r->doc);
    LIST_EACH (struct question, q, &r->questions, node)
        if (q->answer != NULL)
            yyjson_mut_obj_put(answers, yyjson_mut_str(r->doc, q->key), yyjson_val_mut_copy(r->doc, q->answer));
    return answers;
}

/* NULL: it is more than a client should carry, or there is no memory. */
static char *
seal(struct request *r)
{
    yyjson_alc      memory = json_memory(r);
    yyjson_mut_val *state  = yyjson_mut_obj(r->doc);
    mono_time       life   = r->service->parts.state_life;
    char            digest[HEX_SIZE];
    size_t          len;

    if (!digest_request(r, digest))
        return NULL;
    bool ok = yyjson_mut_obj_add_str(r->doc, state, "principal", r->service->parts.principal) &&
              yyjson_mut_obj_add_sint(r->doc, state, "until", clock_wall() + (life > 0 ? life : STATE_LIFE)) &&
              yyjson_mut_obj_add_str(r->doc, state, "digest", digest) &&
              yyjson_mut_obj_add_uint(r->doc, state, "rounds", r->rounds) &&
              yyjson_mut_obj_add_val(r->doc, state, "answers", all_answers(r));
    if (r->kept != NULL)
        ok = ok && yyjson_mut_obj_add_val(r->doc, state, "kept", r->kept);
    else if (r->remembered != NULL)
        ok = ok && yyjson_mut_obj_add_val(r->doc, state, "kept", yyjson_val_mut_copy(r->doc, r->remembered));
    char *text = ok ? yyjson_mut_val_write_opts(state, 0, &memory, &len, NULL) : NULL;
    return text == NULL ? NULL
                        : seal_text(r->service->parts.key, seal_purpose(r, PURPOSE), str_of(text, len), r->arena);
}

void
state_answer(struct request *r)
{
    char           *state  = seal(r);
    yyjson_mut_val *result = result_new(r, "input_required");

    if ((r->method->traits & METHOD_ASKS) == 0) { /* MCP has it for tools/call, prompts/get and resources/read */
        asking_give_up(r, "A completion cannot ask");
    } else if (state == NULL) {
        asking_give_up(r, "What is known so far is more than a client should carry");
    } else {
        yyjson_mut_obj_add_val(r->doc, result, "inputRequests", asking_describe(r, r->doc));
        yyjson_mut_obj_add_str(r->doc, result, "requestState", state);
        request_answer(r, result);
    }
}

/* NULL: it is not of us, of this request, or of this time. */
static yyjson_val *
open_state(struct request *r, struct str sealed)
{
    yyjson_alc memory = json_memory(r);
    struct str text;
    char       digest[HEX_SIZE];

    if (!seal_open(r->service->parts.key, seal_purpose(r, PURPOSE), sealed, r->arena, &text) ||
        !digest_request(r, digest))
        return NULL;
    yyjson_doc *doc =
        yyjson_read_opts((char *)(uintptr_t)text.data, text.len, YYJSON_READ_BIGNUM_AS_RAW, &memory, NULL);
    yyjson_val *state   = yyjson_doc_get_root(doc);
    bool        is_ours = yyjson_equals_str(yyjson_obj_get(state, "principal"), r->service->parts.principal) &&
                   yyjson_equals_str(yyjson_obj_get(state, "digest"), digest) &&
                   yyjson_get_sint(yyjson_obj_get(state, "until")) >= clock_wall();
    return is_ours ? state : NULL;
}

bool
state_open(struct request *r)
{
    yyjson_val *sealed = yyjson_obj_get(r->params, "requestState");

    if (!is_modern(r))
        return true;
    r->given = json_member(r->params, "inputResponses");
    if (sealed == NULL)
        return true;
    yyjson_val *state = yyjson_is_str(sealed) ? open_state(r, json_str(sealed)) : NULL;
    if (state == NULL) {
        request_refuse_params(r, "Invalid requestState: it is not of this request, or too old");
        return false;
    }
    r->known      = json_member(state, "answers");
    r->remembered = json_member(state, "kept");
    r->rounds     = (unsigned)yyjson_get_uint(yyjson_obj_get(state, "rounds"));
    return true;
}
