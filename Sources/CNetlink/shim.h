// libnl's sockets and the kernel's own headers; macros and thread-bound calls become inline functions.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

// NFPROTO_INET of linux/netfilter.h, a header that clashes with libc's netinet/in.h
enum { CNL_NFPROTO_INET = 1 };

// sched.h hides it from a module that was built without _GNU_SOURCE
extern int setns(int fd, int nstype);

struct cnl_call {
	struct nl_sock *socket;
	int protocol;
	const char *namespace_path;
	int result;
};

static inline void *cnl_connect_there(void *argument) {
	struct cnl_call *call = (struct cnl_call *)argument;
	int fd = open(call->namespace_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		call->result = -errno;
		return 0;
	}
	if (setns(fd, 0x40000000 /* CLONE_NEWNET */) < 0) call->result = -errno;
	else call->result = nl_connect(call->socket, call->protocol) < 0 ? -errno : 0;
	close(fd);
	return 0;
}

/// Connects in a network namespace: a netlink socket stays in the one where it was made, so a thread goes there for a moment.
static inline int cnl_connect(struct nl_sock *socket, int protocol, const char *namespace_path) {
	struct cnl_call call = {socket, protocol, namespace_path, 0};
	if (!namespace_path) return nl_connect(socket, protocol) < 0 ? -errno : 0;
	pthread_t thread;
	if (pthread_create(&thread, 0, cnl_connect_there, &call)) return -EAGAIN;
	pthread_join(thread, 0);
	return call.result;
}

/// Buffers of `bytes` both ways, beyond the system's limit where CAP_NET_ADMIN allows; a receive time-out; extended acks.
static inline void cnl_tune(int fd, int bytes, int timeout_seconds) {
	int one = 1;
	struct timeval timeout = {.tv_sec = timeout_seconds};
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
}
