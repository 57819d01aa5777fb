/* src/store/forget.h: the steps of a purge, each one transaction under 30 ms. Behind purge.h, and the retention of the
 * store thread. */
#ifndef GATEHOUSE_STORE_FORGET_H
#define GATEHOUSE_STORE_FORGET_H

#include "store/db.h"
#include "store/purge.h"

/*   ROWS -> BLOCKS -> TAIL -> [REST ->] [NAMES ->] [SHRINK ->] DONE      TAIL to ROWS, while much comes in behind us
 *
 * REST is of a clear: all that is left, and the mark of the time at which nothing was there, in one transaction. What
 * writers put before the mark and have not written yet is forgotten by them: order is right whoever comes first. */
enum forget_phase { FORGET_ROWS, FORGET_BLOCKS, FORGET_TAIL, FORGET_REST, FORGET_NAMES, FORGET_SHRINK, FORGET_DONE };

struct forget {
    int64_t             before_id; /* exchanges below this go */
    struct str          principal; /* empty: everybody's; borrowed */
    bool                clears;    /* everything goes, and what is on its way to the database too */
    bool                names;     /* names that nobody uses go too: reads all rows once */
    bool                shrink;    /* and the file gives its free pages back */
    bool                is_tight;  /* the disk is full: steps are as small as can be */
    enum forget_phase   phase;
    int64_t             cursor;    /* rows and blocks up to this id are looked through */
    unsigned            rounds;    /* of a clear: how often it came to the end of TAIL */
    uint64_t            were_gone; /* rows, when the last round ended */
    struct purge_result result;
};

/* Does one slice; `f->phase` is FORGET_DONE after the last. */
bool forget_step(sqlite3 *db, struct forget *f, struct error *err);

#endif
