#include "wire.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#define HEAD_MAX ((size_t)64 << 10)
#define BODY_MAX ((uint64_t)256 << 20)

char *
bytes_room(struct bytes *b, size_t len)
{
    if (b->cap - b->len < len) {
        size_t cap  = b->cap == 0 ? 4096 : b->cap;
        char  *data = NULL;

        while (cap - b->len < len)
            cap *= 2;
        data = realloc(b->data, cap);
        if (data == NULL) {
            fprintf(stderr, "out of memory: a buffer of %zu bytes\n", cap);
            exit(1);
        }
        b->data = data;
        b->cap  = cap;
    }
    return b->data + b->len;
}

void
bytes_add(struct bytes *b, struct span text)
{
    if (text.len == 0)
        return;
    memcpy(bytes_room(b, text.len), text.data, text.len);
    b->len += text.len;
}

void
bytes_addf(struct bytes *b, const char *format, ...)
{
    va_list args;
    int     len;

    va_start(args, format);
    len = vsnprintf(bytes_room(b, 512), 512, format, args);
    va_end(args);
    if (len < 0)
        return;
    if (len >= 512) {
        va_start(args, format);
        vsnprintf(bytes_room(b, (size_t)len + 1), (size_t)len + 1, format, args);
        va_end(args);
    }
    b->len += (size_t)len;
}

void
bytes_drop(struct bytes *b, size_t len)
{
    if (len == 0)
        return;
    b->len -= len;
    if (b->len > 0)
        memmove(b->data, b->data + len, b->len);
}

void
bytes_clear(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}

void
allow_many_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

bool
span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* `value` when the line is the header `name`, without the blanks around it. */
static bool
header_is(struct span line, struct span name, struct span *value)
{
    if (line.len <= name.len || line.data[name.len] != ':' || strncasecmp(line.data, name.data, name.len) != 0)
        return false;

    const char *from = line.data + name.len + 1, *end = line.data + line.len;
    while (from < end && (*from == ' ' || *from == '\t'))
        from++;
    while (end > from && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *value = (struct span){from, (size_t)(end - from)};
    return true;
}

static bool
starts_with(struct span text, struct span start)
{
    return text.len >= start.len && strncasecmp(text.data, start.data, start.len) == 0;
}

static bool
header_read(struct http_in *h, struct span line)
{
    struct span value;

    switch (line.data[0] | 0x20) {
    case 'c':
        if (header_is(line, SPAN("content-length"), &value)) {
            h->length = 0;
            for (size_t i = 0; i < value.len; i++) {
                if (value.data[i] < '0' || value.data[i] > '9' || h->length > BODY_MAX)
                    return false;
                h->length = h->length * 10 + (uint64_t)(value.data[i] - '0');
            }
            h->at = HTTP_LENGTH;
        } else if (header_is(line, SPAN("content-type"), &value)) {
            h->is_sse = starts_with(value, SPAN("text/event-stream"));
        } else if (header_is(line, SPAN("connection"), &value)) {
            h->closes = starts_with(value, SPAN("close"));
        }
        break;
    case 't':
        if (header_is(line, SPAN("transfer-encoding"), &value) && starts_with(value, SPAN("chunked")))
            h->at = HTTP_CHUNKS;
        break;
    case 'e':
        if (header_is(line, SPAN("expect"), &value))
            h->wants_continue = starts_with(value, SPAN("100-continue"));
        break;
    case 'm':
        if (header_is(line, SPAN("mcp-session-id"), &value)) {
            if (value.len >= sizeof h->session)
                return false;
            memcpy(h->session, value.data, value.len);
            h->session[value.len] = '\0';
        }
        break;
    default:
        break;
    }
    return true;
}

/* "POST /mcp HTTP/1.1" or "HTTP/1.1 200 OK" */
static bool
first_line_read(struct http_in *h, struct span line)
{
    if (h->is_response) {
        if (line.len < 12 || !starts_with(line, SPAN("HTTP/1.")))
            return false;
        h->status = (line.data[9] - '0') * 100 + (line.data[10] - '0') * 10 + (line.data[11] - '0');
        return h->status >= 100 && h->status <= 999;
    }

    const char *space = memchr(line.data, ' ', line.len);
    size_t      len   = space == NULL ? 0 : (size_t)(space - line.data);
    if (len == 0 || len >= sizeof h->method)
        return false;
    memcpy(h->method, line.data, len);
    h->method[len] = '\0';
    return true;
}

static bool
head_read(struct http_in *h)
{
    const char *at = h->in.data, *end = h->in.data + h->head_len;
    bool        is_first = true;

    while (at < end) {
        const char *eol  = memchr(at, '\n', (size_t)(end - at)); /* there is one: the head ends with it */
        struct span line = {at, (size_t)(eol - at)};

        at = eol + 1;
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        if (line.len == 0)
            break;
        if (is_first ? !first_line_read(h, line) : !header_read(h, line))
            return false;
        is_first = false;
    }
    return !is_first;
}

static void
body_choose(struct http_in *h)
{
    bool has_none = h->is_response && (h->status == 204 || h->status == 304);

    if (has_none)
        h->at = HTTP_COMPLETE;
    else if (h->at == HTTP_HEAD) /* neither length nor chunks were named */
        h->at = h->is_response ? HTTP_UNTIL_CLOSE : HTTP_COMPLETE;
    if (h->at == HTTP_UNTIL_CLOSE)
        h->closes = true;
}

static enum http_step
head_step(struct http_in *h)
{
    const char *end = memmem(h->in.data, h->in.len, "\r\n\r\n", 4);

    if (end == NULL)
        return h->in.len > HEAD_MAX ? HTTP_BROKEN : HTTP_MORE;
    h->head_len = h->parsed = (size_t)(end - h->in.data) + 4;
    if (!head_read(h))
        return HTTP_BROKEN;
    if (h->is_response && h->status < 200) { /* an interim answer: the one that counts follows */
        http_next(h);
        return http_step(h);
    }
    body_choose(h);
    return HTTP_DONE;
}

/* Takes whole chunks from `parsed` on: size in hex, CRLF, data, CRLF; the last has size 0 and perhaps trailers. */
static enum http_step
chunks_step(struct http_in *h)
{
    for (;;) {
        const char *at  = h->in.data + h->parsed;
        size_t      len = h->in.len - h->parsed;
        const char *eol = len == 0 ? NULL : memchr(at, '\n', len);

        if (eol == NULL)
            return len > HEAD_MAX ? HTTP_BROKEN : HTTP_MORE;

        if (!isxdigit((unsigned char)*at))
            return HTTP_BROKEN;
        uint64_t size = strtoull(at, NULL, 16); /* stops at the CR, at the latest at the LF */
        size_t   line = (size_t)(eol - at) + 1;
        if (size > BODY_MAX)
            return HTTP_BROKEN;
        if (size == 0) {
            const char *end = memmem(eol - 1, len - line + 2, "\r\n\r\n", 4);
            if (end == NULL)
                return HTTP_MORE;
            h->parsed = (size_t)(end - h->in.data) + 4;
            h->body   = (struct span){h->decoded.data, h->decoded.len};
            h->at     = HTTP_COMPLETE;
            return HTTP_DONE;
        }
        if (len < line + size + 2)
            return HTTP_MORE;
        bytes_add(&h->decoded, (struct span){eol + 1, (size_t)size});
        h->parsed += line + (size_t)size + 2;
    }
}

enum http_step
http_step(struct http_in *h)
{
    if (h->at == HTTP_HEAD) {
        enum http_step step = h->in.len == 0 ? HTTP_MORE : head_step(h);
        if (step != HTTP_DONE)
            return step;
    }
    if (h->at == HTTP_CHUNKS)
        return chunks_step(h);
    if (h->at == HTTP_LENGTH) {
        if (h->length > BODY_MAX)
            return HTTP_BROKEN;
        if (h->in.len - h->head_len < h->length)
            return HTTP_MORE;
        h->body   = (struct span){h->in.data + h->head_len, (size_t)h->length};
        h->parsed = h->head_len + (size_t)h->length;
        h->at     = HTTP_COMPLETE;
    }
    return h->at == HTTP_COMPLETE ? HTTP_DONE : HTTP_MORE;
}

enum http_step
http_end(struct http_in *h)
{
    if (h->at != HTTP_UNTIL_CLOSE)
        return HTTP_BROKEN;
    h->body   = (struct span){h->in.data + h->head_len, h->in.len - h->head_len};
    h->parsed = h->in.len;
    h->at     = HTTP_COMPLETE;
    return HTTP_DONE;
}

void
http_next(struct http_in *h)
{
    bytes_drop(&h->in, h->parsed);
    h->at         = HTTP_HEAD;
    h->status     = 0;
    h->method[0]  = '\0';
    h->session[0] = '\0';
    h->closes = h->is_sse = h->wants_continue = false;
    h->head_len = h->parsed = 0;
    h->length               = 0;
    h->decoded.len          = 0;
    h->body                 = (struct span){0};
}

void
http_clear(struct http_in *h)
{
    bytes_clear(&h->in);
    bytes_clear(&h->decoded);
    *h = (struct http_in){.is_response = h->is_response};
}
