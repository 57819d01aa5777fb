/* bench/streams.c: sessions that only listen: each opened by `initialize`, each with a GET event stream held open.
 *
 *   streams --url http://127.0.0.1:PORT/path --count N [--era legacy|modern]
 *
 * Modern clients have no session: each holds the answer to a `subscriptions/listen` open.
 * Prints a line when all are open, "N open, M failed", then holds them until its stdin ends. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
add_get(const struct client *c, struct bytes *request)
{
    bytes_addf(request,
               "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: gatehouse-bench\r\nAccept: text/event-stream\r\n"
               "MCP-Protocol-Version: 2025-11-25\r\n%s%s%s\r\n",
               c->target->path, c->target->host, c->target->port,
               c->session[0] == '\0' ? "" : "Mcp-Session-Id: ", c->session, c->session[0] == '\0' ? "" : "\r\n");
}

static void
add_listen(const struct client *c, struct bytes *request)
{
    static const char method[] = "subscriptions/listen";
    struct span       body     = SPAN("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/listen\",\"params\":{"
                                                "\"notifications\":{\"toolsListChanged\":true}," CLIENT_ENVELOPE "}}");

    client_add_head(c, request, (struct rpc){method, NULL}, body.len);
    bytes_add(request, body);
}

/* The head of the answer says enough: 200, and an event stream. */
static bool
stream_open(struct client *c)
{
    struct bytes request = {0};

    if (c->is_modern)
        add_listen(c, &request);
    else
        add_get(c, &request);
    bool ok = send(c->fd, request.data, request.len, MSG_NOSIGNAL) == (ssize_t)request.len;
    bytes_clear(&request);

    while (ok && c->in.at == HTTP_HEAD) {
        ssize_t len = recv(c->fd, bytes_room(&c->in.in, 4096), 4096, 0);
        if (len <= 0)
            break;
        c->in.in.len += (size_t)len;
        http_step(&c->in);
    }
    if (c->in.status == 200 && c->in.is_sse)
        return true;
    snprintf(c->why, sizeof c->why, "a stream was answered %d", c->in.status);
    return false;
}

int
main(int argc, char **argv)
{
    struct target target = {0};
    unsigned long count = 0, failed = 0;
    bool          is_modern = false;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--url") == 0 && target_parse(&target, argv[i + 1]))
            continue;
        if (strcmp(argv[i], "--count") == 0)
            count = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--era") == 0)
            is_modern = strcmp(argv[i + 1], "modern") == 0;
    }
    struct client *clients = count == 0 ? NULL : calloc(count, sizeof *clients);
    if (target.port == 0 || clients == NULL) {
        fprintf(stderr, "usage: streams --url http://127.0.0.1:PORT/path --count N [--era legacy|modern]\n");
        return 2;
    }

    allow_many_files();
    for (size_t i = 0; i < count; i++) {
        client_init(&clients[i], &target);
        clients[i].is_modern = is_modern;
        if (client_open(&clients[i]) && stream_open(&clients[i]))
            continue;
        if (failed++ == 0)
            fprintf(stderr, "streams: %s\n", clients[i].why);
        client_close(&clients[i]);
    }
    printf("%lu open, %lu failed\n", count - failed, failed);
    fflush(stdout);

    char ignored[256];
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0)
        continue;
    for (size_t i = 0; i < count; i++)
        client_clear(&clients[i]);
    free(clients);
    return failed == 0 ? 0 : 1;
}
