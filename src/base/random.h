/* src/base/random.h: bytes from the kernel's generator, for keys and ids that must not be guessed. */
#ifndef GATEHOUSE_BASE_RANDOM_H
#define GATEHOUSE_BASE_RANDOM_H

#include <stddef.h>

/* Never fails: getrandom(2) blocks until the kernel is seeded, which it is before we start. */
void random_bytes(void *out, size_t len);

#endif
