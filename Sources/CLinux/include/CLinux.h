// System calls that Swift cannot make well: variadic ones, and what must be set up between fork and exec. Decides nothing.
#pragma once
#include <linux/ethtool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

// Sets one of ethtool's switches (ETHTOOL_SGRO, ...) of an interface of this thread's network namespace.
// Returns 0 or -errno.
int clinux_ethtool_set(const char *interface, uint32_t command, uint32_t value);
// Reads one (ETHTOOL_GGRO, ...). Returns its value or -errno.
int clinux_ethtool_get(const char *interface, uint32_t command);

// Runs a program to its end, with nothing on its standard input, in this thread's network namespace.
// What it prints (both streams) goes to output, closed by a zero; what does not fit is read and dropped.
// Returns its exit status, 128 + signal, or -errno; -ETIMEDOUT after it was killed.
int clinux_run(const char *path, char *const arguments[], char *output, size_t size, int timeout_milliseconds);

// A pipe end that wakes a poll, for one reader. Returns a descriptor or -errno.
int clinux_eventfd(void);
// Waits for either. Returns 1 if first is readable, 2 if second is, 3 for both, or -errno.
int clinux_poll_two(int first, int second);

// A socket that sees what comes in on an interface of this thread's network namespace, and not what goes out (packet(7)).
// Needs CAP_NET_RAW. Returns a descriptor or -errno.
int clinux_packet_socket(int interface_index);
// Takes what came. Returns 1 if that was a packet, 0 if it was nothing, -errno if the interface is down or gone.
int clinux_packet_came(int fd);

int64_t clinux_nanoseconds(int clock);
