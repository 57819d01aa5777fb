/* The power goes while mcp.json is changed: the old file is there or the new one, whole, and what was answered stays.
 *
 * The linker gives our wrappers to whoever calls these (--wrap, see meson.build). */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "gateway/registry/registry.h"
#include "power.h"
#include "test.h"

enum { CHANGES = 8, VARIANTS = 12, DESCRIPTORS = 1024 };

static struct disk *disk;
static int          file_of[DESCRIPTORS]; /* + 1; 0: not ours */
static uint64_t     length_of[DESCRIPTORS];

int     __real_mkostemp64(char *pattern, int flags);
int     __wrap_mkostemp64(char *pattern, int flags);
ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
int     __real_fsync(int fd);
int     __wrap_fsync(int fd);
int     __real_rename(const char *from, const char *to);
int     __wrap_rename(const char *from, const char *to);

int
__wrap_mkostemp64(char *pattern, int flags)
{
    int fd = __real_mkostemp64(pattern, flags);

    if (fd >= 0 && fd < DESCRIPTORS) {
        file_of[fd]   = disk_open(disk, pattern) + 1;
        length_of[fd] = 0;
    }
    return fd;
}

ssize_t
__wrap_write(int fd, const void *bytes, size_t len)
{
    ssize_t put = __real_write(fd, bytes, len);

    if (put > 0 && fd < DESCRIPTORS && file_of[fd] > 0) {
        disk_write(disk, file_of[fd] - 1, length_of[fd], bytes, (size_t)put);
        length_of[fd] += (uint64_t)put;
    }
    return put;
}

int
__wrap_fsync(int fd)
{
    struct stat info;

    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode))
        disk_sync_directory(disk);
    else if (fd < DESCRIPTORS && file_of[fd] > 0)
        disk_sync(disk, file_of[fd] - 1);
    return __real_fsync(fd);
}

int
__wrap_rename(const char *from, const char *to)
{
    disk_rename(disk, from, to);
    return __real_rename(from, to);
}

/* The file after each change, and where the disk stood then. */
struct history {
    struct buffer text[CHANGES + 1];
    size_t        position[CHANGES + 1];
};

static void
note(struct history *h, int at, const char *path)
{
    struct error err = {0};

    memset(file_of, 0, sizeof file_of); /* they are closed */
    h->text[at]     = (struct buffer){.max = KIB(64)};
    h->position[at] = disk_position(disk);
    if (!file_read(path, &h->text[at], &err))
        fail_msg("%s", err.text);
}

static void
change(struct history *h, const char *path)
{
    struct error err = {0};
    char         name[16], entry[80];

    if (!file_replace(path, STR("{\"mcpServers\": {}} // mine\n"), 0600, &err))
        fail_msg("%s", err.text);
    note(h, 0, path);
    for (int i = 1; i <= CHANGES; i++) {
        snprintf(name, sizeof name, "s%d", i == CHANGES ? 1 : i);
        snprintf(entry, sizeof entry, "{\"url\": \"http://localhost:%d/mcp\"}", 9000 + i);
        bool ok = i == CHANGES ? registry_remove(path, str_from(name), &err)
                               : registry_add(path, str_from(name), str_from(entry), &err);
        if (!ok)
            fail_msg("%s", err.text);
        note(h, i, path);
    }
}

/* What was answered before `position` is there; what was begun may be. */
static void
check(const struct history *h, size_t position, const char *path)
{
    struct buffer now  = {.max = KIB(64)};
    struct error  err  = {0};
    int           last = 0;

    while (last < CHANGES && h->position[last + 1] <= position)
        last++;
    if (!file_read(path, &now, &err))
        fail_msg("at %zu: %s", position, err.text);
    bool is_old = str_compare(buffer_str(&now), buffer_str(&h->text[last])) == 0;
    bool is_new = last < CHANGES && h->position[last] < position &&
                  str_compare(buffer_str(&now), buffer_str(&h->text[last + 1])) == 0;
    if (!is_old && !is_new)
        fail_msg("at %zu: neither the old file nor the new: %.*s", position, STR_ARG(buffer_str(&now)));
    buffer_clear(&now);
}

TEST(after_power_loss_mcp_json_is_the_old_or_the_new_one_whole)
{
    struct history h           = {0};
    uint64_t       random      = seed_for("mcp.json");
    char           directory[] = "/tmp/fault-XXXXXX", path[64];

    disk = disk_new();
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/mcp.json", directory);
    change(&h, path);
    for (size_t position = h.position[0]; position <= h.position[CHANGES]; position++) {
        for (int i = 0; i < VARIANTS; i++) {
            char left[] = "/tmp/fault-XXXXXX";
            assert_non_null(mkdtemp(left));
            assert_true(disk_leave(disk, position, &random, left));
            snprintf(path, sizeof path, "%s/mcp.json", left);
            check(&h, position, path);
            remove_directory(left);
        }
    }
    printf("%zu crash points\n", (h.position[CHANGES] - h.position[0] + 1) * VARIANTS);
    for (int i = 0; i <= CHANGES; i++)
        buffer_clear(&h.text[i]);
    remove_directory(directory);
    disk_free(disk);
}
