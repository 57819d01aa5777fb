/* src/http/request.h: the head of a request, written so that nothing can be smuggled in it. For client.c only. */
#ifndef GATEHOUSE_HTTP_REQUEST_H
#define GATEHOUSE_HTTP_REQUEST_H

#include "base/buffer.h"
#include "http/client.h"

/* Appends request line, Host, the given headers and Content-Length. ERROR_INVALID: a method or header that is not one,
 * or a header that is ours to write; ERROR_TOO_LARGE: longer than the buffer may be. */
bool request_format(struct buffer *b, const struct http_call_spec *spec, struct error *err);

#endif
