/* src/mcp/json.h: the small things around yyjson that are done everywhere in this room. */
#ifndef GATEHOUSE_MCP_JSON_H
#define GATEHOUSE_MCP_JSON_H

#include "base/json.h"

/* Of malloc; what fails is noted. What was made by it may outlive `is_broken`, when nothing is added any more. */
yyjson_alc json_heap(bool *is_broken);
/* A message, or a value as text; numbers that no type of C holds stay as they are written. NULL: no JSON, or no memory.
 */
yyjson_doc     *json_read(struct str text);
yyjson_doc     *json_keep(yyjson_val *value);                    /* a copy of its own; NULL: none, or no memory */
yyjson_mut_val *json_text(yyjson_mut_doc *doc, struct str text); /* a copy; what is no UTF-8 becomes U+FFFD */
void        json_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *text); /* NULL: none */
yyjson_val *json_member(yyjson_val *object, const char *key); /* NULL when it is none */
/* One line of malloc; NULL: no memory, or a value that is none. */
char *json_write(yyjson_mut_doc *doc, size_t *len);

#endif
