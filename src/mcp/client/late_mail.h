/* src/mcp/client/late_mail.h: a mail whose messages come one by one, from a back that many share: a channel, the stream
 * of HTTP+SSE. What comes is kept and told at the turn's end, when no function of that back is on the stack: who is
 * told may answer at once, or end it all. For the ways only. */
#ifndef GATEHOUSE_MCP_CLIENT_LATE_MAIL_H
#define GATEHOUSE_MCP_CLIENT_LATE_MAIL_H

#include "mcp/client/mail.h"

extern const struct mail_type late_mail;

#endif
