#include "daemon/daemon.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "base/file.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/signals.h"
#include "daemon/info.h"
#include "daemon/reload.h"
#include "daemon/served.h"
#include "daemon/services.h"
#include "guard/origin.h"
#include "guard/peer.h"
#include "guard/refuse.h"

enum { PORT_TRIES = 20 };

#define LAST_WORDS MILLISECONDS(300)

/* Everything that a running Gatehouse is made of, in the order of its making. */
struct daemon {
    const struct settings *settings; /* `now` */
    struct settings        now;      /* those of the start, and what SIGHUP changed */
    struct reload          reload;
    struct loop            loop;
    struct heap_care       heap;
    struct budget          budget;
    struct net             net;
    struct local_token     token;
    struct session_key     session_key;
    struct registry       *first;
    struct traffic        *traffic;
    struct http_client    *client;
    struct children       *children;
    struct services       *services;
    struct gateway        *gateway;
    struct registry_watch *watch;
    struct errands         errands;
    struct api            *api;
    struct served          served;
    struct http_server    *server;
    struct origin_rules    origin;
    struct peer_check      peer;
    struct registry_source source;
    struct signals         signals;
    struct timer           deadline, poll;
    bool                   is_loop_up, is_net_up, is_draining, is_drained, is_cut;
    char                   traffic_path[PATH_MAX], registry_path[PATH_MAX];
    char                   url[64];
};

/* "Nobody speaks from our origin": on every answer. */
static const char fixed_headers[] = "X-Content-Type-Options: nosniff\r\n"
                                    "Content-Security-Policy: sandbox; default-src 'none'\r\n";

static void
on_head(void *owner, struct http_request *r)
{
    struct daemon *d   = owner;
    struct error   err = {0};

    bool is_page = !gateway_owns(r->path) && !str_starts(r->path, STR("/api")) && !served_owns(r->path);
    if (!origin_check(&d->origin, r, is_page, &err))
        refuse(r, 403, "FORBIDDEN", err.text, NULL);
    else if (gateway_owns(r->path))
        gateway_take_head(d->gateway, r);
    else if (api_owns(r->path))
        api_take_head(d->api, r);
    else if (served_owns(r->path))
        served_take_head(&d->served, r);
    else if (str_eq(r->path, STR("/mcp")))
        refuse(r, 404, "NOT_FOUND",
               "aggregation comes with a later version; a server is at /s/{name}/mcp, Gatehouse's own at "
               "/gateway/mcp",
               NULL);
    else
        refuse(r, 404, "NOT_FOUND", "nothing is here; a server is at /s/{name}/mcp, the API at /api", NULL);
}

static void
on_request(void *owner, struct http_request *r)
{
    struct daemon *d = owner;

    if (gateway_owns(r->path))
        gateway_take_request(d->gateway, r);
    else if (served_owns(r->path))
        served_take_request(&d->served, r);
    else
        api_take_request(d->api, r);
}

/* Another user's process is turned away before a byte of it is read. */
static bool
may_connect(void *owner, int fd)
{
    const struct daemon *d = owner;

    return !d->settings->http.peer_uid || peer_is_ours(&d->peer, fd);
}

static const struct http_server_events server_events = {
    .may_connect = may_connect, .on_head = on_head, .on_request = on_request};

static void
on_registry(void *owner, struct registry *fresh)
{
    struct daemon *d = owner;

    if (fresh->file_error.code != ERROR_NONE)
        log_line(LOG_WARN, "%s; the servers stay as they were", fresh->file_error.text);
    gateway_set_registry(d->gateway, fresh);
}

/* Both loopbacks on the same port; a machine without IPv6 has one. */
static bool
listen_on(struct daemon *d, uint16_t wanted, uint16_t *port, struct error *err)
{
    struct error six = {0};

    if (!http_server_listen(d->server, "127.0.0.1", wanted, port, err))
        return false;
    if (http_server_listen(d->server, "::1", *port, NULL, &six))
        return true;
    if (six.code == ERROR_BUSY || six.code == ERROR_DENIED) {
        *err = six;
        return false;
    }
    log_line(LOG_DEBUG, "no listening on ::1: %s", six.text);
    return true;
}

static struct http_limits
limits_of(const struct settings *s)
{
    struct http_limits limits = http_limits_default;

    limits.header_bytes = s->http.header_bytes;
    limits.body_bytes   = s->http.body_bytes;
    limits.header_read  = s->http.header_read;
    limits.body_read    = s->http.body_read;
    limits.body_whole   = 5 * limits.body_read;
    limits.idle         = s->http.idle;
    limits.connections  = (unsigned)s->http.connections;
    return limits;
}

static bool
open_server(struct daemon *d, uint16_t *port, struct error *err)
{
    struct http_limits limits = limits_of(d->settings);

    for (int tries = 0;; tries++) {
        d->server = http_server_new(&d->net, &limits, str_from(fixed_headers), &server_events, d, err);
        if (d->server == NULL)
            return false;
        if (listen_on(d, (uint16_t)d->settings->port, port, err))
            return true;
        http_server_free(d->server);
        d->server = NULL;
        if (d->settings->port != 0 || tries == PORT_TRIES)
            return false;
    }
}

static bool
read_home(struct daemon *d, struct error *err)
{
    const struct settings *s = d->settings;
    char                   home[PATH_MAX], path[PATH_MAX], keys[PATH_MAX];

    snprintf(home, sizeof home, "%.*s", STR_ARG(s->home));
    if (!home_prepare(home, err))
        return false;
    if (!home_path(path, sizeof path, s, "token") || !home_path(keys, sizeof keys, s, "keys") ||
        !home_path(d->traffic_path, sizeof d->traffic_path, s, "traffic.db") ||
        !home_path(d->registry_path, sizeof d->registry_path, s, "mcp.json"))
        return error_set(err, ERROR_INVALID, "the path of the home is too long");
    if (!local_token_load(&d->token, path, err) || !file_make_directory(keys, err) ||
        !home_path(keys, sizeof keys, s, "keys/session") || !session_key_load(&d->session_key, keys, err))
        return false;
    d->source = (struct registry_source){.path = d->registry_path, .environment = environ, .has_built_in = true};
    d->first  = registry_load(&d->source, NULL);
    if (d->first == NULL)
        return error_set(err, ERROR_MEMORY, "no memory to read %s", d->registry_path);
    if (d->first->file_error.code != ERROR_NONE)
        log_line(LOG_WARN, "%s", d->first->file_error.text);
    return true;
}

/* Of memory.max: what the log may hold while all the rest is spent, so that small calls are recorded then too. Reading
 * stops when more is on its way to it. */
static size_t
log_share(const struct settings *s)
{
    size_t share = s->memory.max / 8;

    return share < traffic_defaults.queue_max ? share : traffic_defaults.queue_max;
}

static size_t
budget_of(const struct settings *s)
{
    return s->memory.max - (s->capture.enabled ? log_share(s) : 0);
}

static struct traffic_options
options_of(const struct settings *s)
{
    struct traffic_options options = traffic_defaults;

    options.retention_age_us = s->retention.age;
    options.retention_bytes  = s->retention.size;
    options.refuse_when_full = s->capture.on_full == ON_FULL_REFUSE;
    options.share            = log_share(s);
    return options;
}

static bool
open_traffic(struct daemon *d, struct error *err)
{
    struct traffic_options options = options_of(d->settings);

    if (!d->settings->capture.enabled)
        return true;
    options.budget = &d->budget;
    return traffic_open(&d->traffic, d->traffic_path, &options, err);
}

static bool
open_loop(struct daemon *d, struct error *err)
{
    char helper[PATH_MAX];

    if (!loop_init(&d->loop, err))
        return false;
    d->is_loop_up = true;
    heap_care_start(&d->heap, &d->loop);
    d->budget.max = budget_of(d->settings);
    if (!net_init(&d->net, &d->loop, &d->budget, err))
        return false;
    d->is_net_up = true;
    d->client    = http_client_new(&d->net, &http_client_limits_default, err);
    if (d->client == NULL || !children_find_helper(helper, sizeof helper, err))
        return false;
    d->children = children_new(&d->loop, helper, err);
    if (d->children == NULL)
        return false;
    children_set_budget(d->children, &d->budget);
    return true;
}

static struct service *
find_service(void *owner, struct str name, struct error *err)
{
    return services_find(((struct daemon *)owner)->services, name, err);
}

static bool
open_gateway(struct daemon *d, struct error *err)
{
    struct services_parts services = {
        .loop = &d->loop, .session_key = &d->session_key, .settings = d->settings, .environment = environ};
    struct gateway_parts parts = {.loop          = &d->loop,
                                  .settings      = d->settings,
                                  .client        = d->client,
                                  .children      = d->children,
                                  .traffic       = d->traffic,
                                  .session_key   = &d->session_key,
                                  .environment   = environ,
                                  .token         = str_from(d->token.text),
                                  .service       = find_service,
                                  .service_owner = d};

    d->services = services_new(&services);
    if (d->services == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    d->gateway = gateway_new(&parts, d->first, err);
    if (d->gateway == NULL)
        return false;
    d->watch = registry_watch_new(&d->loop, &d->source, d->first, on_registry, d, err);
    errands_init(&d->errands, &d->loop, d->gateway, d->watch);
    return d->watch != NULL;
}

static bool
open_api(struct daemon *d, uint16_t port, struct error *err)
{
    struct api_parts parts = {.settings      = d->settings,
                              .gateway       = d->gateway,
                              .errands       = &d->errands,
                              .traffic       = d->traffic,
                              .traffic_path  = d->traffic_path,
                              .registry_path = d->registry_path,
                              .token         = &d->token,
                              .port          = port};

    d->origin = (struct origin_rules){.port = port, .allowed_hosts = d->settings->http.allowed_hosts};
    d->api    = api_new(&parts, err);
    return d->api != NULL;
}

static bool
open_served(struct daemon *d, uint16_t port, struct error *err)
{
    struct admin_parts parts = {.loop          = &d->loop,
                                .settings      = d->settings,
                                .gateway       = d->gateway,
                                .errands       = &d->errands,
                                .session_key   = &d->session_key,
                                .traffic_path  = d->traffic_path,
                                .registry_path = d->registry_path,
                                .port          = port};

    return served_open(&d->served, &parts, &d->token, err);
}

static void
on_drained(void *owner)
{
    ((struct daemon *)owner)->is_drained = true;
}

/* The time for draining is over: what is still in flight is told, and has a moment to hear it. */
static void
end_drain(struct timer *deadline)
{
    struct daemon *d = LIST_OF(struct daemon, deadline, deadline);

    if (d->is_cut) {
        loop_stop(&d->loop);
        return;
    }
    d->is_cut = true;
    gateway_cut(d->gateway);
    served_cut(&d->served);
    loop_set_timer(&d->loop, &d->deadline, clock_mono() + LAST_WORDS);
}

/* Draining is over when every connection has closed and every exchange is answered. */
static void
look_whether_drained(struct timer *poll)
{
    struct daemon *d = LIST_OF(struct daemon, poll, poll);

    if (d->is_drained && gateway_in_flight(d->gateway) + served_in_flight(&d->served) == 0)
        loop_stop(&d->loop);
    else
        loop_set_timer(&d->loop, &d->poll, clock_mono() + MILLISECONDS(20));
}

static void
drain(struct daemon *d)
{
    mono_time now = clock_mono();

    if (d->is_draining) { /* asked twice: at once */
        loop_stop(&d->loop);
        return;
    }
    d->is_draining = true;
    gateway_drain(d->gateway);
    served_drain(&d->served);
    http_server_drain(d->server, on_drained);
    loop_set_timer(&d->loop, &d->deadline, now + d->settings->drain);
    loop_set_timer(&d->loop, &d->poll, now);
}

/* Those parts that have values of their own; the others look into `now`. */
static void
on_settings(void *owner)
{
    struct daemon         *d       = owner;
    struct http_limits     limits  = limits_of(&d->now);
    struct traffic_options options = options_of(&d->now);

    log_set_level((enum log_level)d->now.log.level);
    d->budget.max           = budget_of(&d->now);
    d->origin.allowed_hosts = d->now.http.allowed_hosts;
    http_server_set_limits(d->server, &limits);
    if (d->traffic != NULL)
        traffic_set_options(d->traffic, &options);
    gateway_settings_changed(d->gateway);
}

static void
on_signal(void *owner, int number)
{
    struct daemon *d = owner;

    if (number != SIGHUP) {
        drain(d);
        return;
    }
    registry_watch_look(d->watch, true);
    reload_look(&d->reload);
}

static void
watch_signals(struct daemon *d)
{
    signals_watch(&d->signals, &d->loop, on_signal, d);
    timer_init(&d->deadline, end_drain);
    timer_init(&d->poll, look_whether_drained);
}

static void
on_children_gone(void *arg)
{
    loop_stop(arg);
}

/* Each part is there or NULL; what uses another goes first. */
static void
take_apart(struct daemon *d)
{
    reload_close(&d->reload);
    daemon_info_remove(d->settings);
    http_server_free(d->server);
    errands_close(&d->errands);
    served_close(&d->served);
    registry_watch_free(d->watch);
    gateway_free(d->gateway);
    services_free(d->services);
    api_free(d->api);
    if (d->children != NULL && children_count(d->children) > 0) {
        d->loop.stopping = false;
        children_stop_all(d->children, on_children_gone, &d->loop);
        loop_run(&d->loop);
    }
    children_free(d->children);
    http_client_free(d->client);
    if (d->signals.is_on) {
        loop_clear_timer(&d->loop, &d->deadline);
        loop_clear_timer(&d->loop, &d->poll);
    }
    signals_forget(&d->signals);
    if (d->is_net_up)
        net_clear(&d->net);
    heap_care_stop(&d->heap);
    if (d->is_loop_up)
        loop_clear(&d->loop);
    traffic_close(d->traffic);
    peer_check_close(&d->peer);
    registry_unref(d->first);
    reload_clear(&d->reload);
}

/* Many connections and children need many descriptors: what the hard limit allows. */
static void
raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

bool
daemon_run(const struct settings *settings, const struct settings_source    *source,
           void (*on_ready)(const struct daemon_ready *ready), struct error *err)
{
    struct daemon *d    = calloc(1, sizeof *d);
    uint16_t       port = 0;

    if (d == NULL)
        return error_set(err, ERROR_MEMORY, "no memory");
    d->now      = *settings;
    d->settings = &d->now;
    d->reload = (struct reload){.loop = &d->loop, .from = source, .now = &d->now, .on_change = on_settings, .owner = d};
    d->peer.netlink = -1;
    log_set_level((enum log_level)settings->log.level);
    raise_descriptor_limit();
    heap_init();
    bool ok = (!settings->http.peer_uid || peer_check_open(&d->peer, err)) && read_home(d, err) &&
              open_traffic(d, err) && open_loop(d, err) && open_server(d, &port, err) && open_gateway(d, err) &&
              open_api(d, port, err) && open_served(d, port, err);
    if (ok) {
        watch_signals(d);
        snprintf(d->url, sizeof d->url, "http://localhost:%u", port);
        struct error unwritten = {0};
        if (!daemon_info_write(settings, port, d->url, &unwritten))
            log_line(LOG_WARN, "%s", unwritten.text);
        char home[PATH_MAX];
        snprintf(home, sizeof home, "%.*s", STR_ARG(settings->home));
        on_ready(&(struct daemon_ready){.port     = port,
                                        .url      = d->url,
                                        .home     = home,
                                        .token    = d->token.is_new ? d->token.text : NULL,
                                        .registry = d->first});
        loop_run(&d->loop);
    }
    take_apart(d);
    free(d);
    return ok;
}
