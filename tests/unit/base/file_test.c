#include "base/file.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "test.h"

TEST(a_replaced_file_is_the_old_or_the_new_one)
{
    char          directory[] = "/tmp/gatehouse-file.XXXXXX";
    char          path[64], link[64];
    struct buffer text = {.max = 16};
    struct error  err  = {0};
    struct stat   info;

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/a", directory);
    snprintf(link, sizeof link, "%s/b", directory);
    assert_true(file_replace(path, STR("one"), 0600, &err));
    assert_int_equal(symlink(path, link), 0);
    assert_true(file_replace(link, STR("two"), 0600, &err));
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_true(file_read(path, &text, &err));
    assert_str(buffer_str(&text), "two");
    buffer_clear(&text);

    text.max = 2;
    assert_false(file_read(path, &text, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    buffer_clear(&text);
    unlink(link);
    unlink(path);
    assert_false(file_read(path, &text, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    rmdir(directory);
}

/* In the place of libc's: what is synced, in order; a capital when the new name was there already. */
static const char *watched;
static char        order[8];
static size_t      synced;

int
fsync(int fd)
{
    struct stat info;

    if (watched != NULL && synced + 1 < sizeof order && fstat(fd, &info) == 0) {
        bool is_named   = access(watched, F_OK) == 0;
        order[synced++] = S_ISDIR(info.st_mode) ? (is_named ? 'D' : 'd') : (is_named ? 'F' : 'f');
    }
    return (int)syscall(SYS_fsync, fd);
}

TEST(a_file_is_synced_before_it_has_its_name_and_its_directory_after)
{
    char         directory[] = "/tmp/gatehouse-file.XXXXXX";
    char         path[64];
    struct error err = {0};

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/a", directory);
    watched = path;
    assert_true(file_replace(path, STR("one"), 0600, &err));
    watched = NULL;
    assert_string_equal(order, "fD");
    unlink(path);
    assert_int_equal(rmdir(directory), 0);
}

TEST(a_lock_is_held_by_one)
{
    char         path[] = "/tmp/gatehouse-lock.XXXXXX";
    struct error err    = {0};

    close(mkstemp(path));
    int first = file_lock(path, 0, &err);
    assert_true(first >= 0);
    assert_int_equal(file_lock(path, 20, &err), -1);
    assert_int_equal(err.code, ERROR_BUSY);
    close(first);
    int second = file_lock(path, 0, &err);
    assert_true(second >= 0);
    close(second);
    unlink(path);
}

TEST(times_are_read_as_they_are_written)
{
    wall_time t = 0;
    char      text[TIME_ISO_SIZE];

    assert_true(time_parse_iso(STR("2026-11-21T14:02:11.482Z"), &t));
    time_format_iso(t, text);
    assert_string_equal(text, "2026-11-21T14:02:11.482Z");
    assert_true(time_parse_iso(STR("2026-11-21T15:02:11+01:00"), &t));
    time_format_iso(t, text);
    assert_string_equal(text, "2026-11-21T14:02:11.000Z");
    assert_false(time_parse_iso(STR("yesterday"), &t));
    assert_false(time_parse_iso(STR("2026-13-01"), &t));
    assert_false(time_parse_iso(STR("2026-02-29"), &t));
    assert_true(time_parse_iso(STR("2028-02-29T23:59:60Z"), &t)); /* a leap year, a leap second */
}
