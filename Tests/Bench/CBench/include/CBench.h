// What the measuring loops need: they run in the thread that calls them, so that its CPU clock counts all of it, the
// kernel's forwarding too.
#pragma once

#include <stdint.h>

// Keeps the calling thread on one processor; -1 lets it go again. 0, or an errno.
int bench_pin(int cpu);

// How much all threads of this process yield to others: -20 not at all, 0 as usual. Where it is refused, nothing happens.
void bench_set_niceness(int niceness);

// Processor time of a process, or of the calling thread for 0, in nanoseconds; -1 and errno on failure.
int64_t bench_nanoseconds(int process);

// A raw socket on an interface of the namespace the thread is in. -1 and errno on failure.
int bench_packet_socket(const char *interface);

// Frames of `size` bytes, `stride` apart, sent in turn from frame `*next` on. Gives how many went.
int64_t bench_spray(int socket, const uint8_t *frames, int size, int stride, int count, int *next, int64_t packets);

// TCP ends, each made in its namespace: numeric addresses, -1 and errno on failure.
int bench_listen(const char *address, uint16_t port);
int bench_connect(const char *address, uint16_t port);
int bench_accept(int listener);

// Moves `bytes` from one end to the other, writing and reading in turn. Gives what arrived; less than asked when stuck.
int64_t bench_pump(int from, int to, int64_t bytes);

// Asks the kernel for every element of a set and throws the answer away: what reading costs before anyone looks at it.
// Gives the bytes of the answer, or -errno.
int64_t bench_dump(int socket, const char *table, const char *set);
int bench_netfilter_socket(void);

// UDP between two namespaces: one end, bound or connected, each made in its own. -1 and errno on failure.
int bench_udp(const char *address, uint16_t port, int is_server);
// Answers every datagram with itself, in a thread of its own, until the process ends. 0, or an errno.
int bench_echo(int server);
// Nanoseconds from sending a datagram to having its answer; -1 after a second without one.
int64_t bench_ping(int client);

// RandomX as its own documentation uses it: one virtual machine, one thread, light mode, the flags that the library proposes.
// Makes the cache; 0, or an errno.
int bench_randomx_prepare(const uint8_t seed[32]);
// Hashes for so long; gives hashes in a second of the thread's processor time, or -1.
double bench_randomx(double seconds);
