#define _GNU_SOURCE
#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Waits for the socket, in slices so short that a SIGTERM caught between check and wait is noticed. 1: ready, 0: not.
int wait_for(int socket, short events, double seconds)
{
    const double slice = 0.1;
    double end = now() + seconds;
    for (;;) {
        double left = end - now();
        if (left < 0) left = 0;
        if (left > slice) left = slice;
        struct timespec t = {.tv_sec = 0, .tv_nsec = (long)(left * 1e9)};
        struct pollfd wanted = {.fd = socket, .events = events};
        if (ppoll(&wanted, 1, &t, NULL) > 0) return 1;
        if (stopped || now() >= end) return 0;
    }
}

static struct addrinfo *resolve(const char *host, const char *port, int family, int type)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = type, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error) {
        fprintf(stderr, "labtraffic: %s port %s: %s; give a numeric address\n", host, port ? port : "any", gai_strerror(error));
        exit(2);
    }
    return found;
}

// A lost packet must be lost on the wire, not in a small buffer: as large as root may ask for.
void big_buffers(int socket)
{
    int size = 64 << 20;
    setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
}

static enum ending connect_within(int s, const struct addrinfo *to, double patience)
{
    if (connect(s, to->ai_addr, to->ai_addrlen) == 0) return COMPLETE;
    if (errno == EINPROGRESS) {
        if (!wait_for(s, POLLOUT, patience)) return stopped ? STOPPED : NO_ANSWER;
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error == 0) return COMPLETE;
        errno = error;
    }
    return errno == ECONNREFUSED ? REFUSED : NO_ANSWER;
}

int dial(const char *host, const char *port, const char *local, enum transport transport, double patience, enum ending *ending)
{
    int type = transport == UDP ? SOCK_DGRAM : SOCK_STREAM;
    struct addrinfo *to = resolve(host, port, AF_UNSPEC, type);
    int s = socket(to->ai_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0) fail("socket");
    if (local) {
        struct addrinfo *from = resolve(local, NULL, to->ai_family, type);
        if (bind(s, from->ai_addr, from->ai_addrlen) < 0) fail("--bind");
        freeaddrinfo(from);
    }
    if (transport == UDP) big_buffers(s);
    *ending = connect_within(s, to, patience);
    freeaddrinfo(to);
    return s;
}

// Both families on one socket; addresses of IPv4 clients appear mapped.
int listen_on(uint16_t port, enum transport transport)
{
    int s = socket(AF_INET6, (transport == UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0) fail("socket");
    int on = 1, off = 0;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    setsockopt(s, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    if (transport == UDP) big_buffers(s);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (bind(s, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    if (transport == TCP && listen(s, 1024) < 0) fail("listen");
    return s;
}

void address_text(const struct sockaddr_in6 *address, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (IN6_IS_ADDR_V4MAPPED(&address->sin6_addr))
        inet_ntop(AF_INET, &address->sin6_addr.s6_addr[12], host, sizeof host);
    else
        inet_ntop(AF_INET6, &address->sin6_addr, host, sizeof host);
    snprintf(text, size, "%s %u", host, ntohs(address->sin6_port));
}
