/* src/base/file.h: whole files, read within a bound and replaced as one step; directories and locks.
 *
 * These block: the network thread calls them only at start and inside a worker. */
#ifndef GATEHOUSE_BASE_FILE_H
#define GATEHOUSE_BASE_FILE_H

#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

/* Appends the file to `into`, bounded by its max. ERROR_NOT_FOUND when there is none. */
bool file_read(const char *path, struct buffer *into, struct error *err);
/* Writes a new file beside it, syncs it, renames it over `path` and syncs the directory: a reader sees the old or the
 * new whole. A symbolic link at `path` is followed first, so the link stays. */
bool file_replace(const char *path, struct str content, mode_t mode, struct error *err);
/* The same, but asks `still` between the sync and the rename; its no leaves `path` as it is, with ERROR_BUSY. */
bool file_replace_if(const char *path, struct str content, mode_t mode, bool (*still)(void *arg), void *arg,
                     struct error *err);
/* Creates a directory and its parents; those it makes have mode 0700. One that is there is left as it is. */
bool file_make_directory(const char *path, struct error *err);

/* An exclusive lock on `path`, made when missing (mode 0600). Waits up to `wait_ms`; -1 and ERROR_BUSY after that. The
 * descriptor is the lock: close it to let go. */
int file_lock(const char *path, int wait_ms, struct error *err);

bool fd_set_nonblocking(int fd);

#endif
