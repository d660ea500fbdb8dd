// labtraffic: moves an exactly known number of bytes over UDP or TCP, and says how many.
#define _GNU_SOURCE
#include "traffic.h"

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "labtraffic: moves an exactly known number of bytes over UDP or TCP, and says how many\n"
    "\n"
    "  labtraffic serve PORT                     the internet: answers any number of UDP and TCP clients until SIGTERM\n"
    "  labtraffic upload   HOST PORT [options]   client sends, the server swallows and tells what it got\n"
    "  labtraffic download HOST PORT [options]   client asks, the server sends\n"
    "  labtraffic send     HOST PORT [options]   sends without asking: every byte is data, nobody needs to listen\n"
    "  labtraffic sink     PORT [options]        counts what comes (TCP: one connection) until nothing comes any more\n"
    "\n"
    "what to move (the first limit met ends it; with none: --seconds 1)\n"
    "  --bytes N        exactly N payload bytes; the last packet is shorter\n"
    "  --packets N      N packets (TCP: N writes)\n"
    "  --seconds S      for S seconds\n"
    "  --size N         payload bytes a packet (default 1200; TCP: bytes a write, default 65536 or less at low rates)\n"
    "  --rate N         payload bytes a second, evenly spread (default: as fast as it goes)\n"
    "how\n"
    "  --tcp            TCP; the default is UDP\n"
    "  --bind ADDRESS   from this address of ours\n"
    "  --idle S         give up when nothing moves for S seconds (default 5)\n"
    "  --progress       a line of JSON each second while data moves\n"
    "Numbers take k, M, G (decimal). HOST is numeric, IPv4 or IPv6.\n"
    "\n"
    "At the end, and at SIGTERM or SIGINT, one line of JSON:\n"
    "  role, direction, transport, peer, packets, payload_bytes (data only), seconds (first to last data), cpu_seconds,\n"
    "  control_{packets,bytes}_{sent,received} (the questions and answers around the data: payload too),\n"
    "  peer_packets, peer_payload_bytes (what the other end counted, null when it did not say),\n"
    "  ended: complete | lost | idle | stopped | no-answer | refused | closed\n"
    "Exit: 0 when a result was printed, whatever it says; 1 system error; 2 wrong use.\n"
    "\n"
    "  labtraffic serve 5201 &\n"
    "  labtraffic download 198.18.0.10 5201 --bytes 20M --size 1400 --rate 2M\n"
    "  labtraffic upload fd78::10 5201 --tcp --bytes 5M\n"
    "  labtraffic send 198.18.0.10 9 --packets 1000 --size 22\n";

static _Noreturn void misuse(const char *why, const char *what)
{
    fprintf(stderr, "labtraffic: %s%s; see labtraffic --help\n", why, what);
    exit(2);
}

static double number(const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (*end == 'k') value *= 1e3, end++;
    else if (*end == 'M') value *= 1e6, end++;
    else if (*end == 'G') value *= 1e9, end++;
    if (end == text || *end || !(value >= 0) || value > 9e15) misuse("not a number for ", name);
    return value;
}

static uint16_t port_number(const char *text)
{
    double port = number("PORT", text);
    if (port < 1 || port > 65535) misuse("PORT must be 1 to 65535, not ", text);
    return (uint16_t)port;
}

struct options {
    enum transport transport;
    struct load load;
    const char *local;
    bool progress;
};

static struct options options_from(int count, char **arguments)
{
    static const struct option known[] = {
        {"bytes", required_argument, 0, 'b'}, {"packets", required_argument, 0, 'p'}, {"seconds", required_argument, 0, 's'},
        {"size", required_argument, 0, 'z'},  {"rate", required_argument, 0, 'r'},    {"tcp", no_argument, 0, 't'},
        {"udp", no_argument, 0, 'u'},         {"bind", required_argument, 0, 'a'},    {"idle", required_argument, 0, 'i'},
        {"progress", no_argument, 0, 'g'},    {"help", no_argument, 0, 'h'},          {0},
    };
    struct options o = {.load.idle = 5};
    for (int c; (c = getopt_long(count, arguments, "", known, NULL)) != -1;) switch (c) {
        case 'b': o.load.bytes = (uint64_t)number("--bytes", optarg); break;
        case 'p': o.load.packets = (uint64_t)number("--packets", optarg); break;
        case 's': o.load.seconds = number("--seconds", optarg); break;
        case 'z': o.load.size = (uint32_t)number("--size", optarg); break;
        case 'r': o.load.rate = (uint64_t)number("--rate", optarg); break;
        case 't': o.transport = TCP; break;
        case 'u': o.transport = UDP; break;
        case 'a': o.local = optarg; break;
        case 'i': o.load.idle = number("--idle", optarg); break;
        case 'g': o.progress = true; break;
        case 'h': fputs(help, stdout); exit(0);
        default: fputs("see labtraffic --help\n", stderr); exit(2);
        }
    struct load *load = &o.load;
    if (load->size == 0) {
        load->size = o.transport == UDP ? 1200 : 65536;
        if (o.transport == TCP && load->rate && load->rate / 50 < load->size) load->size = load->rate < 72400 ? 1448 : (uint32_t)(load->rate / 50);
    }
    if (load->size > (o.transport == UDP ? 65507 : 1 << 20)) misuse("--size is too large", "");
    if (load->idle <= 0) misuse("--idle must be more than 0", "");
    if (!load->bytes && !load->packets && load->seconds == 0) load->seconds = 1;
    return o;
}

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static int sink(const char *port, const struct options *o)
{
    struct tally tally = {.progress = o->progress};
    enum ending ending;
    int listener = listen_on(port_number(port), o->transport);
    if (o->transport == UDP) {
        ending = udp_sink(listener, o->load.idle, &tally);
    } else if (!wait_for(listener, POLLIN, o->load.idle)) {
        ending = stopped ? STOPPED : NO_ANSWER;
    } else {
        ending = tcp_sink(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), o->load.idle, &tally);
    }
    tally_print(&tally, "receiver", "uplink", o->transport, ending, "");
    return 0;
}

typedef enum ending (*transfer)(int socket, const struct load *load, struct tally *tally);

static int client(const char *verb, const char *host, const char *port, const struct options *o)
{
    static const struct { const char *verb; bool sends; transfer by[2]; } verbs[] = {
        {"upload", true, {udp_upload, tcp_upload}},
        {"download", false, {udp_download, tcp_download}},
        {"send", true, {udp_send, tcp_send}},
    };
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verb, verbs[i].verb)) continue;
        struct tally tally = {.progress = o->progress};
        enum ending ending;
        int s = dial(host, port, o->local, o->transport, o->load.idle, &ending);
        if (ending == COMPLETE) ending = verbs[i].by[o->transport](s, &o->load, &tally);
        close(s);
        tally_print(&tally, verbs[i].sends ? "sender" : "receiver", verbs[i].sends ? "uplink" : "downlink", o->transport, ending, host);
        return 0;
    }
    misuse("unknown command ", verb);
}

int main(int count, char **arguments)
{
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct options o = options_from(count, arguments);
    char **words = arguments + optind;
    int left = count - optind;
    if (left == 0) misuse("what shall I do?", "");
    if (!strcmp(words[0], "serve") && left == 2) return serve(port_number(words[1]));
    if (!strcmp(words[0], "sink") && left == 2) return sink(words[1], &o);
    if (left != 3) misuse("wrong number of arguments to ", words[0]);
    port_number(words[2]);
    return client(words[0], words[1], words[2], &o);
}
