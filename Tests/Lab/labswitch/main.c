// A switch whose wires are long: every frame comes out so many milliseconds after it went in, in order.
//
//   labswitch MILLISECONDS PORT PORT...     until it is killed; "switching" on stdout when it has begun
//
// It stands where tc's netem would, which not every kernel has. Offloads of the far ends must be off: it carries whole frames of an
// Ethernet, 1514 bytes, and drops what is longer and what finds its queue full, as switches do.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORTS = 64, STATIONS = 256, QUEUE = 16384, FRAME = 1514, BURST = 64 };

struct waiting {
    int64_t due;  // nanoseconds
    uint16_t port, length;
    uint8_t frame[FRAME];
};

static struct { uint8_t mac[6]; int port; } stations[STATIONS];
static int station_count;
static struct pollfd ports[PORTS];
static int port_count;
static struct waiting *queue;
static unsigned head, tail;  // of the queue, ever growing

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "labswitch: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_port(const char *name)
{
    int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), on = 1, room = 8 << 20;
    if (fd < 0) fail(name);
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
    if (address.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail(name);
    // its own frames would come back to it
    if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0) fail(name);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    return fd;
}

// Where a station is, or is from now on; -1 if nobody knows.
static int find(const uint8_t *mac, int here)
{
    for (int i = 0; i < station_count; i++) {
        if (memcmp(stations[i].mac, mac, 6) != 0) continue;
        if (here >= 0) stations[i].port = here;
        return stations[i].port;
    }
    if (here < 0 || station_count == STATIONS) return -1;
    memcpy(stations[station_count].mac, mac, 6);
    stations[station_count++].port = here;
    return here;
}

static void take(int port, int64_t delay)
{
    for (int i = 0; i < BURST; i++) {
        struct waiting *slot = &queue[tail % QUEUE];
        uint8_t spare[FRAME];
        int is_full = tail - head == QUEUE;
        ssize_t length = recv(ports[port].fd, is_full ? spare : slot->frame, FRAME, MSG_DONTWAIT | MSG_TRUNC);
        if (length < 0) return;
        if (is_full || length > FRAME || length < 14) continue;
        slot->due = now() + delay;
        slot->port = (uint16_t)port;
        slot->length = (uint16_t)length;
        tail++;
    }
}

static void give(const struct waiting *one)
{
    if (!(one->frame[6] & 1)) find(one->frame + 6, one->port);
    int to = one->frame[0] & 1 ? -1 : find(one->frame, -1);
    for (int i = 0; i < port_count; i++) {
        // A frame that finds no room is lost, as on a wire.
        if (i != one->port && (to < 0 || to == i)) (void)!send(ports[i].fd, one->frame, one->length, MSG_DONTWAIT);
    }
}

int main(int count, char **words)
{
    if (count < 4 || count - 2 > PORTS) {
        fprintf(stderr, "usage: labswitch MILLISECONDS PORT PORT...\n");
        return 2;
    }
    int64_t delay = atoll(words[1]) * 1000000;
    queue = malloc(sizeof *queue * QUEUE);
    if (queue == NULL) fail("its queue");
    for (; port_count < count - 2; port_count++) ports[port_count] = (struct pollfd){open_port(words[port_count + 2]), POLLIN, 0};
    puts("switching");
    fflush(stdout);
    for (;;) {
        struct timespec wait = {1, 0};
        if (head != tail) {
            int64_t left = queue[head % QUEUE].due - now();
            if (left < 0) left = 0;
            wait = (struct timespec){left / 1000000000, left % 1000000000};
        }
        if (ppoll(ports, (nfds_t)port_count, &wait, NULL) < 0 && errno != EINTR) fail("waiting");
        for (int i = 0; i < port_count; i++) {
            if (ports[i].revents & POLLIN) take(i, delay);
        }
        for (int64_t t = now(); head != tail && queue[head % QUEUE].due <= t; head++) give(&queue[head % QUEUE]);
    }
}
