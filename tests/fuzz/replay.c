/* A fuzz target without the fuzzer: each input of its corpus once, in every run of the unit tests. What crashed once is
 * there; and a target that no longer compiles is noticed. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *corpus;

static int
is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void
each_input_of_the_corpus_is_survived(void **state)
{
    struct dirent **names;
    int             count = scandir(corpus, &names, is_input, alphasort);

    (void)state;
    if (count < 1)
        fail_msg("there is nothing in %s", corpus);
    for (int i = 0; i < count; i++) {
        char          path[PATH_MAX];
        struct buffer input = {.max = MIB(16)};
        struct error  err   = {0};

        snprintf(path, sizeof path, "%s/%s", corpus, names[i]->d_name);
        fprintf(stderr, "%s\n", path);
        if (!file_read(path, &input, &err))
            fail_msg("%s", err.text);
        LLVMFuzzerTestOneInput((const uint8_t *)buffer_str(&input).data, buffer_len(&input));
        buffer_clear(&input);
        free(names[i]);
    }
    free(names);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_input_of_the_corpus_is_survived)};

    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    corpus = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
