#include "vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct file {
    sqlite3_file  base;
    int           on_disk;         /* of struct disk; -1: not noted */
    bool          syncs_directory; /* with its first sync: what SQLite does for a journal or log that it made */
    sqlite3_file *real;            /* behind it */
};

static sqlite3_vfs    *real_vfs;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct vfs_plan plan; /* these under the mutex */
static uint64_t        counted, failed;
static struct disk    *disk;

static struct file *
file_of(sqlite3_file *f)
{
    return (struct file *)(void *)f;
}

static sqlite3_file *
real_of(sqlite3_file *f)
{
    return file_of(f)->real;
}

void
vfs_fail(const struct vfs_plan *next)
{
    pthread_mutex_lock(&mutex);
    plan    = next == NULL ? (struct vfs_plan){0} : *next;
    counted = failed = 0;
    pthread_mutex_unlock(&mutex);
}

static uint64_t
look_at(const uint64_t *figure)
{
    pthread_mutex_lock(&mutex);
    uint64_t n = *figure;
    pthread_mutex_unlock(&mutex);
    return n;
}

uint64_t
vfs_failures(void)
{
    return look_at(&failed);
}

uint64_t
vfs_counted(void)
{
    return look_at(&counted);
}

void
vfs_note(struct disk *d)
{
    disk = d;
}

/* SQLITE_OK, or what the plan wants of this call. */
static int
judge(enum vfs_call call)
{
    int error = SQLITE_OK;

    pthread_mutex_lock(&mutex);
    if ((plan.calls & call) != 0) {
        counted++;
        if (counted == plan.nth || (plan.lasting && counted > plan.nth)) {
            failed++;
            error = plan.error;
        }
    }
    pthread_mutex_unlock(&mutex);
    return error;
}

static int
close_file(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int
read_file(sqlite3_file *f, void *into, int len, sqlite3_int64 at)
{
    int error = judge(VFS_READ);

    return error != SQLITE_OK ? error : real_of(f)->pMethods->xRead(real_of(f), into, len, at);
}

static int
write_file(sqlite3_file *f, const void *bytes, int len, sqlite3_int64 at)
{
    int error = judge(VFS_WRITE);

    if (error != SQLITE_OK)
        len /= 2;
    int got = len == 0 ? SQLITE_OK : real_of(f)->pMethods->xWrite(real_of(f), bytes, len, at);
    if (disk != NULL && file_of(f)->on_disk >= 0)
        disk_write(disk, file_of(f)->on_disk, (uint64_t)at, bytes, (size_t)len);
    return error != SQLITE_OK ? error : got;
}

static int
truncate_file(sqlite3_file *f, sqlite3_int64 size)
{
    int error = judge(VFS_TRUNCATE);

    if (error != SQLITE_OK)
        return error;
    if (disk != NULL && file_of(f)->on_disk >= 0)
        disk_truncate(disk, file_of(f)->on_disk, (uint64_t)size);
    return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int
sync_file(sqlite3_file *f, int flags)
{
    (void)flags;
    int error = judge(VFS_SYNC);

    if (error != SQLITE_OK || disk == NULL || file_of(f)->on_disk < 0)
        return error;
    disk_sync(disk, file_of(f)->on_disk);
    if (file_of(f)->syncs_directory)
        disk_sync_directory(disk);
    file_of(f)->syncs_directory = false;
    return SQLITE_OK;
}

static int
file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int
lock_file(sqlite3_file *f, int lock)
{
    return real_of(f)->pMethods->xLock(real_of(f), lock);
}

static int
unlock_file(sqlite3_file *f, int lock)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), lock);
}

static int
check_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int
control(sqlite3_file *f, int op, void *arg)
{
    /* SIZE_HINT would extend the file behind our back: it is a hint */
    return op == SQLITE_FCNTL_SIZE_HINT ? SQLITE_NOTFOUND : real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int
sector_size(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int
characteristics(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int
shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int
shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void
shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int
shm_unmap(sqlite3_file *f, int remove)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion               = 2,
    .xClose                 = close_file,
    .xRead                  = read_file,
    .xWrite                 = write_file,
    .xTruncate              = truncate_file,
    .xSync                  = sync_file,
    .xFileSize              = file_size,
    .xLock                  = lock_file,
    .xUnlock                = unlock_file,
    .xCheckReservedLock     = check_reserved,
    .xFileControl           = control,
    .xSectorSize            = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap                = shm_map,
    .xShmLock               = shm_lock,
    .xShmBarrier            = shm_barrier,
    .xShmUnmap              = shm_unmap,
};

static int
open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *out, int flags, int *flags_out)
{
    enum { JOURNALS = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL };
    (void)vfs;
    struct file *f     = file_of(out);
    int          error = judge(VFS_OPEN);

    *f = (struct file){.on_disk = -1, .real = (sqlite3_file *)(void *)(f + 1)};
    if (error == SQLITE_OK)
        error = real_vfs->xOpen(real_vfs, name, f->real, flags, flags_out);
    if (error != SQLITE_OK)
        return error;
    f->base.pMethods = &methods;
    if (disk != NULL && name != NULL && (flags & (SQLITE_OPEN_MAIN_DB | JOURNALS)) != 0) {
        f->on_disk         = disk_open(disk, name);
        f->syncs_directory = (flags & JOURNALS) != 0 && (flags & SQLITE_OPEN_CREATE) != 0;
    }
    return SQLITE_OK;
}

static int
delete_file(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    (void)vfs;
    int error = judge(VFS_DELETE);

    if (error != SQLITE_OK)
        return error;
    error = real_vfs->xDelete(real_vfs, name, 0);
    if (error == SQLITE_OK && disk != NULL) {
        disk_remove(disk, name);
        if (sync_directory != 0)
            disk_sync_directory(disk);
    }
    return error;
}

void
vfs_install(void)
{
    static sqlite3_vfs ours;

    if (real_vfs != NULL)
        return;
    real_vfs      = sqlite3_vfs_find(NULL);
    ours          = *real_vfs; /* what is not about files stays */
    ours.zName    = "fault";
    ours.pNext    = NULL;
    ours.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
    ours.xOpen    = open_file;
    ours.xDelete  = delete_file;
    sqlite3_vfs_register(&ours, 1);
}
