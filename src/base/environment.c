#include "base/environment.h"

const char *
environment_get(char *const *environment, struct str name)
{
    for (; environment != NULL && *environment != NULL; environment++)
        if (str_starts(str_from(*environment), name) && (*environment)[name.len] == '=')
            return *environment + name.len + 1;
    return NULL;
}
