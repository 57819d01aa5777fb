/* build/conformance-server: what the official conformance suite calls, at /mcp or on stdio. */
#include "serve.h"
#include "tables.h"

int
main(int argc, char **argv)
{
    return serve(argc, argv, conformance_table());
}
