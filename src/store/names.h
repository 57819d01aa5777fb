/* src/store/names.h: the small tables of texts that rows share. Part of the writer. */
#ifndef GATEHOUSE_STORE_NAMES_H
#define GATEHOUSE_STORE_NAMES_H

#include "store/writer.h"

/* The id of a text in the table name; 0 for an empty text. */
bool name_id(struct writer *w, struct str text, int64_t *id, struct error *err);
/* What is remembered of them counts no more. */
void names_forget(struct writer *w);
/* Fills the labels' row and stream. */
bool labels_resolve(struct writer *w, struct labels *l, struct error *err);

#endif
