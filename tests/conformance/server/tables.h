/* tests/conformance/server/tables.h: what the test server of the official conformance suite offers.
 *
 * Each scenario of @modelcontextprotocol/conformance calls tools, prompts and resources by fixed names. They stand
 * here, a file a subject, as tables and handlers alone: nothing in this folder knows a revision or a transport. */
#ifndef GATEHOUSE_TESTS_CONFORMANCE_TABLES_H
#define GATEHOUSE_TESTS_CONFORMANCE_TABLES_H

#include "mcp/service/service.h"

extern const struct tool              content_tools[]; /* content.c: results of every kind */
extern const struct tool              asking_tools[];  /* asking.c: what is asked of a client, once */
extern const struct tool              rounds_tools[];  /* rounds.c: what takes several rounds */
extern const struct tool              task_tools[];    /* tasks.c */
extern const struct tool              change_tools[];  /* changes.c: what is told without being asked for */
extern const struct resource          test_resources[];
extern const struct resource_template test_templates[];
extern const struct prompt            test_prompts[];

/* All of it as one table. */
const struct service_table *conformance_table(void);

/* One question to a model, as the parameters of sampling/createMessage. */
yyjson_mut_val *sampling_of(struct request *r, struct str text);
/* The first text of a model's answer. */
struct str sampling_text(yyjson_val *answer);
/* A member of what a person filled in, or STR_NONE; an answer may be NULL, or no consent. */
struct str elicitation_string(yyjson_val *answer, const char *name);

#endif
