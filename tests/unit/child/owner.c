/* tests/unit/child/owner.c: a process that owns children, to be killed by a test.
 *
 *   owner MODE TOKEN      of peer.c; says "ready" when all have said their first line
 */
#include "child/support.h"

enum { OWNED = 3 };

int
main(int argc, char **argv)
{
    struct house  house;
    struct record records[OWNED];
    struct error  err = {0};

    if (argc < 3)
        return 2;
    open_house(&house);
    for (int i = 0; i < OWNED; i++) {
        struct child_spec spec = {.argv = ARGV(TEXT(TEST_PEER), argv[1], argv[2])};
        if (!start(&house, &records[i], spec, &err))
            return 1;
    }
    for (int i = 0; i < OWNED; i++)
        RUN_UNTIL(&house, records[i].lines == 1);
    (void)!write(1, "ready", 5);
    loop_run(&house.loop);
    return 0;
}
