#include "base/format.h"
#include "services/admin/records.h"

static void
say_none(struct job *job, const struct search *s)
{
    job_say(job, "No record fits.");
    if (s->near.len > 0)
        job_say(job, " No server is named \"%.*s\"; did you mean \"%.*s\"?", STR_ARG(str_take(s->server.text, 80)),
                STR_ARG(s->near));
    else if (s->is_unknown)
        job_say(job, " No server is named \"%.*s\"; list_servers shows which are.",
                STR_ARG(str_take(s->server.text, 80)));
    if (!s->is_captured)
        job_say(job, " Nothing is recorded: capture.enabled is off.");
}

static void
say_part(struct job *job, const char *before, struct str text)
{
    if (text.len == 0)
        return;
    job_say(job, "%s", before);
    job_say_text(job, text);
}

static void
say_body(struct job *job, const char *before, const struct body *body)
{
    say_part(job, before, body->text);
    if (body->omitted == 0)
        return;
    job_say(job, " … ");
    job->is_too_long |= !format_count(&job->text, body->omitted);
    job_say(job, " bytes more");
}

static const char *
outcome_word(const struct record *r)
{
    return r->outcome == OUTCOME_OPEN ? "open" : outcome_name(r->outcome);
}

static void
say_record(struct job *job, const struct record *r)
{
    char at[TIME_ISO_SIZE];

    time_format_iso(r->at, at);
    job_say(job, "\n\n%llu  %s  ", (unsigned long long)r->id, at);
    job_say_text(job, r->server);
    job_say(job, "  ");
    job_say_text(job, r->method.len > 0 ? r->method : str_from(kind_name(r->kind)));
    say_part(job, " ", r->target);
    job_say(job, ": %s", outcome_word(r));
    if (r->has_error_code)
        job_say(job, " %d", r->error_code);
    if (r->http_status >= 400)
        job_say(job, ", HTTP %d", r->http_status);
    if (r->duration_us >= 0) {
        job_say(job, ", ");
        job->is_too_long |= !format_took(&job->text, r->duration_us);
    }
    say_part(job, ", ", r->client);
    if (r->messages > 2)
        job_say(job, ", %u messages", r->messages);
    if (r->is_cut)
        job_say(job, ", not recorded whole for want of memory");
    say_body(job, "\n  → ", &r->request);
    say_body(job, "\n  ← ", &r->response);
}

void
records_say(struct job *job, const struct search *s)
{
    bool has_omitted = false;

    if (s->count == 0) {
        say_none(job, s);
        return;
    }
    job_say(job, "%zu record%s%s, %s first.", s->count, s->count == 1 ? "" : "s",
            s->has_more ? ", and there are more" : "", s->query.ascending ? "oldest" : "newest");
    for (size_t i = 0; i < s->count; i++) {
        say_record(job, &s->records[i]);
        has_omitted |= s->records[i].request.omitted > 0 || s->records[i].response.omitted > 0;
    }
    if (s->has_more)
        job_say(job, "\n\nMore: the same again with cursor \"%llu\".", (unsigned long long)s->records[s->count - 1].id);
    if (has_omitted)
        job_say(job, "\n\nOne in full: gatehouse logs ID. Of fewer records more is shown here.");
}

static void
put_id(struct job *job, yyjson_mut_val *into, const char *key, uint64_t id)
{
    char digits[STR_DIGITS];

    put_text(job, into, key, str_of_u64(digits, id)); /* passes 2^53 */
}

static void
put_record(struct job *job, yyjson_mut_val *into, const struct record *r)
{
    put_id(job, into, "id", r->id);
    put_time(job, into, "timestamp", r->at);
    put_text(job, into, "serverName", r->server);
    put_text(job, into, "sessionId", r->session);
    put_text(job, into, "clientName", r->client);
    put_text(job, into, "kind", str_from(kind_name(r->kind)));
    put_text(job, into, "method", r->method);
    put_text(job, into, "target", r->target);
    put_text(job, into, "outcome", str_from(outcome_word(r)));
    if (r->has_error_code)
        put_number(job, into, "errorCode", r->error_code);
    if (r->http_status != 0)
        put_number(job, into, "httpStatus", r->http_status);
    put_milliseconds(job, into, "durationMs", r->duration_us);
    put_text(job, into, "request", r->request.text);
    if (r->request.omitted > 0)
        put_number(job, into, "requestOmittedBytes", (int64_t)r->request.omitted);
    put_text(job, into, "response", r->response.text);
    if (r->response.omitted > 0)
        put_number(job, into, "responseOmittedBytes", (int64_t)r->response.omitted);
    put_number(job, into, "messages", r->messages);
    if (r->is_cut)
        put_flag(job, into, "isCut", true);
}

yyjson_mut_val *
records_put(struct job *job, const struct search *s)
{
    yyjson_mut_doc *doc        = request_doc(job->request);
    yyjson_mut_val *structured = yyjson_mut_obj(doc);
    yyjson_mut_val *records    = yyjson_mut_obj_add_arr(doc, structured, "records");

    for (size_t i = 0; i < s->count; i++)
        put_record(job, yyjson_mut_arr_add_obj(doc, records), &s->records[i]);
    put_number(job, structured, "count", (int64_t)s->count);
    put_flag(job, structured, "hasMore", s->has_more);
    if (s->has_more)
        put_id(job, structured, "nextCursor", s->records[s->count - 1].id);
    return structured;
}
