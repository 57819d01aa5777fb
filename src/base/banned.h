/* src/base/banned.h: functions nobody here calls. Included before every file by the build; using one is an error that
 * names the replacement. */
#ifndef GATEHOUSE_BASE_BANNED_H
#define GATEHOUSE_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(name, instead) banned_##name##_use_##instead

#undef strcpy
#define strcpy(a, b) BANNED(strcpy, buffer)
#undef strcat
#define strcat(a, b) BANNED(strcat, buffer)
#undef strncpy
#define strncpy(a, b, n) BANNED(strncpy, buffer)
#undef strncat
#define strncat(a, b, n) BANNED(strncat, buffer)
#undef sprintf
#define sprintf(...) BANNED(sprintf, snprintf)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf, vsnprintf)
#undef strtok
#define strtok(a, b) BANNED(strtok, str_cut)
#undef atoi
#define atoi(a) BANNED(atoi, str_to_u64)
#undef atol
#define atol(a) BANNED(atol, str_to_u64)
#undef atof
#define atof(a) BANNED(atof, str_to_u64)
#undef localtime
#define localtime(a) BANNED(localtime, localtime_r)
#undef gmtime
#define gmtime(a) BANNED(gmtime, gmtime_r)
#undef ctime
#define ctime(a) BANNED(ctime, time_format)
#undef asctime
#define asctime(a) BANNED(asctime, time_format)
#undef system
#define system(a) BANNED(system, child_start)
#undef rand
#define rand() BANNED(rand, random_bytes)
#undef tmpnam
#define tmpnam(a) BANNED(tmpnam, file_replace)

#endif
