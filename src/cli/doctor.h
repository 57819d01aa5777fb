/* src/cli/doctor.h: what `gatehouse doctor` looks at. A check a line, and its mend. */
#ifndef GATEHOUSE_CLI_DOCTOR_H
#define GATEHOUSE_CLI_DOCTOR_H

#include "cli/running.h"

enum finding { FINDING_GOOD, FINDING_ODD, FINDING_BAD };

struct doctor {
    struct cli    *cli;
    bool           fixes; /* --fix */
    bool           runs;  /* a gateway does */
    struct running gateway;
    char           home[4096];
    struct buffer  out;
    size_t         counts[3];
};

/* One line of the result. `mend` may be NULL. */
void doctor_say(struct doctor *d, enum finding finding, const char *mend, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* doctor_home.c */
void check_home(struct doctor *d);
void check_database(struct doctor *d);
void check_registry(struct doctor *d);
void check_disk(struct doctor *d);
/* doctor_system.c */
void check_port(struct doctor *d);
void check_children(struct doctor *d);
void check_kernel(struct doctor *d);
void check_helper(struct doctor *d);

#endif
