#define _GNU_SOURCE
#include "traffic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

volatile sig_atomic_t stopped;

static double clock_seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double now(void) { return clock_seconds(CLOCK_MONOTONIC); }
double cpu_of_thread(void) { return clock_seconds(CLOCK_THREAD_CPUTIME_ID); }

void fail(const char *what)
{
    fprintf(stderr, "labtraffic: %s: %s\n", what, strerror(errno));
    exit(1);
}

struct pace pace_start(uint64_t rate) { return (struct pace){.start = now(), .rate = rate}; }

uint64_t pace_packets(struct pace *pace, uint32_t size)
{
    if (pace->rate == 0) return UINT64_MAX;
    const double most_held_back = 0.25;
    double elapsed = now() - pace->start, owed = elapsed - (double)pace->sent / (double)pace->rate;
    if (owed < 0) return 0;
    if (owed > most_held_back) {
        pace->start += owed - most_held_back;
        owed = most_held_back;
    }
    return 1 + (uint64_t)(owed * (double)pace->rate / size);
}

double pace_wait(const struct pace *pace)
{
    if (pace->rate == 0) return 0;
    // Waking for less than half a millisecond costs more than the batch it would split.
    const double least = 0.0005;
    double wait = (double)pace->sent / (double)pace->rate - (now() - pace->start);
    return wait > least ? wait : least;
}

// How many packets of which size come next; 0 when the load is sent. Only the last packet is shorter.
uint32_t load_batch(const struct load *load, const struct tally *tally, double elapsed, uint32_t most, uint32_t *size)
{
    uint64_t count = most;
    *size = load->size;
    if (load->seconds > 0 && elapsed >= load->seconds) return 0;
    if (load->packets > 0) {
        uint64_t left = load->packets - tally->packets;
        if (left < count) count = left;
    }
    if (load->bytes > 0) {
        uint64_t left = load->bytes - tally->bytes;
        if (left == 0) return 0;
        if (left < load->size) {
            *size = (uint32_t)left;
            return count < 1 ? 0 : 1;
        }
        if (left / load->size < count) count = left / load->size;
    }
    return (uint32_t)count;
}

void tally_add(struct tally *tally, uint64_t packets, uint64_t bytes)
{
    double t = now();
    if (tally->packets == 0) {
        tally->first = t;
        tally->progress_due = t + 1;
    }
    tally->last = t;
    tally->packets += packets;
    tally->bytes += bytes;
    if (tally->progress && t >= tally->progress_due) {
        printf("{\"progress_seconds\":%.3f,\"packets\":%llu,\"payload_bytes\":%llu}\n", t - tally->first,
               (unsigned long long)tally->packets, (unsigned long long)tally->bytes);
        fflush(stdout);
        tally->progress_due = t + 1;
    }
}

static const char *ending_names[] = {
    [COMPLETE] = "complete", [LOST] = "lost",       [IDLE] = "idle",     [STOPPED] = "stopped",
    [NO_ANSWER] = "no-answer", [REFUSED] = "refused", [CLOSED] = "closed",
};

// One line, written at once, so that lines of several sessions never mix.
void tally_print(const struct tally *tally, const char *role, const char *direction, enum transport transport,
                 enum ending ending, const char *peer)
{
    char line[1024], told[96] = "\"peer_packets\":null,\"peer_payload_bytes\":null";
    if (tally->peer_known)
        snprintf(told, sizeof told, "\"peer_packets\":%llu,\"peer_payload_bytes\":%llu",
                 (unsigned long long)tally->peer_packets, (unsigned long long)tally->peer_bytes);
    snprintf(line, sizeof line,
             "{\"role\":\"%s\",\"direction\":\"%s\",\"transport\":\"%s\",\"peer\":\"%s\",\"packets\":%llu,\"payload_bytes\":%llu,"
             "\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"control_packets_sent\":%llu,\"control_bytes_sent\":%llu,"
             "\"control_packets_received\":%llu,\"control_bytes_received\":%llu,%s,\"ended\":\"%s\"}\n",
             role, direction, transport == UDP ? "udp" : "tcp", peer, (unsigned long long)tally->packets,
             (unsigned long long)tally->bytes, tally->last - tally->first, cpu_of_thread(),
             (unsigned long long)tally->control_packets_sent, (unsigned long long)tally->control_bytes_sent,
             (unsigned long long)tally->control_packets_received, (unsigned long long)tally->control_bytes_received, told,
             ending_names[ending]);
    fputs(line, stdout);
    fflush(stdout);
}
