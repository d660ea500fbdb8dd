#define _GNU_SOURCE
#include "CNetlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

const uint32_t cnetlink_iff_up = IFF_UP;
const uint32_t cnetlink_iff_running = IFF_RUNNING;
const int32_t cnetlink_if_name_size = IFNAMSIZ;
const int32_t cnetlink_family_inet = NFPROTO_INET;

void cnetlink_describe(int error, char *buffer, size_t size)
{
    char words[128];
    snprintf(buffer, size, "%s", strerror_r(error, words, sizeof words));
}

int cnetlink_open(int protocol, uint32_t *port)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (fd < 0) return -errno;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    socklen_t length = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0
        || getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    *port = address.nl_pid;
    int one = 1;
    // Both exist since 4.12; without them only the text of an error is lost.
    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
    return fd;
}

ssize_t cnetlink_receive(int fd, void *buffer, size_t size, int flags, uint32_t *sender)
{
    struct sockaddr_nl from = {0};
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
    ssize_t count;
    do count = recvmsg(fd, &message, flags);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    if (message.msg_flags & MSG_TRUNC) return -EMSGSIZE;
    *sender = from.nl_pid;
    return count;
}

int cnetlink_send(int fd, const void *bytes, size_t count)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t sent;
    do sent = sendto(fd, bytes, count, 0, (struct sockaddr *)&kernel, sizeof kernel);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static int set_buffer(int fd, int forced, int polite, int bytes)
{
    if (bytes <= 0) return 0;
    if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) == 0) return 0;
    return setsockopt(fd, SOL_SOCKET, polite, &bytes, sizeof bytes) < 0 ? -errno : 0;
}

int cnetlink_set_buffers(int fd, int send_bytes, int receive_bytes)
{
    int error = set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, send_bytes);
    return error ? error : set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, receive_bytes);
}

int cnetlink_join(int fd, uint32_t group)
{
    return setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0 ? -errno : 0;
}

int cnetlink_set_receive_timeout(int fd, int milliseconds)
{
    struct timeval time = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) < 0 ? -errno : 0;
}

struct visit {
    const char *path;
    void (*body)(void *);
    void *context;
    int error;
};

static void *visit(void *argument)
{
    struct visit *visit = argument;
    int fd = open(visit->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) visit->error = errno;
    if (fd >= 0) close(fd);
    if (!visit->error) visit->body(visit->context);
    return NULL;
}

int cnetlink_in_namespace(const char *path, void (*body)(void *), void *context)
{
    struct visit work = {.path = path, .body = body, .context = context};
    pthread_t thread;
    int error = pthread_create(&thread, NULL, visit, &work);
    if (error) return -error;
    pthread_join(thread, NULL);
    return -work.error;
}
