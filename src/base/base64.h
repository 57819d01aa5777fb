/* src/base/base64.h: bytes as letters, RFC 4648. There is one text for one sequence of bytes: what has padding or
 * bits to spare where there are none is refused. */
#ifndef GATEHOUSE_BASE_BASE64_H
#define GATEHOUSE_BASE_BASE64_H

#include "base/str.h"

enum base64 {
    BASE64,    /* section 4, padded */
    BASE64_URL /* section 5, without padding */
};

/* Room for the letters of so many bytes and a NUL, and for the bytes of so many letters. */
#define BASE64_ROOM(len)  ((len) / 3 * 4 + 5)
#define BASE64_BYTES(len) ((len) / 4 * 3 + 3)

/* How many letters it wrote; a NUL is behind them. */
size_t base64_write(enum base64 form, struct str bytes, char *out);
/* False: no such text. */
bool base64_read(enum base64 form, struct str text, char *out, size_t *len);

#endif
