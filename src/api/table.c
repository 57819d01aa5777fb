#include "api/routes.h"

/* clang-format off */
const struct route api_routes[] = {
    {HTTP_METHOD_GET,    "/",                            true,  landing_page,   NULL,          "What this is."},
    {HTTP_METHOD_GET,    "/healthz",                     true,  health_live,    NULL,          "Whether it runs."},
    {HTTP_METHOD_GET,    "/readyz",                      true,  health_ready,   NULL,          "Whether calls are taken and recorded."},
    {0},
};
/* clang-format on */
