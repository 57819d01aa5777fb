/* src/store/capture.h: one record becomes entries and a row. Part of the writer. */
#ifndef GATEHOUSE_STORE_CAPTURE_H
#define GATEHOUSE_STORE_CAPTURE_H

#include "store/answer.h"
#include "store/traffic.h"
#include "store/writer.h"

struct open_exchange { /* between the records of one exchange */
    struct carry  carry;
    struct answer request, answer;
    bool          continued; /* the next record begins inside a message */
    bool          has_row, has_messages;
    bool          request_seen; /* whole */
    bool          is_lost;      /* a record of it was: what follows is not wanted */
    bool          is_over;      /* and the last has come: its row is to be closed */
};

/* The labels are resolved. */
bool capture_record(struct writer *w, const struct record *r, struct error *err);
/* It is not wanted; only what the next record of its exchange must know is kept. */
void capture_skip(struct writer *w, const struct record *r);

#endif
