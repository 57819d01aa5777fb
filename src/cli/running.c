#include "cli/running.h"

#include <errno.h>
#include <signal.h>

#include <yyjson.h>

#include "base/file.h"

#define HEALTH_WAIT SECONDS(2)
#define API_WAIT    SECONDS(10)

static bool
read_info(struct cli *cli, struct running *out)
{
    struct buffer text = {.max = KIB(4)};
    const char   *path = cli_home_file(cli, "daemon.json");

    *out = (struct running){0};
    if (path != NULL && file_read(path, &text, NULL)) {
        yyjson_doc *doc  = yyjson_read(buffer_str(&text).data, buffer_len(&text), 0);
        yyjson_val *root = yyjson_doc_get_root(doc);
        out->pid         = (pid_t)yyjson_get_int(yyjson_obj_get(root, "pid"));
        out->port        = (uint16_t)yyjson_get_int(yyjson_obj_get(root, "port"));
        yyjson_doc_free(doc);
    }
    buffer_clear(&text);
    snprintf(out->url, sizeof out->url, "http://localhost:%u", out->port);
    return out->pid > 0 && out->port > 0 && (kill(out->pid, 0) == 0 || errno == EPERM);
}

bool
running_find(struct cli *cli, struct running *out)
{
    char         url[96];
    struct fetch f = {.method = HTTP_METHOD_GET, .wait = HEALTH_WAIT};

    if (!read_info(cli, out))
        return false;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/healthz", out->port);
    f.url   = url;
    bool ok = fetch(&f, NULL) && f.status == 200;
    buffer_clear(&f.answer);
    return ok;
}

bool
running_get(struct cli *cli, const struct running *r, const char *path, struct buffer *answer, struct error *err)
{
    char          url[256], bearer[600];
    struct buffer token = {.max = 512};
    const char   *file  = cli_home_file(cli, "token");

    if (file == NULL || !file_read(file, &token, err)) {
        buffer_clear(&token);
        return false;
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", r->port, path);
    snprintf(bearer, sizeof bearer, "Bearer %.*s", STR_ARG(str_trim(buffer_str(&token))));
    buffer_clear(&token);
    struct fetch f  = {.method       = HTTP_METHOD_GET,
                       .url          = url,
                       .headers      = {{STR("Authorization"), str_from(bearer)}},
                       .header_count = 1,
                       .wait         = API_WAIT};
    bool         ok = fetch(&f, err);
    if (ok && f.status != 200)
        ok = error_set(err, ERROR_PROTOCOL, "the gateway answered %s with %d", path, f.status);
    if (ok)
        *answer = f.answer;
    else
        buffer_clear(&f.answer);
    return ok;
}
