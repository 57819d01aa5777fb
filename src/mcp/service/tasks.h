/* src/mcp/service/tasks.h: calls that a client comes back for. Extension io.modelcontextprotocol/tasks.
 *
 *   working <---> input_required          both to completed, failed or cancelled, which are final
 *
 * A task is found from the moment its id leaves the house until its time is over, and by its principal only. Owned by
 * the network thread, and held in memory.
 *
 * With a store (service_parts.tasks) it is also on the disk, and what a client is told is there already: the answer
 * with its id waits for the write, and so does the end. A call whose task could not be written goes on as if its client
 * followed none: it waits for the result. An end that could not be written is told all the same, and written when that
 * works. A new process has the tasks of the one before; those that ran are failed. */
#ifndef GATEHOUSE_MCP_SERVICE_TASKS_H
#define GATEHOUSE_MCP_SERVICE_TASKS_H

#include "mcp/service/parts.h"

enum { TASK_ID_SIZE = 33, TASKS_MOST = 4096 };

#define TASK_LIFE SECONDS(3600) /* at least, from its making */
#define TASK_POLL MILLISECONDS(500)

/* 128 bits of chance in hex. */
void random_id(char id[TASK_ID_SIZE]);

/* Reads what its store has: may block. NULL: no memory, or they cannot be read. */
struct tasks *tasks_new(struct service *s, struct error *err);
/* Ends those that run. NULL is nothing. */
void tasks_free(struct tasks *all);
/* NULL: there is none, or it is another's. */
struct task *tasks_find(struct tasks *all, struct str id, const char *principal);
struct str   task_id(const struct task *t);

/* The handler's end: of r->doc, NULL for no memory. */
void task_finish(struct task *t, yyjson_mut_val *result);
void task_fail(struct task *t, yyjson_mut_val *error);
/* Its client left before it was told of it. */
void task_abandon(struct task *t);
/* The client has questions to answer. */
void task_ask(struct task *t);
/* Its fields, with questions, result or error when `is_whole`. */
void task_describe(const struct task *t, yyjson_mut_doc *doc, yyjson_mut_val *into, bool is_whole);

void serve_tasks_get(struct request *r);
void serve_tasks_update(struct request *r);
void serve_tasks_cancel(struct request *r);

#endif
