#include "http/framing_check.h"

enum {
    BODY_UNBUDGETED = 64 << 10, /* a body may reach this without asking the budget, and grows by it then */
    CHUNK_FRAME     = 24        /* bytes of size and line ends that a chunk has for free */
};

int
framing_refuse(struct framing *f, int status, const char *why)
{
    if (f->status == 0) {
        f->status = status;
        f->why    = why;
    }
    return -1;
}

/* ---- the head, as llhttp finds it; all pieces lie in `head`, in order, so that a second piece extends the first ----
 */

static void
extend(struct str *s, const char *at, size_t len)
{
    if (s->len == 0)
        s->data = at;
    s->len += len;
}

static int
on_method(llhttp_t *p, const char *at, size_t len)
{
    struct framing *f = p->data;

    extend(&f->request->method_name, at, len);
    return 0;
}

static int
on_url(llhttp_t *p, const char *at, size_t len)
{
    struct framing *f = p->data;

    extend(&f->request->target, at, len);
    return 0;
}

static int
on_url_complete(llhttp_t *p)
{
    struct framing *f = p->data;

    f->url_is_whole = true;
    return 0;
}

/* Room for one more. */
static bool
more_headers(struct framing *f)
{
    struct http_headers *headers = &f->request->headers;

    if (f->fields.data == NULL)
        blocks_lend(&f->net->heads, &f->fields);
    if (!buffer_reserve(&f->fields, sizeof *headers->items))
        return false;
    buffer_added(&f->fields, sizeof *headers->items);
    headers->items = (struct http_header *)(void *)f->fields.data;
    return true;
}

static int
on_field(llhttp_t *p, const char *at, size_t len)
{
    struct framing      *f       = p->data;
    struct http_headers *headers = &f->request->headers;

    if (f->in_body)
        return 0;
    if (!f->value_is_next) {
        if (headers->count >= f->limits->headers)
            return framing_refuse(f, 431, "too many header fields");
        if (!more_headers(f))
            return framing_refuse(f, 503, "no memory");
        headers->items[headers->count++] = (struct http_header){{at, 0}, {NULL, 0}};
        f->value_is_next                 = true;
    }
    headers->items[headers->count - 1].name.len += len;
    return 0;
}

static int
on_value(llhttp_t *p, const char *at, size_t len)
{
    struct framing *f = p->data;

    if (!f->in_body)
        extend(&f->request->headers.items[f->request->headers.count - 1].value, at, len);
    return 0;
}

static int
on_value_complete(llhttp_t *p)
{
    struct framing *f = p->data;

    if (f->in_body)
        return 0;
    struct http_header *header = &f->request->headers.items[f->request->headers.count - 1];
    f->value_is_next           = false;
    header->value              = str_trim(header->value);
    if (header->value.len == 0)
        header->value = STR("");
    switch (header->name.len) {
    case 4:
        f->hosts += str_eq_nocase(header->name, STR("host"));
        break;
    case 6:
        if (!str_eq_nocase(header->name, STR("expect")))
            break;
        f->expects_continue = str_eq_nocase(header->value, STR("100-continue"));
        if (!f->expects_continue)
            return framing_refuse(f, 417, "only 100-continue can be expected");
        break;
    case 17:
        if (!str_eq_nocase(header->name, STR("transfer-encoding")))
            break;
        if (++f->codings > 1 || !str_eq_nocase(header->value, STR("chunked")))
            return framing_refuse(f, 400, "the only transfer coding is chunked, given once");
        break;
    default:
        break;
    }
    return 0;
}

static int
on_head(llhttp_t *p)
{
    (void)p;
    return HPE_PAUSED;
}

/* ---- the body ---- */

static bool
budget_body(struct framing *f, size_t len)
{
    if (len <= BODY_UNBUDGETED || len <= f->budgeted)
        return true;
    size_t more = f->is_chunked ? (len - f->budgeted + BODY_UNBUDGETED - 1) / BODY_UNBUDGETED * BODY_UNBUDGETED
                                : len - f->budgeted;
    if (!budget_take(f->net->budget, more))
        return false;
    f->budgeted += more;
    return true;
}

/* Finds room for a body of declared length; a chunked one grows as it comes. */
static int
begin_body(struct framing *f)
{
    size_t len = f->is_chunked ? 0 : (size_t)f->parser.content_length;

    f->in_body  = true;
    f->body.max = f->limits->body_bytes;
    if (!f->is_chunked && len <= buffer_room(&f->head)) {
        f->body_is_behind = true;
        return 0;
    }
    if (!budget_body(f, len))
        return framing_refuse(f, 503, "too many large requests at once");
    if (len <= f->net->outs.size)
        blocks_lend(&f->net->outs, &f->body);
    if (len > 0 && !buffer_reserve(&f->body, len))
        return framing_refuse(f, 503, "no memory");
    return 0;
}

static int
on_body(llhttp_t *p, const char *at, size_t len)
{
    struct framing *f    = p->data;
    struct buffer  *into = f->body_is_behind ? &f->head : &f->body;

    if (len > f->body.max - f->body_len) /* the bound of when it began: it may be another now */
        return framing_refuse(f, 413, "the body is too large");
    if (!budget_body(f, f->body_len + len))
        return framing_refuse(f, 503, "too many large requests at once");
    if (!buffer_reserve(into, len))
        return framing_refuse(f, 503, "no memory");
    memcpy(buffer_space(into), at, len);
    buffer_added(into, len);
    f->body_len += len;
    return 0;
}

static int
on_chunk(llhttp_t *p)
{
    struct framing *f = p->data;

    f->chunks++;
    if (p->content_length > f->body.max - f->body_len)
        return framing_refuse(f, 413, "the body is too large");
    return 0;
}

static int
on_whole(llhttp_t *p)
{
    struct framing *f = p->data;

    f->is_whole = true;
    return HPE_PAUSED;
}

/* ---- feeding ---- */

static const llhttp_settings_t settings = {
    .on_method                = on_method,
    .on_url                   = on_url,
    .on_url_complete          = on_url_complete,
    .on_header_field          = on_field,
    .on_header_value          = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete      = on_head,
    .on_body                  = on_body,
    .on_chunk_header          = on_chunk,
    .on_message_complete      = on_whole,
};

static bool
is_word(struct str s)
{
    for (size_t i = 0; s.data != NULL && i < s.len; i++)
        if ((s.data[i] | 32) < 'a' || (s.data[i] | 32) > 'z')
            return false;
    return s.len > 0;
}

/* What llhttp refused, in the codes of RFC 9110: an unknown method is 501, something that is no method at all 400. */
static enum framing_step
refuse_parsed(struct framing *f, llhttp_errno_t error)
{
    struct str head = buffer_str(&f->head);
    ptrdiff_t  word = str_index(head, ' ');

    if (error == HPE_INVALID_VERSION && (f->parser.http_major != 1 || f->parser.http_minor > 1))
        framing_refuse(f, 505, "this is HTTP/1.1");
    else if (error == HPE_INVALID_METHOD && !is_word(word < 0 ? head : str_take(head, (size_t)word)))
        framing_refuse(f, 400, "this is no HTTP request");
    else if (error == HPE_INVALID_METHOD)
        framing_refuse(f, 501, "this method is not known");
    else
        framing_refuse(f, 400, f->in_body ? "the body is malformed" : "the request is malformed");
    return FRAMING_REFUSED;
}

static void
rebase(struct str *s, uintptr_t old, const struct buffer *head)
{
    if (s->data != NULL && s->len > 0)
        s->data = head->data + ((uintptr_t)s->data - old);
}

/* Room for at least a byte of head. The buffer may move, and the slices with it. */
static bool
more_head(struct framing *f)
{
    struct http_request *r   = f->request;
    uintptr_t            old = (uintptr_t)f->head.data;

    if (buffer_len(&f->head) >= f->limits->header_bytes) {
        bool in_target = r->target.len > 0 && !f->url_is_whole;
        framing_refuse(f, in_target ? 414 : 431,
                       in_target ? "the request target is too long" : "the head is too large");
        return false;
    }
    if (f->head.data == NULL) {
        f->head.max = f->limits->header_bytes;
        blocks_lend(&f->net->heads, &f->head);
    }
    if (!buffer_reserve(&f->head, 1)) {
        framing_refuse(f, 503, "no memory");
        return false;
    }
    if (old == 0 || old == (uintptr_t)f->head.data)
        return true;
    rebase(&r->method_name, old, &f->head);
    rebase(&r->target, old, &f->head);
    for (size_t i = 0; i < r->headers.count; i++) {
        rebase(&r->headers.items[i].name, old, &f->head);
        rebase(&r->headers.items[i].value, old, &f->head);
    }
    return true;
}

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The head is kept before it is parsed, so that its slices stay. */
static enum framing_step
feed_head(struct framing *f, struct str *bytes)
{
    while (bytes->len > 0) {
        if (!more_head(f))
            return FRAMING_REFUSED;
        size_t before = buffer_len(&f->head);
        size_t len    = least(least(bytes->len, buffer_room(&f->head)), f->limits->header_bytes - before);
        char  *start  = buffer_space(&f->head);
        memcpy(start, bytes->data, len);
        buffer_added(&f->head, len);
        llhttp_errno_t error = llhttp_execute(&f->parser, start, len);
        if (error == HPE_OK) {
            *bytes = str_skip(*bytes, len);
            continue;
        }
        if (error != HPE_PAUSED)
            return refuse_parsed(f, error);
        size_t used = (size_t)(llhttp_get_error_pos(&f->parser) - start);
        f->head.end -= len - used;
        *bytes = str_skip(*bytes, used);
        llhttp_resume(&f->parser);
        f->head_is_whole = true;
        return framing_check_head(f) == 0 ? FRAMING_HEAD : FRAMING_REFUSED;
    }
    return FRAMING_MORE;
}

static enum framing_step
feed_body(struct framing *f, struct str *bytes)
{
    const char *start = bytes->len > 0 ? bytes->data : "";
    size_t      used  = bytes->len;

    llhttp_errno_t error = llhttp_execute(&f->parser, start, bytes->len);
    if (error == HPE_PAUSED)
        used = (size_t)(llhttp_get_error_pos(&f->parser) - start);
    else if (error != HPE_OK)
        return refuse_parsed(f, error);
    *bytes = str_skip(*bytes, used);
    f->body_bytes += used;
    if (f->body_bytes - f->body_len > f->limits->header_bytes + f->chunks * CHUNK_FRAME) {
        framing_refuse(f, 431, "chunk extensions and trailers are too large");
        return FRAMING_REFUSED;
    }
    if (!f->is_whole)
        return FRAMING_MORE;
    struct str body  = buffer_str(f->body_is_behind ? &f->head : &f->body);
    f->request->body = str_skip(body, body.len - f->body_len);
    return FRAMING_WHOLE;
}

enum framing_step
framing_feed(struct framing *f, struct str *bytes)
{
    if (f->status != 0)
        return FRAMING_REFUSED;
    if (f->is_whole) /* no body: llhttp need not be asked */
        return FRAMING_WHOLE;
    if (f->in_body)
        return feed_body(f, bytes);
    if (!f->head_is_whole)
        return feed_head(f, bytes);
    return begin_body(f) == 0 ? feed_body(f, bytes) : FRAMING_REFUSED;
}

void
framing_init(struct framing *f, struct net *net, const struct http_limits *limits, struct http_request *request)
{
    *f = (struct framing){.net = net, .limits = limits, .request = request};
    llhttp_init(&f->parser, HTTP_REQUEST, &settings);
    f->parser.data = f;
    framing_reset(f);
}

void
framing_forget(struct framing *f)
{
    struct http_request *r = f->request;

    blocks_take_back(&f->net->heads, &f->fields);
    blocks_take_back(&f->net->heads, &f->head);
    blocks_take_back(&f->net->outs, &f->body);
    budget_give(f->net->budget, f->budgeted);
    f->budgeted    = 0;
    r->method_name = r->target = r->path = r->query = r->body = STR_NONE;
    r->headers                                                = (struct http_headers){0};
}

void
framing_reset(struct framing *f)
{
    framing_forget(f);
    llhttp_reset(&f->parser);
    f->head.max   = f->limits->header_bytes;
    f->fields.max = f->limits->headers * sizeof(struct http_header);
    f->body_len = f->body_bytes = f->chunks = 0;
    f->hosts = f->codings = 0;
    f->status             = 0;
    f->why                = NULL;
    f->is_http10 = f->keep_alive = false;
    f->head_is_whole = f->in_body = f->body_is_behind = f->url_is_whole = f->value_is_next = f->is_whole =
        f->expects_continue                                                                = false;
}
