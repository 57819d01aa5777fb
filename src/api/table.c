#include "api/routes.h"

/* clang-format off */
const struct route api_routes[] = {
    {HTTP_METHOD_GET,    "/",                                true,  landing_page,   NULL,          "What this is."},
    {HTTP_METHOD_GET,    "/healthz",                         true,  health_live,    NULL,          "Whether it runs."},
    {HTTP_METHOD_GET,    "/readyz",                          true,  health_ready,   NULL,          "Whether calls are taken and recorded."},
    {HTTP_METHOD_GET,    "/api/logs",                        false, NULL,           logs_list,     "What passed, filtered, a page at a time."},
    {HTTP_METHOD_GET,    "/api/logs/{id}",                   false, NULL,           log_show,      "One exchange with all its messages."},
    {HTTP_METHOD_POST,   "/api/logs/clear",                  false, NULL,           logs_clear,    "Forgets all that was recorded."},
    {HTTP_METHOD_GET,    "/api/servers",                     false, servers_see,    servers_list,  "The servers, registered or with logs."},
    {HTTP_METHOD_GET,    "/api/sessions",                    false, NULL,           sessions_list, "The sessions in the log."},
    {HTTP_METHOD_GET,    "/api/clients",                     false, NULL,           clients_list,  "The clients in the log."},
    {HTTP_METHOD_GET,    "/api/methods",                     false, NULL,           methods_list,  "The methods in the log."},
    {HTTP_METHOD_GET,    "/api/servers/config",              false, config_see,     config_list,   "The registered servers in full."},
    {HTTP_METHOD_POST,   "/api/servers/config",              false, NULL,           config_add,    "Registers a server."},
    {HTTP_METHOD_GET,    "/api/servers/config/{name}",       false, config_see,     config_show,   "One registered server in full."},
    {HTTP_METHOD_PUT,    "/api/servers/config/{name}",       false, NULL,           config_change, "Changes a server."},
    {HTTP_METHOD_DELETE, "/api/servers/config/{name}",       false, NULL,           config_remove, "Removes a server; its log stays."},
    {HTTP_METHOD_POST,   "/api/servers/{name}/health-check", false, server_check,   NULL,          "How a server is, as far as is known."},
    {HTTP_METHOD_POST,   "/api/servers/{name}/restart",      false, server_restart, NULL,          "Restarts the shared child of a server."},
    {HTTP_METHOD_GET,    "/api/status",                      false, status_see,     status_print,  "The state of everything."},
    {0},
};
/* clang-format on */
