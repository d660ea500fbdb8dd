#define _GNU_SOURCE
#include "CBench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64 };

int bench_pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu >= 0) CPU_SET(cpu, &set);
    else for (int i = 0; i < CPU_SETSIZE; i++) CPU_SET(i, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

void bench_set_niceness(int niceness)
{
    // In Linux each thread has its own; those to come inherit it.
    DIR *threads = opendir("/proc/self/task");
    if (!threads) return;
    for (struct dirent *entry; (entry = readdir(threads));)
        if (entry->d_name[0] != '.') setpriority(PRIO_PROCESS, (id_t)atoi(entry->d_name), niceness);
    closedir(threads);
    // And each session's group of processes has one, which counts first (sched(7), "The autogroup feature").
    int group = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
    if (group < 0) return;
    dprintf(group, "%d", niceness);
    close(group);
}

int64_t bench_nanoseconds(int process)
{
    clockid_t clock = CLOCK_THREAD_CPUTIME_ID;
    if (process && (errno = clock_getcpuclockid(process, &clock))) return -1;
    struct timespec time;
    if (clock_gettime(clock, &time) < 0) return -1;
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int bench_packet_socket(const char *interface)
{
    // Protocol 0: it only sends, nothing is handed to it.
    int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (s < 0) return -1;
    struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(interface)};
    int on = 1;
    if (link.sll_ifindex == 0 || bind(s, (struct sockaddr *)&link, sizeof link) < 0
        || setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) < 0) {
        int error = errno;
        close(s);
        errno = error;
        return -1;
    }
    return s;
}

int64_t bench_spray(int socket, const uint8_t *frames, int size, int stride, int count, int *next, int64_t packets)
{
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    memset(messages, 0, sizeof messages);
    int64_t sent = 0;
    while (sent < packets) {
        int batch = packets - sent < BATCH ? (int)(packets - sent) : BATCH;
        for (int i = 0; i < batch; i++) {
            parts[i] = (struct iovec){(void *)(frames + (size_t)((*next + i) % count) * (size_t)stride), (size_t)size};
            messages[i].msg_hdr.msg_iov = &parts[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        int done = sendmmsg(socket, messages, (unsigned)batch, 0);
        if (done <= 0) {
            if (done < 0 && errno == EINTR) continue;
            break;
        }
        sent += done;
        *next = (*next + done) % count;
    }
    return sent;
}
