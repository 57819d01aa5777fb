/* src/store/slot.h: which of the 1,024 writers of one database this process is.
 *
 * A slot is leased by a lock on one byte of a file beside the database; the kernel gives it back however we die. */
#ifndef GATEHOUSE_STORE_SLOT_H
#define GATEHOUSE_STORE_SLOT_H

#include "base/error.h"

struct slots {
    int fd;
};

/* The file is made when missing, mode 0600. */
bool slots_open(struct slots *s, const char *database, struct error *err);
/* Lets go of all slots that were taken through it. */
void slots_close(struct slots *s);
/* The lowest free one. False: all are taken. */
bool slot_lease(struct slots *s, unsigned *slot, struct error *err);
bool slot_try(struct slots *s, unsigned slot);
void slot_release(struct slots *s, unsigned slot);
/* Makes opening one at a time, among all processes. */
bool slots_lock(struct slots *s, bool lock);

#endif
