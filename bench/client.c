#include "client.h"

#include "json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define REVISION     "2025-11-25"
#define MODERN       "2026-07-28"
#define OPEN_TIMEOUT 30 /* s: a bridge in Node starts a process for each session */

bool
target_parse(struct target *t, const char *url)
{
    static const char scheme[] = "http://";
    size_t            host_len = 0;
    char             *end      = NULL;

    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return false;
    url += sizeof scheme - 1;
    host_len = url[0] == '[' ? strcspn(url, "]") + 1 : strcspn(url, ":/");
    if (host_len == 0 || host_len >= sizeof t->host || url[host_len] != ':')
        return false;
    memcpy(t->host, url, host_len);
    t->host[host_len] = '\0';

    unsigned long port = strtoul(url + host_len + 1, &end, 10);
    if (port == 0 || port > UINT16_MAX || strlen(end) >= sizeof t->path)
        return false;
    t->port = (uint16_t)port;
    snprintf(t->path, sizeof t->path, "%s", *end == '\0' ? "/" : end);
    return true;
}

void
client_init(struct client *c, const struct target *t)
{
    *c = (struct client){.target = t, .fd = -1, .in = {.is_response = true}};
}

static bool
failed(struct client *c, const char *what)
{
    snprintf(c->why, sizeof c->why, "%s: %s", what, errno == EAGAIN ? "no answer in time" : strerror(errno));
    return false;
}

bool
client_connect(struct client *c, bool quietly)
{
    const struct target *t      = c->target;
    bool                 is_six = t->host[0] == '[';
    struct sockaddr_in   four   = {
            .sin_family = AF_INET, .sin_port = htons(t->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 six   = {.sin6_family = AF_INET6, .sin6_port = htons(t->port), .sin6_addr = in6addr_loopback};
    struct sockaddr    *at    = is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    struct timeval      limit = {.tv_sec = OPEN_TIMEOUT};
    int                 one   = 1;

    client_close(c);
    c->fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, at, is_six ? sizeof six : sizeof four) < 0) {
        int reason = errno;
        client_close(c);
        errno = reason;
        return quietly ? false : failed(c, "connecting");
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return true;
}

void
client_add_head(const struct client *c, struct bytes *out, struct rpc rpc, size_t body_len)
{
    bytes_addf(out,
               "POST %s HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: gatehouse-bench\r\nContent-Type: application/json\r\n"
               "Accept: application/json, text/event-stream\r\nContent-Length: %zu\r\n",
               c->target->path, c->target->host, c->target->port, body_len);
    if (c->is_modern)
        bytes_addf(out, "MCP-Protocol-Version: " MODERN "\r\nMcp-Method: %s\r\n", rpc.method);
    if (c->is_modern && rpc.name != NULL)
        bytes_addf(out, "Mcp-Name: %s\r\n", rpc.name);
    if (c->is_open && !c->is_modern)
        bytes_addf(out, "MCP-Protocol-Version: " REVISION "\r\n");
    if (c->session[0] != '\0')
        bytes_addf(out, "Mcp-Session-Id: %s\r\n", c->session);
    bytes_add(out, SPAN("\r\n"));
}

static bool
send_all(struct client *c, struct span text)
{
    for (size_t done = 0; done < text.len;) {
        ssize_t len = send(c->fd, text.data + done, text.len - done, MSG_NOSIGNAL);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return failed(c, "sending");
        done += (size_t)len;
    }
    return true;
}

static bool
receive_message(struct client *c)
{
    enum http_step step = HTTP_MORE;

    while ((step = http_step(&c->in)) == HTTP_MORE) {
        ssize_t len = recv(c->fd, bytes_room(&c->in.in, 65536), 65536, 0);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return failed(c, "receiving");
        if (len == 0) {
            step = http_end(&c->in);
            break;
        }
        c->in.in.len += (size_t)len;
    }
    if (step == HTTP_BROKEN)
        snprintf(c->why, sizeof c->why, "the answer was cut short, or is no HTTP");
    return step == HTTP_DONE;
}

bool
client_exchange(struct client *c, struct rpc rpc, struct span body)
{
    struct bytes request = {0};
    bool         ok      = true;

    if (c->fd < 0)
        ok = client_connect(c, false);
    client_add_head(c, &request, rpc, body.len);
    bytes_add(&request, body);
    ok = ok && send_all(c, (struct span){request.data, request.len}) && receive_message(c);
    bytes_clear(&request);
    return ok;
}

static void
message_done(struct client *c)
{
    bool closes = c->in.closes;

    http_next(&c->in);
    if (closes)
        client_close(c);
}

/* Asks what opens, and takes an answer that has a result. */
static bool
ask_to_open(struct client *c, const char *method, struct span body)
{
    struct span message, result;

    if (!client_exchange(c, (struct rpc){method, NULL}, body))
        return false;
    if (c->in.status == 200 && client_message(&c->in, &message) && json_at(message, "result", &result))
        return true;
    snprintf(c->why, sizeof c->why, "%s was answered %d: %.*s", method, c->in.status,
             (int)(c->in.body.len > 160 ? 160 : c->in.body.len), c->in.body.data == NULL ? "" : c->in.body.data);
    return false;
}

static bool
open_session(struct client *c)
{
    static const char initialized[] = "notifications/initialized";

    if (!ask_to_open(c, "initialize",
                     SPAN("{\"jsonrpc\":\"2.0\",\"id\":\"open\",\"method\":\"initialize\",\"params\":"
                          "{\"protocolVersion\":\"" REVISION "\",\"capabilities\":{},\"clientInfo\":"
                          "{\"name\":\"gatehouse-bench\",\"version\":\"1.0.0\"}}}")))
        return false;
    memcpy(c->session, c->in.session, sizeof c->session);
    c->is_open = true;
    message_done(c);

    if (!client_exchange(c, (struct rpc){initialized, NULL},
                         SPAN("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}")))
        return false;
    if (c->in.status / 100 == 2)
        return true;
    snprintf(c->why, sizeof c->why, "%s was answered %d", initialized, c->in.status);
    return false;
}

bool
client_open(struct client *c)
{
    c->is_open    = false;
    c->session[0] = '\0';
    if (!client_connect(c, false))
        return false;
    bool ok = c->is_modern ? ask_to_open(c, "server/discover",
                                         SPAN("{\"jsonrpc\":\"2.0\",\"id\":\"open\",\"method\":\"server/discover\","
                                              "\"params\":{" CLIENT_ENVELOPE "}}"))
                           : open_session(c);
    if (!ok)
        return false;
    message_done(c);
    return c->fd >= 0 || client_connect(c, false);
}

void
client_close(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd        = -1;
    c->in.in.len = 0;
    c->in.parsed = 0;
    http_next(&c->in);
}

void
client_clear(struct client *c)
{
    client_close(c);
    http_clear(&c->in);
}

bool
client_message(const struct http_in *in, struct span *message)
{
    const char *at = in->body.data, *end = at + in->body.len;
    bool        found = false;

    if (!in->is_sse) {
        *message = in->body;
        return in->body.len > 0;
    }
    while (at < end) { /* each message is one line of data; an event that only carries an id has none */
        const char *eol  = memchr(at, '\n', (size_t)(end - at));
        struct span line = {at, (size_t)((eol == NULL ? end : eol) - at)};

        at = eol == NULL ? end : eol + 1;
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        if (line.len > 6 && memcmp(line.data, "data:", 5) == 0) {
            *message = (struct span){line.data + 5, line.len - 5};
            found    = true;
        }
    }
    return found;
}
