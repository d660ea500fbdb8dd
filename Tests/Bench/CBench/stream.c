#define _GNU_SOURCE
#include "CBench.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 128 << 10, PATIENCE_MS = 2000, BUFFER = 4 << 20 };

// Fixed buffers, and a window that only loss makes smaller: two connections then behave alike. What the kernel would find
// out for each by itself differs by more than any router does.
static void make_plain(int s)
{
    int buffer = BUFFER;
    setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
    setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "reno", strlen("reno"));
}

static int open_end(const char *address, uint16_t port, int (*use)(int, const struct sockaddr *, socklen_t))
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(address, service, &hints, &found)) return errno = EINVAL, -1;
    int s = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (s >= 0) setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), make_plain(s);
    if (s >= 0 && use(s, found->ai_addr, found->ai_addrlen) < 0) {
        int error = errno;
        close(s);
        errno = error;
        s = -1;
    }
    freeaddrinfo(found);
    return s;
}

static int bind_and_listen(int s, const struct sockaddr *address, socklen_t length)
{
    return bind(s, address, length) < 0 ? -1 : listen(s, 1);
}

int bench_listen(const char *address, uint16_t port) { return open_end(address, port, bind_and_listen); }
int bench_connect(const char *address, uint16_t port) { return open_end(address, port, connect); }
int bench_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC); }

int64_t bench_pump(int from, int to, int64_t bytes)
{
    static char out[PIECE], in[PIECE];
    int64_t sent = 0, arrived = 0;
    while (arrived < bytes) {
        int64_t left = bytes - sent;
        ssize_t went = left > 0 ? send(from, out, left < PIECE ? (size_t)left : PIECE, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        if (went > 0) sent += went;
        int64_t before = arrived;
        for (ssize_t got; (got = recv(to, in, sizeof in, MSG_DONTWAIT)) > 0;) arrived += got;
        if (went > 0 || arrived > before) continue;
        struct pollfd ends[2] = {{to, POLLIN, 0}, {left > 0 ? from : -1, POLLOUT, 0}};
        if (poll(ends, 2, PATIENCE_MS) <= 0 && errno != EINTR) break;
    }
    return arrived;
}
