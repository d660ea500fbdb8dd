// A download:  client "down" line ▶   ◀ data, end of stream
// An upload:   client "up" line ▶   data ▶, end of stream ▶   ◀ "got" line
#define _GNU_SOURCE
#include "traffic.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum { LARGEST_WRITE = 1 << 20 };

static char zeros[LARGEST_WRITE];

enum ending tcp_send(int socket, const struct load *load, struct tally *tally)
{
    struct pace pace = pace_start(load->rate);
    double begun = now(), moved = begun;
    while (!stopped) {
        double t = now();
        uint32_t size;
        if (load_batch(load, tally, t - begun, 1, &size) == 0) return COMPLETE;
        if (pace_packets(&pace, size) == 0) {
            if (wait_for(socket, POLLHUP, pace_wait(&pace))) return CLOSED;
            moved = now();
            continue;
        }
        ssize_t sent = send(socket, zeros, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            moved = t;
            pace.sent += (uint64_t)sent;
            tally_add(tally, 1, (uint64_t)sent);
            continue;
        }
        if (sent < 0 && errno != EAGAIN) return CLOSED;
        if (t - moved > load->idle) return IDLE;
        double left = moved + load->idle - t;
        if (load->seconds > 0 && begun + load->seconds - t < left) left = begun + load->seconds - t;
        wait_for(socket, POLLOUT, left > 0 ? left : 0);
    }
    return STOPPED;
}

// Counts until the end of the stream. The payload is not copied (MSG_TRUNC).
enum ending tcp_sink(int socket, double idle, struct tally *tally)
{
    while (!stopped) {
        if (!wait_for(socket, POLLIN, idle)) return stopped ? STOPPED : IDLE;
        ssize_t got = recv(socket, zeros, sizeof zeros, MSG_DONTWAIT | MSG_TRUNC);
        if (got == 0) return COMPLETE;
        if (got < 0 && errno == EAGAIN) continue;
        if (got < 0) return CLOSED;
        tally_add(tally, 1, (uint64_t)got);
    }
    return STOPPED;
}

// Reads one line and not a byte more: what follows is data.
bool tcp_read_control(int socket, double patience, struct tally *tally, struct control *control)
{
    char line[CONTROL_MAX];
    size_t length = 0;
    double end = now() + patience;
    while (length < sizeof line - 1) {
        if (!wait_for(socket, POLLIN, end - now())) return false;
        if (recv(socket, line + length, 1, MSG_DONTWAIT) != 1) return false;
        if (line[length++] == '\n') break;
    }
    control_count(tally, length);
    return control_parse(line, length, control);
}

enum ending tcp_upload(int socket, const struct load *load, struct tally *tally)
{
    if (!control_send(socket, tally, "up", load)) return CLOSED;
    enum ending ending = tcp_send(socket, load, tally);
    if (ending == IDLE || ending == CLOSED) return ending;
    shutdown(socket, SHUT_WR);
    struct control got;
    if (!tcp_read_control(socket, load->idle, tally, &got)) return ending == STOPPED ? STOPPED : IDLE;
    tally->peer_known = true;
    tally->peer_packets = got.packets;
    tally->peer_bytes = got.bytes;
    if (ending == STOPPED) return STOPPED;
    return got.bytes == tally->bytes ? COMPLETE : CLOSED;
}

enum ending tcp_download(int socket, const struct load *load, struct tally *tally)
{
    if (!control_send(socket, tally, "down", load)) return CLOSED;
    enum ending ending = tcp_sink(socket, load->idle, tally);
    if (ending == IDLE && tally->packets == 0) return NO_ANSWER;
    if (ending != COMPLETE) return ending;
    // A stream cut short by the server's death also ends orderly; the number asked for tells.
    uint64_t wanted = load->packets ? load->packets * load->size : 0;
    if (load->bytes && (wanted == 0 || load->bytes < wanted)) wanted = load->bytes;
    return wanted && load->seconds == 0 && tally->bytes != wanted ? CLOSED : COMPLETE;
}

enum ending tcp_serve_upload(int socket, double idle, struct tally *tally)
{
    enum ending ending = tcp_sink(socket, idle, tally);
    if (ending == COMPLETE) control_send(socket, tally, "got", NULL);
    return ending;
}

enum ending tcp_serve_download(int socket, const struct load *load, struct tally *tally)
{
    enum ending ending = tcp_send(socket, load, tally);
    if (ending != COMPLETE) return ending;
    shutdown(socket, SHUT_WR);
    // Until the client closes too, data may still be under way; it sends none.
    char rest;
    if (!wait_for(socket, POLLIN, load->idle)) return IDLE;
    return recv(socket, &rest, 1, MSG_DONTWAIT) == 0 ? COMPLETE : CLOSED;
}
