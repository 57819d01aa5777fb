/* src/base/environment.h: the variables that a process was started with, or will be. */
#ifndef GATEHOUSE_BASE_ENVIRONMENT_H
#define GATEHOUSE_BASE_ENVIRONMENT_H

#include "base/str.h"

/* The value of `name`, borrowed from `environment`: as environ, ended by NULL; NULL: none. NULL when it is not set. */
const char *environment_get(char *const *environment, struct str name);

#endif
