/* src/http/headers.h: header fields as slices of the head they came in; and the words for status codes. */
#ifndef GATEHOUSE_HTTP_HEADERS_H
#define GATEHOUSE_HTTP_HEADERS_H

#include "base/str.h"

struct http_header {
    struct str name; /* as written */
    struct str value;
};

struct http_headers {
    struct http_header *items;
    size_t              count;
};

enum http_method {
    HTTP_METHOD_OTHER, /* its name is in method_name */
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_PATCH,
};

/* The first of that name, without regard to case; data is NULL when there is none. */
struct str http_header(const struct http_headers *headers, struct str name);
size_t     http_header_count(const struct http_headers *headers, struct str name);

/* Whether a Content-Type is `type`, with or without parameters. A list of types is none: one reader takes the first,
 * another the last. */
bool http_is_type(struct str content_type, struct str type);

struct str       http_method_name(enum http_method method);
enum http_method http_method_of(struct str name);

/* "Not Found"; "Status" for a code that has no words. */
struct str http_status_text(int status);

#endif
