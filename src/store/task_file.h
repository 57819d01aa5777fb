/* src/store/task_file.h: a task_store in a file, tasks.db. Owned by the network thread.
 *
 * What is put waits in a queue; a worker writes all that waits in one commit, one worker at a time, so that order is
 * kept and many tasks cost one write to the disk. When a commit fails, each new task of it is told that it is not kept;
 * changes and removals stay and are tried again every second. */
#ifndef GATEHOUSE_STORE_TASK_FILE_H
#define GATEHOUSE_STORE_TASK_FILE_H

#include "base/loop.h"
#include "store/task_store.h"

enum { TASK_FILE_WAITING_MOST = 16384 }; /* entries that wait; beyond these a put is refused */

/* Blocks; before the loop runs. NULL: `err` says what to do. */
struct task_store *task_file_open(struct loop *loop, const char *path, struct error *err);
/* After its services, before the loop is cleared: what waits is written by then, if it can be. NULL is nothing. */
void task_file_close(struct task_store *store);

#endif
