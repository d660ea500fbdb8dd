#define _GNU_SOURCE
#include "CBench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <randomx.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int bench_udp(const char *address, uint16_t port, int is_server)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &place.sin_addr) != 1) return errno = EINVAL, -1;
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0) return -1;
    if ((is_server ? bind : connect)(s, (struct sockaddr *)&place, sizeof place) == 0) return s;
    int error = errno;
    close(s);
    return errno = error, -1;
}

static void *echo(void *argument)
{
    int s = (int)(intptr_t)argument;
    char bytes[256];
    struct sockaddr_storage from;
    for (;;) {
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(s, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size);
        if (got >= 0) sendto(s, bytes, (size_t)got, 0, (struct sockaddr *)&from, size);
        else if (errno != EINTR) return NULL;
    }
}

int bench_echo(int server)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, echo, (void *)(intptr_t)server);
    return error ? error : pthread_detach(thread);
}

int64_t bench_ping(int client)
{
    static uint64_t number;
    uint64_t sent = ++number, got = 0;
    int64_t start = clock_ns(CLOCK_MONOTONIC);
    if (send(client, &sent, sizeof sent, 0) < 0) return -1;
    struct pollfd end = {client, POLLIN, 0};
    while (got != sent) {
        if (poll(&end, 1, 1000) <= 0) return -1;
        if (recv(client, &got, sizeof got, MSG_DONTWAIT) < 0 && errno != EAGAIN) return -1;
    }
    return clock_ns(CLOCK_MONOTONIC) - start;
}

static randomx_vm *machine;

int bench_randomx_prepare(const uint8_t seed[32])
{
    randomx_flags flags = randomx_get_flags();
    randomx_cache *cache = randomx_alloc_cache(flags);
    if (!cache) return ENOMEM;
    randomx_init_cache(cache, seed, 32);
    machine = randomx_create_vm(flags, cache, NULL);
    return machine ? 0 : ENOMEM;
}

double bench_randomx(double seconds)
{
    uint8_t blob[76] = {0}, hash[32];
    uint32_t nonce = 0, hashes = 0;
    if (!machine) return -1;
    int64_t wall = clock_ns(CLOCK_MONOTONIC), start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    randomx_calculate_hash_first(machine, blob, sizeof blob);
    do {
        nonce++;
        memcpy(blob + 39, &nonce, sizeof nonce);
        randomx_calculate_hash_next(machine, blob, sizeof blob, hash);
        hashes++;
    } while (clock_ns(CLOCK_MONOTONIC) - wall < (int64_t)(seconds * 1e9));
    int64_t spent = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
    return spent > 0 ? hashes / (spent / 1e9) : -1;
}
