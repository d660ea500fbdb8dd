// What a daemon says to its host and asks of it: groups, file modes, systemd's notification socket.
#pragma once
#include <stdint.h>
#include <sys/types.h>

/// Whether user `uid` is in group `name`, primary or supplementary.
int chost_is_member(uid_t uid, gid_t primary, const char *name);
/// Gives a path to a group with `mode`; -errno, or -ENOENT where there is no such group.
int chost_share(const char *path, const char *group, mode_t mode);

/// Tells systemd's NOTIFY_SOCKET; 0 where there is none, -errno on failure.
int chost_notify(const char *state);
