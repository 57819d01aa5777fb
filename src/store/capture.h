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
};

/* The labels are resolved. */
bool capture_record(struct writer *w, const struct record *r, struct error *err);

#endif
