#define _GNU_SOURCE
#include "traffic.h"

#include <stdio.h>
#include <string.h>

// up, down: a client's request.  ready: the server took the upload.  done, got: the totals of the sender, of the receiver.
// bye: the client needs no more.
bool control_parse(const char *text, size_t length, struct control *control)
{
    if (length <= strlen(CONTROL) || memcmp(text, CONTROL, strlen(CONTROL)) != 0) return false;
    char line[CONTROL_MAX];
    if (length >= sizeof line) return false;
    memcpy(line, text, length);
    line[length] = 0;
    unsigned long long a = 0, b = 0, rate = 0;
    unsigned size = 0;
    double seconds = 0, idle = 0;
    *control = (struct control){0};
    int fields = sscanf(line + strlen(CONTROL), "%15s %llu %llu %lf %llu %u %lf", control->verb, &a, &b, &seconds, &rate, &size, &idle);
    if (fields < 1) return false;
    control->packets = a;
    control->bytes = b;
    control->load = (struct load){.packets = a, .bytes = b, .seconds = seconds, .rate = rate, .size = size, .idle = idle};
    bool request = !strcmp(control->verb, "up") || !strcmp(control->verb, "down");
    return !request || (fields == 7 && size >= 1 && size <= 1 << 20 && seconds >= 0 && idle > 0);
}

void control_count(struct tally *tally, size_t length)
{
    tally->control_packets_received += 1;
    tally->control_bytes_received += length;
}

// A request carries the load, the other verbs this end's totals.
bool control_send(int socket, struct tally *tally, const char *verb, const struct load *load)
{
    char line[CONTROL_MAX];
    int length = load ? snprintf(line, sizeof line, CONTROL "%s %llu %llu %f %llu %u %f\n", verb, (unsigned long long)load->packets,
                                 (unsigned long long)load->bytes, load->seconds, (unsigned long long)load->rate, load->size, load->idle)
                      : snprintf(line, sizeof line, CONTROL "%s %llu %llu\n", verb, (unsigned long long)tally->packets,
                                 (unsigned long long)tally->bytes);
    if (send(socket, line, (size_t)length, MSG_NOSIGNAL) != length) return false;
    tally->control_packets_sent += 1;
    tally->control_bytes_sent += (uint64_t)length;
    return true;
}
