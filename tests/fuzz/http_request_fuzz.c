/* Requests of a client. The first byte says where to cut: a request means the same however it is cut, what is accepted
 * has one framing only, and all memory and budget come back. */
#include <assert.h>

#include "http/framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_MAX = 2048 };

static const struct http_limits limits = {.header_bytes = HEAD_MAX, .body_bytes = KIB(96), .headers = 32};

static struct budget budget = {.max = KIB(128)};
static struct net    net    = {.budget = &budget, .heads = {.size = NET_HEAD_BLOCK}, .outs = {.size = NET_OUT_BLOCK}};

static void
check(const struct framing *f)
{
    const struct http_request *r      = f->request;
    size_t                     hosts  = http_header_count(&r->headers, STR("host"));
    size_t                     codes  = http_header_count(&r->headers, STR("transfer-encoding"));
    size_t                     counts = http_header_count(&r->headers, STR("content-length"));

    assert(hosts == 1 || (f->is_http10 && hosts == 0));
    assert(codes + counts <= 1 && !(f->is_http10 && codes > 0));
    assert(codes == 0 || str_eq_nocase(http_header(&r->headers, STR("transfer-encoding")), STR("chunked")));
    if (counts == 1) {
        uint64_t length = 0;
        assert(str_to_u64(http_header(&r->headers, STR("content-length")), &length) && length == r->body.len);
    }
    assert(codes + counts > 0 || r->body.len == 0);
    assert(r->body.len <= limits.body_bytes && r->headers.count <= limits.headers);
    assert(r->target.data == r->method_name.data + r->method_name.len + 1 && r->target.data[-1] == ' ');
    assert(str_starts(str_of(r->target.data + r->target.len, 8), STR(" HTTP/1.")));
    assert(r->path.len > 0 && (r->path.data[0] == '/' || str_eq(r->path, STR("*"))));
}

/* What was read, in a form that can be compared. */
static void
note(struct buffer *into, const struct http_request *r)
{
    buffer_append(into, r->method_name);
    buffer_append_char(into, ' ');
    buffer_append(into, r->target);
    for (size_t i = 0; i < r->headers.count; i++) {
        const struct http_header *header = &r->headers.items[i];
        assert(header->name.len > 0);
        for (size_t c = 0; c < header->value.len; c++)
            assert((unsigned char)header->value.data[c] >= ' ' || header->value.data[c] == '\t');
        buffer_append_char(into, '\n');
        buffer_append(into, header->name);
        buffer_append_char(into, ':');
        buffer_append(into, header->value);
    }
    buffer_append_char(into, '\n');
    buffer_append(into, r->body);
    buffer_append_char(into, '\n');
}

/* False: refused. */
static bool
feed(struct framing *f, struct str bytes, struct buffer *into)
{
    for (;;) {
        switch (framing_feed(f, &bytes)) {
        case FRAMING_MORE:
            assert(bytes.len == 0);
            return true;
        case FRAMING_HEAD:
            break;
        case FRAMING_WHOLE:
            check(f);
            note(into, f->request);
            framing_reset(f);
            if (bytes.len == 0)
                return true;
            break;
        case FRAMING_REFUSED:
            assert(f->status >= 400 && f->why != NULL);
            buffer_append(into, STR("refused"));
            return false;
        }
    }
}

static void
read_all(struct str bytes, size_t step, struct buffer *into)
{
    static struct framing f;
    struct http_request   r  = {0};
    bool                  ok = true;

    framing_init(&f, &net, &limits, &r);
    for (size_t at = 0; at < bytes.len && ok; at += step) {
        struct str piece = str_take(str_skip(bytes, at), step);
        char      *copy  = malloc(piece.len);
        memcpy(copy, piece.data, piece.len);
        ok = feed(&f, str_of(copy, piece.len), into);
        free(copy);
    }
    framing_reset(&f);
    assert(budget.taken == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer once = {.max = MIB(4)}, cut = {.max = MIB(4)};

    if (size < 2 || size > KIB(64))
        return 0;
    struct str bytes = str_of((const char *)data + 1, size - 1);
    read_all(bytes, bytes.len, &once);
    read_all(bytes, (size_t)data[0] + 1, &cut);
    /* What stands behind the limit of the head may be seen sooner or later; else both ways agree. */
    if (size < HEAD_MAX)
        assert(str_eq(buffer_str(&once), buffer_str(&cut)));
    buffer_clear(&once);
    buffer_clear(&cut);
    return 0;
}
