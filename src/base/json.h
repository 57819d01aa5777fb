/* src/base/json.h: texts out of yyjson's values. */
#ifndef GATEHOUSE_BASE_JSON_H
#define GATEHOUSE_BASE_JSON_H

#include <yyjson.h>

#include "base/str.h"

/* STR_NONE when it is no string, or NULL. yyjson_get_len alone gives the length of whatever is there: of a number as
 * text, of an object how many members it has. */
static inline struct str
json_str(yyjson_val *value)
{
    return yyjson_is_str(value) ? str_of(yyjson_get_str(value), yyjson_get_len(value)) : STR_NONE;
}

/* The member's; STR_NONE too when there is none, or no object. */
static inline struct str
json_str_in(yyjson_val *object, const char *key)
{
    return json_str(yyjson_obj_get(object, key));
}

/* A number as it is written, of a document that was read so (YYJSON_READ_NUMBER_AS_RAW); else STR_NONE. */
static inline struct str
json_raw(yyjson_val *value)
{
    return yyjson_is_raw(value) ? str_of(yyjson_get_raw(value), yyjson_get_len(value)) : STR_NONE;
}

#endif
