/* src/cli/doctor/doctor.h: what `gatehouse doctor` looks at: all that weakens what Gatehouse promises, and how to mend
 * it.
 *
 * Good news is told once for each thing that people ask about; of the rest only what is wrong. */
#ifndef GATEHOUSE_CLI_DOCTOR_DOCTOR_H
#define GATEHOUSE_CLI_DOCTOR_DOCTOR_H

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
/* The value of a variable, NULL when it is not set or empty. */
const char *doctor_variable(const struct doctor *d, const char *name);

/* path.c: which part of the absolute `path`, itself or a directory above it, another user could change or
 * exchange. False: none; `part` is left alone. */
bool path_weak_part(const char *path, char part[4096]);
/* The same of a directory in which they must not even put a new file. */
bool directory_is_open(const char *path);

/* home.c */
void check_home(struct doctor *d);
void check_file_system(struct doctor *d);
void check_disk(struct doctor *d);
/* servers.c */
void check_registry(struct doctor *d);
/* database.c */
void check_database(struct doctor *d);
void check_snapshots(struct doctor *d);
void check_gateways(struct doctor *d);
/* net.c */
void check_port(struct doctor *d);
void check_localhost(struct doctor *d);
void check_peers(struct doctor *d);
void check_proxies(struct doctor *d);
/* system.c */
void check_children(struct doctor *d);
void check_kernel(struct doctor *d);
void check_helper(struct doctor *d);
void check_limits(struct doctor *d);
void check_memory(struct doctor *d);
void check_secrecy(struct doctor *d);
void check_clock(struct doctor *d);
void check_settings(struct doctor *d);

#endif
