#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int ethtool(const char *interface, struct ethtool_value *value)
{
    struct ifreq request = {0};
    if (strlen(interface) >= sizeof request.ifr_name) return -ENAMETOOLONG;
    strcpy(request.ifr_name, interface);
    request.ifr_data = (void *)value;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int error = ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
    close(fd);
    return error;
}

int clinux_ethtool_set(const char *interface, uint32_t command, uint32_t value)
{
    struct ethtool_value request = {.cmd = command, .data = value};
    return ethtool(interface, &request);
}

int clinux_ethtool_get(const char *interface, uint32_t command)
{
    struct ethtool_value request = {.cmd = command};
    int error = ethtool(interface, &request);
    return error ? error : (int)request.data;
}

int64_t clinux_nanoseconds(int clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int spawn(const char *path, char *const arguments[], int output, pid_t *child)
{
    static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, 1);
    posix_spawn_file_actions_adddup2(&files, output, 2);
    // What outlives us (hostapd, dnsmasq) must not hold our listening sockets, nor the lock of our store.
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawn(child, path, &files, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return -error;
}

// Reads to the end of the pipe or of the time; 0 or -errno.
static int drain(int fd, char *output, size_t size, int64_t deadline)
{
    size_t length = 0;
    char waste[4096];
    output[0] = 0;
    for (;;) {
        int64_t left = (deadline - clinux_nanoseconds(CLOCK_MONOTONIC)) / 1000000;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, left > 0 ? (int)left : 0);
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return -errno;
        if (ready == 0) return -ETIMEDOUT;
        size_t room = size - 1 - length;
        ssize_t count = read(fd, room ? output + length : waste, room ? room : sizeof waste);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return -errno;
        if (count == 0) return 0;
        if (room) output[length += (size_t)count] = 0;
    }
}

int clinux_run(const char *path, char *const arguments[], char *output, size_t size, int timeout_milliseconds)
{
    int ends[2];
    pid_t child;
    if (size == 0) return -EINVAL;
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    int error = spawn(path, arguments, ends[1], &child);
    close(ends[1]);
    if (error) {
        close(ends[0]);
        return error;
    }
    error = drain(ends[0], output, size, clinux_nanoseconds(CLOCK_MONOTONIC) + timeout_milliseconds * (int64_t)1000000);
    close(ends[0]);
    if (error) kill(child, SIGKILL);
    int status;
    pid_t waited;
    do waited = waitpid(child, &status, 0);
    while (waited < 0 && errno == EINTR);
    if (error) return error;
    if (waited < 0) return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int clinux_eventfd(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int clinux_poll_two(int first, int second)
{
    struct pollfd wait[2] = {{.fd = first, .events = POLLIN}, {.fd = second, .events = POLLIN}};
    int ready;
    do ready = poll(wait, 2, -1);
    while (ready < 0 && errno == EINTR);
    if (ready < 0) return -errno;
    return (wait[0].revents != 0) | (wait[1].revents != 0) << 1;
}

int clinux_packet_socket(int interface_index)
{
    // Of no protocol until it is bound: before, it would see every interface.
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    int room = 4096, yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);  // one packet is all that is wanted
#ifdef PACKET_IGNORE_OUTGOING
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes);  // since 4.20; before, they are told apart below
#endif
    struct sockaddr_ll place = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = interface_index};
    if (bind(fd, (struct sockaddr *)&place, sizeof place) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int clinux_packet_came(int fd)
{
    for (;;) {
        char byte;
        struct sockaddr_ll from = {0};
        socklen_t size = sizeof from;
        ssize_t count = recvfrom(fd, &byte, sizeof byte, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
        if (from.sll_pkttype != PACKET_OUTGOING && from.sll_pkttype != PACKET_LOOPBACK) return 1;
    }
}
