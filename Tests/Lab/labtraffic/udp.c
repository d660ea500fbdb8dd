// A download:  client "down" ▶   ◀ data … data   ◀ "done"   "bye" ▶
// An upload:   client "up" ▶   ◀ "ready"   data … data ▶   "done" ▶   ◀ "got"
// Whoever waits for an answer repeats the question, and gives up after the idle time.
#define _GNU_SOURCE
#include "traffic.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>

enum { BATCH = 64, LARGEST = 65507 };

static const double ask_again = 0.5;
static char zeros[LARGEST];

// What one look at the socket brought.
struct arrival {
    uint64_t data;            // packets of data
    bool heard;               // a control packet came; it is the last one below
    struct control control;
};

// Counts up to a batch. Payload is not copied (MSG_TRUNC): only the length matters, and the start in which control is seen.
static struct arrival take(int socket, struct tally *tally)
{
    static _Thread_local char heads[BATCH][CONTROL_MAX];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){heads[i], sizeof heads[i]};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    struct arrival arrival = {0};
    int count = recvmmsg(socket, messages, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
    uint64_t bytes = 0;
    for (int i = 0; i < count; i++) {
        struct control control;
        if (control_parse(heads[i], messages[i].msg_len, &control)) {
            control_count(tally, messages[i].msg_len);
            arrival.heard = true;
            arrival.control = control;
        } else {
            arrival.data += 1;
            bytes += messages[i].msg_len;
        }
    }
    if (arrival.data > 0) tally_add(tally, arrival.data, bytes);
    return arrival;
}

static bool says(const struct arrival *arrival, const char *verb)
{
    return arrival->heard && strcmp(arrival->control.verb, verb) == 0;
}

static void believe(struct tally *tally, const struct arrival *arrival)
{
    tally->peer_known = true;
    tally->peer_packets = arrival->control.packets;
    tally->peer_bytes = arrival->control.bytes;
}

static enum ending agreement(const struct tally *tally)
{
    return tally->packets == tally->peer_packets && tally->bytes == tally->peer_bytes ? COMPLETE : LOST;
}

// Says `verb` until `answer` comes. The tally passed in is not touched by what is heard meanwhile except for control.
static enum ending ask(int socket, const char *verb, const struct load *load, const char *answer, double patience,
                       struct tally *tally, struct arrival *reply)
{
    double end = now() + patience;
    while (!stopped && now() < end) {
        control_send(socket, tally, verb, load);
        double again = now() + ask_again;
        while (!stopped && now() < again && now() < end) {
            if (!wait_for(socket, POLLIN, again - now())) break;
            *reply = take(socket, tally);
            if (says(reply, answer)) return COMPLETE;
        }
    }
    return stopped ? STOPPED : NO_ANSWER;
}

// Hands a batch to the kernel: how many packets it took, 0 to try again, -1 when the load can never be sent.
static int push(int socket, uint32_t count, uint32_t size)
{
    struct iovec part = {zeros, size};
    struct mmsghdr messages[BATCH];
    memset(messages, 0, sizeof messages[0] * count);
    for (uint32_t i = 0; i < count; i++) {
        messages[i].msg_hdr.msg_iov = &part;
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    int sent = sendmmsg(socket, messages, count, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno == EMSGSIZE || errno == EINVAL || errno == EBADF) return -1;
    // EAGAIN, ENOBUFS: full; ECONNREFUSED, EHOSTUNREACH: an ICMP error of an earlier packet.
    wait_for(socket, POLLOUT, errno == EAGAIN ? 0.1 : 0.001);
    return 0;
}

enum ending udp_send(int socket, const struct load *load, struct tally *tally)
{
    struct pace pace = pace_start(load->rate);
    double begun = now(), looked = begun, blocked = 0;
    while (!stopped) {
        double t = now();
        uint32_t size, count = load_batch(load, tally, t - begun, BATCH, &size);
        if (count == 0) return COMPLETE;
        uint64_t may = pace_packets(&pace, size);
        if (may == 0 || t - looked > 0.01) {
            looked = t;
            double wait = may == 0 ? pace_wait(&pace) : 0;
            if (load->seconds > 0 && begun + load->seconds - t < wait) wait = begun + load->seconds - t;
            if (wait_for(socket, POLLIN, wait)) {
                struct tally other = {0};
                struct arrival arrival = take(socket, &other);
                tally->control_packets_received += other.control_packets_received;
                tally->control_bytes_received += other.control_bytes_received;
                if (says(&arrival, "bye")) return STOPPED;
            }
            continue;
        }
        int sent = push(socket, may < count ? (uint32_t)may : count, size);
        if (sent < 0) fail("send (is --size larger than a packet can be?)");
        if (sent == 0) {
            if (blocked == 0) blocked = t;
            if (t - blocked > load->idle) return IDLE;
            continue;
        }
        blocked = 0;
        pace.sent += (uint64_t)sent * size;
        tally_add(tally, (uint64_t)sent, (uint64_t)sent * size);
    }
    return STOPPED;
}

enum ending udp_upload(int socket, const struct load *load, struct tally *tally)
{
    struct arrival reply;
    enum ending ending = ask(socket, "up", load, "ready", load->idle, tally, &reply);
    if (ending != COMPLETE) return ending;
    ending = udp_send(socket, load, tally);
    if (ending == IDLE) return IDLE;
    sig_atomic_t asked = stopped;  // a stopped upload still tells its total, in one try
    if (asked) stopped = 0;
    enum ending end = ask(socket, "done", NULL, "got", asked ? ask_again : load->idle, tally, &reply);
    if (asked) stopped = 1;
    if (end == COMPLETE) believe(tally, &reply);
    if (asked || ending == STOPPED) return STOPPED;
    return end == COMPLETE ? agreement(tally) : IDLE;
}

enum ending udp_download(int socket, const struct load *load, struct tally *tally)
{
    double asked = 0, heard = now();
    while (!stopped) {
        if (tally->packets == 0 && now() - asked >= ask_again) {
            control_send(socket, tally, "down", load);
            asked = now();
        }
        double left = heard + load->idle - now();
        if (left <= 0) {
            control_send(socket, tally, "bye", NULL);
            return tally->packets ? IDLE : NO_ANSWER;
        }
        if (!wait_for(socket, POLLIN, tally->packets || left < ask_again ? left : ask_again)) continue;
        struct arrival arrival = take(socket, tally);
        if (arrival.data > 0) heard = now();
        if (says(&arrival, "done")) {
            believe(tally, &arrival);
            control_send(socket, tally, "bye", NULL);
            return agreement(tally);
        }
    }
    control_send(socket, tally, "bye", NULL);
    return STOPPED;
}

enum ending udp_sink(int socket, double idle, struct tally *tally)
{
    double heard = now();
    while (!stopped) {
        double left = heard + idle - now();
        if (left <= 0) return IDLE;
        if (wait_for(socket, POLLIN, left) && take(socket, tally).data > 0) heard = now();
    }
    return STOPPED;
}

enum ending udp_serve_upload(int socket, double idle, struct tally *tally)
{
    const double linger = 1;  // the client may not have heard "got"
    double heard = now();
    control_send(socket, tally, "ready", NULL);
    bool told = false;
    while (!stopped) {
        double left = heard + (told ? linger : idle) - now();
        if (left <= 0) return told ? agreement(tally) : IDLE;
        if (!wait_for(socket, POLLIN, left)) continue;
        struct arrival arrival = take(socket, tally);
        if (arrival.data > 0 || arrival.heard) heard = now();
        if (says(&arrival, "up")) control_send(socket, tally, "ready", NULL);
        if (!says(&arrival, "done")) continue;
        believe(tally, &arrival);
        told = true;
        control_send(socket, tally, "got", NULL);
    }
    return STOPPED;
}

enum ending udp_serve_download(int socket, const struct load *load, struct tally *tally)
{
    enum ending ending = udp_send(socket, load, tally);
    if (ending != COMPLETE) return ending;
    struct arrival reply;
    return ask(socket, "done", NULL, "bye", load->idle, tally, &reply) == COMPLETE ? COMPLETE : NO_ANSWER;
}
