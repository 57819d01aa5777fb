#include <assert.h>

#include "http/link.h"

/* Answers are put together with memcpy in the connection's queue: a printf here would cost more than the parser. */

enum { HEAD_ROOM = 160, CHUNK_ROOM = 16 + 2 }; /* status line, length, connection; hex digits and line ends */

static struct link *
link_of(struct http_request *r)
{
    return LIST_OF(struct link, r, request);
}

static char *
put(char *to, struct str s)
{
    memcpy(to, s.data, s.len);
    return to + s.len;
}

static char *
put_number(char *to, uint64_t number)
{
    char digits[STR_DIGITS];

    return put(to, str_of_u64(digits, number));
}

static char *
put_hex(char *to, size_t number)
{
    char   digits[16];
    size_t at = sizeof digits;

    do
        digits[--at] = "0123456789abcdef"[number & 15];
    while ((number >>= 4) > 0);
    return put(to, str_of(digits + at, sizeof digits - at));
}

/* A value never ends its line: where it came from does not matter here. */
static char *
put_value(char *to, struct str value)
{
    if (value.len == 0)
        return to;
    char *end = put(to, value);
    if (memchr(to, '\n', value.len) != NULL || memchr(to, '\r', value.len) != NULL ||
        memchr(to, '\0', value.len) != NULL)
        for (char *c = to; c < end; c++)
            *c = (unsigned char)*c < ' ' && *c != '\t' ? ' ' : *c;
    return end;
}

/* RFC 9110 section 5.6.7, in words that no locale changes. */
static void
put_date(struct buffer *into, int64_t second)
{
    static const char days[7][4]    = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t            time          = (time_t)second;
    struct tm         date;

    gmtime_r(&time, &date);
    buffer_printf(into, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[date.tm_wday], date.tm_mday,
                  months[date.tm_mon], date.tm_year + 1900, date.tm_hour, date.tm_min, date.tm_sec);
}

/* The lines that every answer carries; made once a second. */
static struct str
common_lines(struct http_server *s)
{
    int64_t second = clock_wall_of(net_now(s->net)) / SECONDS(1);

    if (second != s->common_at) {
        s->common_at = second;
        buffer_reset(&s->common);
        put_date(&s->common, second);
        buffer_append(&s->common, buffer_str(&s->fixed));
    }
    return buffer_str(&s->common);
}

static char *
put_status(char *to, int status)
{
    to = put(to, STR("HTTP/1.1 "));
    to = put_number(to, (uint64_t)status);
    to = put(to, STR(" "));
    to = put(to, http_status_text(status));
    return put(to, STR("\r\n"));
}

static size_t
head_size(struct str common, const struct http_header *headers, size_t count)
{
    size_t size = HEAD_ROOM + common.len;

    for (size_t i = 0; i < count; i++)
        size += headers[i].name.len + headers[i].value.len + 4;
    return size;
}

static bool
has_no_length(int status)
{
    return status == 204 || status == 304;
}

/* Decides how the client sees where the body ends. */
static void
begin(struct link *l, int status, int64_t length)
{
    struct answer *a = &l->answer;

    a->begun       = true;
    a->has_no_body = l->request.method == HTTP_METHOD_HEAD || has_no_length(status);
    a->is_counted  = length >= 0;
    a->left        = a->is_counted ? (uint64_t)length : 0;
    a->is_chunked  = !a->is_counted && !l->framing.is_http10;
    if (l->state == LINK_BODY)
        link_answers_early(l);
    if ((!a->is_counted && l->framing.is_http10 && !a->has_no_body) || l->server->draining)
        l->closes = true;
}

bool
http_answer_head(struct http_request *r, int status, const struct http_header *headers, size_t count, int64_t length)
{
    struct link *l = link_of(r);

    if (l->state == LINK_CLOSED)
        return false;
    assert(!l->answer.begun && status >= 200 && status <= 999);
    begin(l, status, length);
    struct str common = common_lines(l->server);
    char      *start  = conn_reserve(l->conn, head_size(common, headers, count));
    if (start == NULL)
        return false;
    char *to = put(put_status(start, status), common);
    for (size_t i = 0; i < count; i++) {
        to = put(put(to, headers[i].name), STR(": "));
        to = put(put_value(to, headers[i].value), STR("\r\n"));
    }
    if (l->answer.is_counted && !has_no_length(status))
        to = put(put_number(put(to, STR("Content-Length: ")), l->answer.left), STR("\r\n"));
    else if (l->answer.is_chunked && !has_no_length(status))
        to = put(to, STR("Transfer-Encoding: chunked\r\n"));
    if (l->closes)
        to = put(to, STR("Connection: close\r\n"));
    else if (l->framing.is_http10)
        to = put(to, STR("Connection: keep-alive\r\n"));
    to = put(to, STR("\r\n"));
    conn_reserved(l->conn, (size_t)(to - start));
    return true;
}

static bool
write_chunk(struct conn *conn, struct str bytes)
{
    bool  at_once = bytes.len >= CONN_AT_ONCE;
    char *start   = conn_reserve(conn, CHUNK_ROOM + (at_once ? 0 : bytes.len + 2));

    if (start == NULL)
        return false;
    char *to = put(put_hex(start, bytes.len), STR("\r\n"));
    if (!at_once)
        to = put(put(to, bytes), STR("\r\n"));
    conn_reserved(conn, (size_t)(to - start));
    return !at_once || (conn_write(conn, bytes) && conn_write(conn, STR("\r\n")));
}

bool
http_answer_write(struct http_request *r, struct str bytes)
{
    struct link   *l = link_of(r);
    struct answer *a = &l->answer;

    if (l->state == LINK_CLOSED)
        return false;
    assert(a->begun);
    if (a->is_counted && bytes.len > a->left) {
        a->is_over = true;
        bytes      = str_take(bytes, (size_t)a->left);
    }
    a->left -= a->is_counted ? bytes.len : 0;
    if (a->has_no_body || bytes.len == 0)
        return !conn_is_full(l->conn);
    bool taken = a->is_chunked ? write_chunk(l->conn, bytes) : conn_write(l->conn, bytes);
    return taken && !conn_is_full(l->conn);
}

void
http_answer_cut(struct http_request *r)
{
    struct link   *l = link_of(r);
    struct answer *a = &l->answer;

    if (l->state == LINK_CLOSED)
        return;
    r->on_gone = NULL;
    if (a->begun && !a->is_counted && !a->is_chunked)
        link_reset(l); /* an end of the connection would look like the end of the answer */
    else
        link_finish(l);
}

void
http_answer_end(struct http_request *r)
{
    struct link   *l = link_of(r);
    struct answer *a = &l->answer;

    if (l->state == LINK_CLOSED)
        return;
    assert(a->begun);
    if (a->is_over || (a->is_counted && a->left > 0 && !a->has_no_body)) {
        http_answer_cut(r);
        return;
    }
    if (a->is_chunked && !a->has_no_body)
        conn_write(l->conn, STR("0\r\n\r\n"));
    link_answered(l);
}

void
http_answer(struct http_request *r, int status, const struct http_header *headers, size_t count, struct str body)
{
    if (http_answer_head(r, status, headers, count, (int64_t)body.len))
        http_answer_write(r, body);
    else
        link_of(r)->answer.left = 0;
    http_answer_end(r);
}

size_t
http_answer_queued(const struct http_request *r)
{
    const struct link *l = LIST_OF(struct link, (uintptr_t)r, request);

    return l->conn == NULL ? 0 : conn_queued(l->conn);
}

struct budget *
http_request_budget(const struct http_request *r)
{
    return LIST_OF(struct link, (uintptr_t)r, request)->server->net->budget;
}

void
http_request_forget(struct http_request *r)
{
    framing_forget(&link_of(r)->framing);
}

void
answer_refuse(struct link *l, int status, const char *why)
{
    static const struct http_header type = {{"Content-Type", 12}, {"application/json", 16}};
    char                            body[200];

    l->closes = true;
    if (l->answer.begun) {
        http_answer_cut(&l->request);
        return;
    }
    int len = snprintf(body, sizeof body, "{\"error\":{\"code\":%d,\"message\":\"%s\"}}\n", status, why);
    http_answer(&l->request, status, &type, 1, str_of(body, (size_t)len));
}

void
answer_continue(struct link *l)
{
    conn_write(l->conn, STR("HTTP/1.1 100 Continue\r\n\r\n"));
}
