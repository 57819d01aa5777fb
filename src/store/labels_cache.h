/* src/store/labels_cache.h: the inside of struct labels: for the store thread, which remembers in it what it looked up.
 */
#ifndef GATEHOUSE_STORE_LABELS_CACHE_H
#define GATEHOUSE_STORE_LABELS_CACHE_H

#include <stdatomic.h>

#include "store/labels.h"

struct stream;

struct labels {
    atomic_size_t      references;
    struct label_texts texts; /* into `bytes` */

    /* The store thread's; good while `epoch` is the writer's. */
    uint64_t       epoch;
    int64_t        row;    /* in the table label */
    struct stream *stream; /* of the principal */

    char bytes[];
};

#endif
