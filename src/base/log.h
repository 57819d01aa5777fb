/* src/base/log.h: the one logger: a line on stderr. Rooms up to mcp never log; they return errors.
 *
 * What comes from outside is escaped: a control character never reaches a terminal. */
#ifndef GATEHOUSE_BASE_LOG_H
#define GATEHOUSE_BASE_LOG_H

#include "base/buffer.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `s` with control characters (C0, DEL, C1), bidirectional overrides, what takes no room and broken UTF-8 shown as \x1b
 * or \u202e: safe for a terminal. Newlines and tabs are escaped too when `one_line`. */
bool buffer_append_printable(struct buffer *b, struct str s, bool one_line);

#endif
