// Small things of Linux that Swift cannot reach: variadic calls, macros, structs behind macros.
#pragma once
#include <stdint.h>
#include <sys/types.h>

/// Nanoseconds of CLOCK_BOOTTIME and seconds of CLOCK_REALTIME.
int64_t clinux_boot_nanoseconds(void);
int64_t clinux_wall_seconds(void);

/// Whether user `uid` is in group `name`, primary or supplementary.
int clinux_is_member(uid_t uid, gid_t primary, const char *name);
/// Gives a path to a group with `mode`; -errno, or -ENOENT where there is no such group.
int clinux_share(const char *path, const char *group, mode_t mode);

/// Tells systemd's NOTIFY_SOCKET; 0 where there is none, -errno on failure.
int clinux_notify(const char *state);

/// Switches segmentation and receive offload of an interface: 0, or -errno.
int clinux_set_offload(const char *interface, int on);
