/* src/http/framing_check.h: what must hold of a head before anybody sees its request: RFC 9112 sections 3 and 6.
 * Between framing.c, which reads it, and framing_check.c only. */
#ifndef GATEHOUSE_HTTP_FRAMING_CHECK_H
#define GATEHOUSE_HTTP_FRAMING_CHECK_H

#include "http/framing.h"

/* The head is whole: sets method, path and query, and what its fields say of the body. -1: refused. */
int framing_check_head(struct framing *f);

/* The first refusal counts. -1. */
int framing_refuse(struct framing *f, int status, const char *why);

#endif
