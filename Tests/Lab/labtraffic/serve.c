// The internet: one process that answers any number of clients, each in a thread of its own.
#define _GNU_SOURCE
#include "traffic.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SESSIONS_MAX = 1024 };  // a thread each; a lab has no more clients than this

struct session {
    bool used;
    enum transport transport;
    struct sockaddr_in6 peer;
    int socket;
    struct control request;
};

static struct session sessions[SESSIONS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { uint64_t sessions, active, bytes_sent, bytes_received; } total;

static bool same_peer(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
    return a->sin6_port == b->sin6_port && memcmp(&a->sin6_addr, &b->sin6_addr, sizeof a->sin6_addr) == 0;
}

// A free place; NULL when there is none, or when a UDP client asked twice.
static struct session *reserve(enum transport transport, const struct sockaddr_in6 *peer)
{
    struct session *free_place = NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < SESSIONS_MAX; i++) {
        struct session *s = &sessions[i];
        if (!s->used && !free_place) free_place = s;
        if (s->used && transport == UDP && s->transport == UDP && same_peer(&s->peer, peer)) {
            free_place = NULL;
            break;
        }
    }
    if (free_place) {
        *free_place = (struct session){.used = true, .transport = transport, .peer = *peer, .socket = -1};
        total.sessions += 1;
        total.active += 1;
    }
    pthread_mutex_unlock(&lock);
    return free_place;
}

static void release(struct session *session, uint64_t sent, uint64_t received)
{
    if (session->socket >= 0) close(session->socket);
    pthread_mutex_lock(&lock);
    total.bytes_sent += sent;
    total.bytes_received += received;
    total.active -= 1;
    session->used = false;
    pthread_mutex_unlock(&lock);
}

static void *attend(void *argument)
{
    struct session *session = argument;
    struct tally tally = {0};
    char peer[80];
    address_text(&session->peer, peer, sizeof peer);
    struct control *request = &session->request;
    if (session->transport == TCP && !tcp_read_control(session->socket, 10, &tally, request)) {
        release(session, 0, 0);
        return NULL;
    }
    bool up = !strcmp(request->verb, "up");
    enum ending ending = CLOSED;
    if (up)
        ending = (session->transport == UDP ? udp_serve_upload : tcp_serve_upload)(session->socket, request->load.idle, &tally);
    else if (!strcmp(request->verb, "down"))
        ending = (session->transport == UDP ? udp_serve_download : tcp_serve_download)(session->socket, &request->load, &tally);
    tally_print(&tally, up ? "receiver" : "sender", up ? "uplink" : "downlink", session->transport, ending, peer);
    release(session, up ? 0 : tally.bytes, up ? tally.bytes : 0);
    return NULL;
}

static void launch(struct session *session)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 256 << 10);
    pthread_t thread;
    if (pthread_create(&thread, &attributes, attend, session) != 0) release(session, 0, 0);
    pthread_attr_destroy(&attributes);
}

// A socket of the session's own, from the very address the client wrote to: its packets find it before the listening one.
static int private_socket(const struct sockaddr_in6 *local, const struct sockaddr_in6 *peer)
{
    int s = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, off = 0;
    if (s < 0) return -1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    big_buffers(s);
    if (bind(s, (const struct sockaddr *)local, sizeof *local) < 0 || connect(s, (const struct sockaddr *)peer, sizeof *peer) < 0) {
        close(s);
        return -1;
    }
    // Between bind and connect anyone's packet may have come in here; whoever sent it will ask again.
    char stray;
    while (recv(s, &stray, 1, MSG_DONTWAIT) >= 0) {}
    return s;
}

static void answer_udp(int listener, uint16_t port)
{
    char text[CONTROL_MAX], ancillary[256];
    struct sockaddr_in6 peer = {0};
    struct iovec part = {text, sizeof text};
    struct msghdr message = {.msg_name = &peer, .msg_namelen = sizeof peer, .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = ancillary, .msg_controllen = sizeof ancillary};
    ssize_t length = recvmsg(listener, &message, MSG_DONTWAIT);
    struct control request;
    if (length <= 0 || !control_parse(text, (size_t)length, &request)) return;
    if (strcmp(request.verb, "up") && strcmp(request.verb, "down")) return;
    struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
            memcpy(&local.sin6_addr, &((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr, sizeof local.sin6_addr);
    struct session *session = reserve(UDP, &peer);
    if (!session) return;
    session->request = request;
    session->socket = private_socket(&local, &peer);
    if (session->socket < 0)
        release(session, 0, 0);
    else
        launch(session);
}

static void answer_tcp(int listener)
{
    struct sockaddr_in6 peer = {0};
    socklen_t size = sizeof peer;
    int s = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (s < 0) return;
    struct session *session = reserve(TCP, &peer);
    if (!session) {
        close(s);
        return;
    }
    session->socket = s;
    launch(session);
}

int serve(uint16_t port)
{
    int udp = listen_on(port, UDP), tcp = listen_on(port, TCP);
    printf("{\"role\":\"server\",\"listening\":%u}\n", port);
    fflush(stdout);
    while (!stopped) {
        struct pollfd wanted[] = {{.fd = udp, .events = POLLIN}, {.fd = tcp, .events = POLLIN}};
        if (poll(wanted, 2, 100) <= 0) continue;
        if (wanted[0].revents) answer_udp(udp, port);
        if (wanted[1].revents) answer_tcp(tcp);
    }
    uint64_t active = 1;
    for (double end = now() + 2; active > 0 && now() < end;) {
        pthread_mutex_lock(&lock);
        active = total.active;
        pthread_mutex_unlock(&lock);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    struct timespec cpu;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    printf("{\"role\":\"server\",\"sessions\":%llu,\"payload_bytes_sent\":%llu,\"payload_bytes_received\":%llu,\"cpu_seconds\":%.6f}\n",
           (unsigned long long)total.sessions, (unsigned long long)total.bytes_sent, (unsigned long long)total.bytes_received,
           (double)cpu.tv_sec + (double)cpu.tv_nsec * 1e-9);
    fflush(stdout);
    return 0;
}
