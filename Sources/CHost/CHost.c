#define _GNU_SOURCE
#include "CHost.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int chost_is_member(uid_t uid, gid_t primary, const char *name) {
	char space[4096];
	struct group group, *found;
	if (getgrnam_r(name, &group, space, sizeof space, &found) || !found) return 0;
	gid_t wanted = group.gr_gid;
	if (primary == wanted) return 1;
	struct passwd user, *known;
	if (getpwuid_r(uid, &user, space, sizeof space, &known) || !known) return 0;
	gid_t groups[256];
	int count = 256;
	if (getgrouplist(user.pw_name, user.pw_gid, groups, &count) < 0) return 0;
	for (int i = 0; i < count; i++)
		if (groups[i] == wanted) return 1;
	return 0;
}

int chost_share(const char *path, const char *group, mode_t mode) {
	char space[4096];
	struct group entry, *found;
	if (chmod(path, mode) < 0) return -errno;
	if (getgrnam_r(group, &entry, space, sizeof space, &found) || !found) return -ENOENT;
	return chown(path, (uid_t)-1, entry.gr_gid) < 0 ? -errno : 0;
}

int chost_notify(const char *state) {
	const char *path = getenv("NOTIFY_SOCKET");
	if (!path || !*path) return 0;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	if (length >= sizeof address.sun_path) return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@') address.sun_path[0] = 0; // the abstract namespace
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) return -errno;
	ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
	                      offsetof(struct sockaddr_un, sun_path) + length);
	int result = sent < 0 ? -errno : 0;
	close(fd);
	return result;
}
