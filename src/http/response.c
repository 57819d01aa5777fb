#include "http/response.h"

#include <assert.h>

static struct response *
response_of(llhttp_t *parser)
{
    return parser->data;
}

static int
too_large(struct response *r)
{
    r->too_large = true;
    return HPE_USER;
}

static struct http_header *
fields_of(const struct response *r)
{
    return (struct http_header *)(void *)r->fields.data;
}

static bool
add_field(struct response *r)
{
    if (r->fields.data == NULL)
        blocks_lend(r->blocks, &r->fields);
    if (!buffer_reserve(&r->fields, sizeof(struct http_header)))
        return false;
    buffer_added(&r->fields, sizeof(struct http_header));
    fields_of(r)[r->count++] = (struct http_header){0};
    return true;
}

static bool
add_text(struct response *r, const char *data, size_t len)
{
    if (r->text.data == NULL)
        blocks_lend(r->blocks, &r->text);
    return buffer_append(&r->text, str_of(data, len));
}

/* The head was told, or is of no use. */
static void
drop_head(struct response *r)
{
    blocks_take_back(r->blocks, &r->fields);
    blocks_take_back(r->blocks, &r->text);
    r->count = 0;
}

static int
on_name(llhttp_t *parser, const char *data, size_t len)
{
    struct response *r = response_of(parser);

    if (r->state != RESPONSE_HEAD)
        return 0; /* a trailer */
    if (!r->in_name && !add_field(r))
        return too_large(r);
    r->in_name = true;
    fields_of(r)[r->count - 1].name.len += len;
    return add_text(r, data, len) ? 0 : too_large(r);
}

static int
on_value(llhttp_t *parser, const char *data, size_t len)
{
    struct response *r = response_of(parser);

    r->in_name = false;
    if (r->state != RESPONSE_HEAD)
        return 0;
    fields_of(r)[r->count - 1].value.len += len;
    return add_text(r, data, len) ? 0 : too_large(r);
}

/* The parser leaves white space behind a value. */
static int
on_value_complete(llhttp_t *parser)
{
    struct response *r = response_of(parser);

    r->in_name = false;
    if (r->state != RESPONSE_HEAD)
        return 0;
    size_t *len = &fields_of(r)[r->count - 1].value.len;
    while (*len > 0 && (r->text.data[r->text.end - 1] == ' ' || r->text.data[r->text.end - 1] == '\t')) {
        r->text.end--;
        --*len;
    }
    return 0;
}

/* The text does not move any more: lengths become slices. */
static void
settle_fields(struct response *r)
{
    const char *at = buffer_str(&r->text).data;

    for (unsigned i = 0; i < r->count; i++) {
        fields_of(r)[i].name.data  = at;
        fields_of(r)[i].value.data = at + fields_of(r)[i].name.len;
        at += fields_of(r)[i].name.len + fields_of(r)[i].value.len;
    }
}

/* "timeout=5, max=100"; what is not understood says nothing. */
static mono_time
keep_alive_timeout(struct str value)
{
    struct str part;
    uint64_t   seconds;

    while (str_cut(&value, ',', &part)) {
        part = str_trim(part);
        if (str_starts_nocase(part, STR("timeout=")) && str_to_u64(str_skip(part, 8), &seconds))
            return SECONDS((mono_time)(seconds < 3600 ? seconds : 3600));
    }
    return -1;
}

/* What the parser lets pass and is not to be. NULL when all is well. */
static const char *
check_framing(struct response *r)
{
    unsigned codings = 0, lengths = 0;

    for (unsigned i = 0; i < r->count; i++) {
        const struct http_header *field = &fields_of(r)[i];
        if (str_eq_nocase(field->name, STR("Transfer-Encoding"))) {
            codings++;
            if (!str_eq_nocase(field->value, STR("chunked")))
                return "a Transfer-Encoding other than chunked";
        } else if (str_eq_nocase(field->name, STR("Content-Length"))) {
            lengths++;
        } else if (str_eq_nocase(field->name, STR("Keep-Alive"))) {
            r->idle = keep_alive_timeout(field->value);
        }
    }
    if (codings + lengths > 1)
        return "more than one of Transfer-Encoding and Content-Length";
    if (r->parser.http_major != 1 || r->parser.http_minor > 1)
        return "a version other than HTTP/1.0 and HTTP/1.1";
    if (codings > 0 && r->parser.http_minor == 0)
        return "Transfer-Encoding in HTTP/1.0";
    if (r->parser.status_code < 100 || r->parser.status_code > 599)
        return "a status below 100 or above 599";
    if (r->parser.status_code < 200 && codings + lengths > 0)
        return "an informational answer with a body";
    if (r->parser.status_code == 101)
        return "101 Switching Protocols, which was not asked for";
    return NULL;
}

/* RFC 9112 section 6.3, whatever the head says. */
static bool
has_no_body(const struct response *r)
{
    return r->to_head || r->parser.status_code == 204 || r->parser.status_code == 304;
}

static int
on_headers_complete(llhttp_t *parser)
{
    struct response *r = response_of(parser);

    settle_fields(r);
    r->why = check_framing(r);
    if (r->why != NULL)
        return HPE_USER;
    if (parser->status_code < 200) {
        drop_head(r);
        return 0;
    }
    r->state    = RESPONSE_BODY;
    r->overhead = 0;
    r->events->on_head(r->owner, parser->status_code, &(struct http_headers){fields_of(r), r->count});
    drop_head(r);
    if (r->stopped)
        return HPE_USER;
    return has_no_body(r) ? 1 : 0; /* 1: skip it */
}

static int
on_body(llhttp_t *parser, const char *data, size_t len)
{
    struct response *r = response_of(parser);

    r->overhead = 0;
    r->events->on_data(r->owner, str_of(data, len));
    return r->stopped ? HPE_USER : 0;
}

static int
on_message_complete(llhttp_t *parser)
{
    struct response *r = response_of(parser);

    if (r->state == RESPONSE_HEAD)
        return 0; /* an informational one */
    r->state       = RESPONSE_WHOLE;
    r->keeps_alive = llhttp_should_keep_alive(parser) != 0;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field          = on_name,
    .on_header_value          = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete      = on_headers_complete,
    .on_body                  = on_body,
    .on_message_complete      = on_message_complete,
};

void
response_init(struct response *r, struct blocks *blocks, size_t head_max, unsigned fields_max,
              const struct response_events *events, void *owner)
{
    *r = (struct response){.events     = events,
                           .owner      = owner,
                           .blocks     = blocks,
                           .text.max   = head_max,
                           .fields.max = fields_max * sizeof(struct http_header)};
    response_begin(r, false);
}

void
response_clear(struct response *r)
{
    drop_head(r);
}

void
response_begin(struct response *r, bool to_head)
{
    llhttp_init(&r->parser, HTTP_RESPONSE, &settings);
    r->parser.data = r;
    r->state       = RESPONSE_HEAD;
    r->started = r->keeps_alive = r->in_name = r->too_large = r->stopped = false;
    r->to_head                                                           = to_head;
    r->why                                                               = NULL;
    r->overhead                                                          = 0;
    r->idle                                                              = -1;
    drop_head(r);
}

void
response_stop(struct response *r)
{
    r->stopped = true;
}

static bool
fail(struct response *r, struct error *err)
{
    r->state = RESPONSE_BROKEN;
    if (r->too_large)
        return error_set(err, ERROR_TOO_LARGE, "the head of the server's answer is larger than %zu bytes or %u fields",
                         r->text.max, (unsigned)(r->fields.max / sizeof(struct http_header)));
    return error_set(err, ERROR_PROTOCOL, "the server's answer is no proper HTTP: %s",
                     r->why != NULL ? r->why : llhttp_get_error_reason(&r->parser));
}

bool
response_feed(struct response *r, struct str bytes, struct str *rest, struct error *err)
{
    assert(r->state != RESPONSE_WHOLE);
    *rest = STR_NONE;
    if (r->state == RESPONSE_BROKEN)
        return error_set(err, ERROR_PROTOCOL, "the server's answer is broken");
    if (bytes.len == 0)
        return true;
    r->started = true;
    r->overhead += bytes.len;

    enum llhttp_errno result = llhttp_execute(&r->parser, bytes.data, bytes.len);
    if (r->stopped)
        return true;
    if (r->state == RESPONSE_WHOLE) {
        *rest = str_skip(bytes, (size_t)(llhttp_get_error_pos(&r->parser) - bytes.data));
        return true;
    }
    if (result == HPE_OK && r->overhead > r->text.max)
        r->too_large = true;
    return result == HPE_OK && !r->too_large ? true : fail(r, err);
}

bool
response_finish(struct response *r, struct error *err)
{
    if (r->state == RESPONSE_BODY)
        llhttp_finish(&r->parser); /* completes a body that goes until the end */
    if (r->state == RESPONSE_WHOLE) {
        r->keeps_alive = false;
        return true;
    }
    bool started = r->started;
    r->state     = RESPONSE_BROKEN;
    return error_set(err, ERROR_CLOSED,
                     started ? "the server closed the connection in the middle of its answer"
                             : "the server closed the connection without an answer");
}
