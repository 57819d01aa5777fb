#include "cli/running.h"

#include "base/file.h"
#include "daemon/info.h"

enum { GATEWAYS_MAX = 16 };

#define HEALTH_WAIT SECONDS(2)
#define API_WAIT    SECONDS(10)

static bool
answers(const struct running *r)
{
    char         url[96];
    struct fetch f = {.url = url, .wait = HEALTH_WAIT};

    snprintf(url, sizeof url, "http://127.0.0.1:%u/healthz", r->port);
    bool ok = fetch(&f, NULL) && f.status == 200;
    buffer_clear(&f.answer);
    return ok;
}

bool
running_find(struct cli *cli, struct running *out)
{
    struct daemon_info all[GATEWAYS_MAX];
    size_t             count = daemon_info_list(&cli->settings, all, GATEWAYS_MAX);

    for (size_t i = 0; i < count; i++) {
        *out = (struct running){.pid = all[i].pid, .port = all[i].port};
        snprintf(out->url, sizeof out->url, "http://localhost:%u", out->port);
        if (answers(out))
            return true;
    }
    return false;
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
    struct fetch f  = {.url = url, .authorization = str_from(bearer), .wait = API_WAIT};
    bool         ok = fetch(&f, err);
    if (ok && f.status != 200)
        ok = error_set(err, ERROR_PROTOCOL, "the gateway answered %s with %d", path, f.status);
    if (ok)
        *answer = f.answer;
    else
        buffer_clear(&f.answer);
    return ok;
}
