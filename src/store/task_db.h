/* src/store/task_db.h: tasks.db, the tasks of services. One connection, used by one thread at a time.
 *
 * A commit is on the disk when it returns, power or not (synchronous FULL), for a client was promised the task. The
 * file belongs to one process: another that opens it waits for a while and is refused (locking_mode EXCLUSIVE), or each
 * would take the other's tasks for left behind. docs/decisions/011. */
#ifndef GATEHOUSE_STORE_TASK_DB_H
#define GATEHOUSE_STORE_TASK_DB_H

#include "store/db.h"
#include "store/task_store.h"

struct task_db;

/* Deletes what is over by `now`. */
struct task_db *task_db_open(const char *path, wall_time now, struct error *err);
void            task_db_close(struct task_db *t);
bool task_db_load(struct task_db *t, struct str service, wall_time now, size_t most, task_taken take, void *owner,
                  struct error *err);

/* One transaction. What failed is rolled back when any of these is false. */
bool task_db_begin(struct task_db *t, struct error *err);
bool task_db_add(struct task_db *t, const struct task_row *row, struct error *err);
/* Nothing when there is none of that id. */
bool task_db_change(struct task_db *t, const struct task_row *row, struct error *err);
bool task_db_remove(struct task_db *t, struct str id, struct error *err);
bool task_db_commit(struct task_db *t, struct error *err);
void task_db_rollback(struct task_db *t);

#endif
