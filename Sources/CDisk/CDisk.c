#define _GNU_SOURCE
#include "CDisk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

int cdisk_place(int descriptor, struct cdisk_place *place) {
    struct statx facts;
    struct statfs system;
    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &facts) != 0) return -errno;
    if (fstatfs(descriptor, &system) != 0) return -errno;
    place->inode = facts.stx_ino;
    memcpy(&place->file_system, &system.f_fsid, sizeof place->file_system);
    place->birth =
        facts.stx_mask & STATX_BTIME ? (uint64_t)facts.stx_btime.tv_sec * 1000000000u + facts.stx_btime.tv_nsec : 0;
    return 0;
}
