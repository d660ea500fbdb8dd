// The parts of labtraffic: a load is what to send, a tally is what passed, a pace keeps to a rate.
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum transport { UDP, TCP };

// Why a transfer ended. Every transfer ends: nothing in this program waits without a limit.
enum ending {
    COMPLETE,   // all that was asked for passed, and the peer agrees
    LOST,       // the peer sent more than arrived (UDP)
    IDLE,       // nothing moved for the idle time
    STOPPED,    // SIGTERM or SIGINT here, or the peer said bye
    NO_ANSWER,  // the peer never answered
    REFUSED,    // the peer's host refused the connection
    CLOSED,     // the peer closed before the end
};

// What to send. A zero limit is no limit; whichever limit is met first ends the load.
struct load {
    uint64_t bytes;
    uint64_t packets;
    double seconds;
    uint64_t rate;  // payload bytes a second, 0: as fast as it goes
    uint32_t size;  // payload bytes of a packet; over TCP, of a write
    double idle;
};

// What passed. Data and control are kept apart, so that data + control is every payload byte on the wire.
struct tally {
    uint64_t packets, bytes;
    uint64_t control_packets_sent, control_bytes_sent;
    uint64_t control_packets_received, control_bytes_received;
    double first, last;  // when the first and the last data moved
    bool peer_known;     // the two below were told by the peer
    uint64_t peer_packets, peer_bytes;
    bool progress;
    double progress_due;
};

// Keeps to a rate; a sender that was held up does not make up for more than a moment.
struct pace {
    double start;
    uint64_t rate, sent;
};

extern volatile sig_atomic_t stopped;

// meter.c
double now(void);
double cpu_of_thread(void);
struct pace pace_start(uint64_t rate);
uint64_t pace_packets(struct pace *pace, uint32_t size);  // how many may go now
double pace_wait(const struct pace *pace);                // seconds until one may go
uint32_t load_batch(const struct load *load, const struct tally *tally, double elapsed, uint32_t most, uint32_t *size);
void tally_add(struct tally *tally, uint64_t packets, uint64_t bytes);
void tally_print(const struct tally *tally, const char *role, const char *direction, enum transport transport,
                 enum ending ending, const char *peer);
_Noreturn void fail(const char *what);

// socket.c
int wait_for(int socket, short events, double seconds);
int dial(const char *host, const char *port, const char *local, enum transport transport, double patience, enum ending *ending);
int listen_on(uint16_t port, enum transport transport);
void big_buffers(int socket);
void address_text(const struct sockaddr_in6 *address, char *text, size_t size);

// control.c: lines of text; over UDP a packet that starts with the word below is control, any other is data
#define CONTROL "labtraffic "
enum { CONTROL_MAX = 256 };
struct control {
    char verb[16];
    struct load load;         // of "up" and "down"
    uint64_t packets, bytes;  // of "done" and "got"
};
bool control_parse(const char *text, size_t length, struct control *control);
bool control_send(int socket, struct tally *tally, const char *verb, const struct load *load);
void control_count(struct tally *tally, size_t length);

// udp.c
enum ending udp_upload(int socket, const struct load *load, struct tally *tally);
enum ending udp_download(int socket, const struct load *load, struct tally *tally);
enum ending udp_send(int socket, const struct load *load, struct tally *tally);
enum ending udp_sink(int socket, double idle, struct tally *tally);
enum ending udp_serve_upload(int socket, double idle, struct tally *tally);
enum ending udp_serve_download(int socket, const struct load *load, struct tally *tally);

// tcp.c
enum ending tcp_upload(int socket, const struct load *load, struct tally *tally);
enum ending tcp_download(int socket, const struct load *load, struct tally *tally);
enum ending tcp_send(int socket, const struct load *load, struct tally *tally);
enum ending tcp_sink(int socket, double idle, struct tally *tally);
bool tcp_read_control(int socket, double patience, struct tally *tally, struct control *control);
enum ending tcp_serve_upload(int socket, double idle, struct tally *tally);
enum ending tcp_serve_download(int socket, const struct load *load, struct tally *tally);

// serve.c
int serve(uint16_t port);
