/* tests/conformance/server/media.h: the smallest picture, and a sound of a millisecond. */
#ifndef GATEHOUSE_TESTS_CONFORMANCE_MEDIA_H
#define GATEHOUSE_TESTS_CONFORMANCE_MEDIA_H

#include "base/str.h"

/* image/png: one pixel, red. */
struct str media_picture(void);
/* audio/wav: one period of 1 kHz, 8 samples of 8 bits. */
struct str media_sound(void);

#endif
