#include "mcp/session_id.h"

#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

TEST(an_id_opens_with_its_key_only)
{
    struct session_key  key = {{1}}, other = {{2}};
    struct session_seal seal = {.owner = 42, .principal = "local", .revision = "2025-11-25"}, back;
    char                id[SESSION_ID_SIZE], again[SESSION_ID_SIZE];

    assert_true(session_id_seal(&key, &seal, id));
    assert_true(session_id_seal(&key, &seal, again));
    assert_string_not_equal(id, again);
    for (const char *c = id; *c != '\0'; c++)
        assert_true(*c >= 0x21 && *c <= 0x7E);
    assert_true(session_id_open(&key, str_from(id), &back));
    assert_int_equal(back.owner, 42);
    assert_string_equal(back.revision, "2025-11-25");
    assert_false(session_id_open(&other, str_from(id), &back));
    id[20] = id[20] == 'A' ? 'B' : 'A';
    assert_false(session_id_open(&key, str_from(id), &back));
    assert_false(session_id_open(&key, STR("short"), &back));
}

TEST(the_key_survives_a_restart)
{
    char               directory[] = "/tmp/gatehouse-key.XXXXXX", path[64];
    struct session_key first, second;
    struct stat        info;
    struct error       err = {0};

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/session", directory);
    assert_true(session_key_load(&first, path, &err));
    assert_true(session_key_load(&second, path, &err));
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(truncate(path, 3), 0);
    assert_false(session_key_load(&second, path, &err));
    unlink(path);
    rmdir(directory);
}
