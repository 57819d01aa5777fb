/* src/cli/call/list.h: what a server has: its tools with their arguments, its resources, its prompts. */
#ifndef GATEHOUSE_CLI_CALL_LIST_H
#define GATEHOUSE_CLI_CALL_LIST_H

#include <yyjson.h>

#include "cli/cli.h"

/* What is asked of a server to know what it has. */
struct list_kind {
    const char *method;     /* "tools/list" */
    const char *key;        /* "tools": of its result, and of what is printed */
    const char *capability; /* the server says that it has such; */
    const char *one;        /* "tool" */
};

enum { LIST_TOOLS, LIST_RESOURCES, LIST_TEMPLATES, LIST_PROMPTS, LIST_KINDS };

/* Ends with one without method. */
extern const struct list_kind list_kinds[LIST_KINDS + 1];

/* All of `list`, an array as it came, under a line that says how many. Nothing when there are none. */
bool list_print(struct cli *cli, const struct list_kind *kind, yyjson_val *list, struct buffer *out);
/* The arguments of one tool: name, type, whether it is needed, what it is. */
bool list_print_arguments(struct cli *cli, yyjson_val *tool, struct buffer *out);
/* By its name. NULL: there is none. */
yyjson_val *list_find(yyjson_val *list, struct str name);
/* The most alike; data is NULL: none is near. */
struct str list_nearest(yyjson_val *list, struct str name);

#endif
