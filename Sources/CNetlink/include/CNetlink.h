// The kernel's netlink headers, and what Swift cannot reach in them. Decides nothing.
#pragma once
// First: linux/in.h then leaves to it what both define.
#include <netinet/in.h>

#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/nl80211.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// net/if.h and linux/if.h cannot be included together everywhere: the flags come from here.
extern const uint32_t cnetlink_iff_up;
extern const uint32_t cnetlink_iff_running;
extern const int32_t cnetlink_if_name_size;
// linux/netfilter.h brings linux/in.h.
extern const int32_t cnetlink_family_inet;

// The words for an error number, in buffer.
void cnetlink_describe(int error, char *buffer, size_t size);

// A netlink socket, bound to a port of the kernel's choice, close-on-exec, with extended acks without echo.
// Returns the descriptor, or -errno; *port is what the kernel gave.
int cnetlink_open(int protocol, uint32_t *port);

// One datagram. Returns its length, -errno, or -EMSGSIZE when it did not fit; *sender is the port it came from.
ssize_t cnetlink_receive(int fd, void *buffer, size_t size, int flags, uint32_t *sender);

// One datagram to the kernel. Returns 0 or -errno.
int cnetlink_send(int fd, const void *bytes, size_t count);

// Buffer sizes past the system's limit need CAP_NET_ADMIN; without it they end at the limit. Returns 0 or -errno.
int cnetlink_set_buffers(int fd, int send_bytes, int receive_bytes);
int cnetlink_join(int fd, uint32_t group);
int cnetlink_set_receive_timeout(int fd, int milliseconds);

// Runs body(context) in a thread of its own that has entered the network namespace at path, and waits for it.
// What it opens there stays there. Returns 0, or -errno when the namespace could not be entered (body has not run).
int cnetlink_in_namespace(const char *path, void (*body)(void *), void *context);
