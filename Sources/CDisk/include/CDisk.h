// Where a file lies: what Swift's Glibc does not show of statx(2) and statfs(2). Decides nothing.
#pragma once
#include <stdint.h>

struct cdisk_place {
    uint64_t inode;
    uint64_t file_system;  // f_fsid
    uint64_t birth;        // nanoseconds since 1970; 0 if the file system does not keep it
};

// Returns 0 or -errno.
int cdisk_place(int descriptor, struct cdisk_place *place);
