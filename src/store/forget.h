/* src/store/forget.h: the steps of a purge, each one transaction under 30 ms. Behind purge.h, and the retention of the
 * store thread. */
#ifndef GATEHOUSE_STORE_FORGET_H
#define GATEHOUSE_STORE_FORGET_H

#include "store/db.h"
#include "store/purge.h"

enum forget_phase { FORGET_ROWS, FORGET_BLOCKS, FORGET_TAIL, FORGET_NAMES, FORGET_SHRINK, FORGET_DONE };

struct forget {
    int64_t             before_id; /* exchanges below this go */
    struct str          principal; /* empty: everybody's; borrowed */
    bool                names;     /* names that nobody uses go too: reads all rows once */
    bool                shrink;    /* and the file gives its free pages back */
    bool                is_tight;  /* the disk is full: steps are as small as can be */
    enum forget_phase   phase;
    int64_t             cursor; /* rows and blocks up to this id are looked through */
    struct purge_result result;
};

/* Does one slice; `f->phase` is FORGET_DONE after the last. */
bool forget_step(sqlite3 *db, struct forget *f, struct error *err);

#endif
