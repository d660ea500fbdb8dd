#define _GNU_SOURCE
#include "CGPIO.h"

#include <dirent.h>
#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int error(void)
{
    return errno ? -errno : -EIO;
}

// The offset that a text of digits says, or -1.
static long offset_of(const char *text)
{
    if (!*text || strlen(text) > 5 || strspn(text, "0123456789") != strlen(text)) return -1;
    return strtol(text, NULL, 10);
}

#ifdef GPIOD_LINE_BULK_MAX_LINES // libgpiod 1.x

struct cgpio_line {
    struct gpiod_chip *chip;
    struct gpiod_line *line;
};

static bool has_label(struct gpiod_chip *chip, const char *label)
{
    return strcmp(gpiod_chip_label(chip), label) == 0;
}

static int take(struct cgpio_line *taken, const char *name, const char *consumer, enum cgpio_use use, bool active_low,
                bool value)
{
    struct gpiod_line_request_config request = {
        .consumer = consumer,
        .request_type = use == CGPIO_OUTPUT ? GPIOD_LINE_REQUEST_DIRECTION_OUTPUT : GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES,
        .flags = active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0,
    };
    long offset = offset_of(name);
    taken->line = gpiod_chip_find_line(taken->chip, name);
    if (!taken->line && offset >= 0 && offset < (long)gpiod_chip_num_lines(taken->chip))
        taken->line = gpiod_chip_get_line(taken->chip, (unsigned)offset);
    if (!taken->line) return -ENOENT;
    return gpiod_line_request(taken->line, &request, value) < 0 ? error() : 0;
}

void cgpio_release(struct cgpio_line *line)
{
    gpiod_chip_close(line->chip); // and its lines
    free(line);
}

int cgpio_set(struct cgpio_line *line, bool value)
{
    return gpiod_line_set_value(line->line, value) < 0 ? error() : 0;
}

int cgpio_get(struct cgpio_line *line)
{
    int value = gpiod_line_get_value(line->line);
    return value < 0 ? error() : value;
}

int cgpio_descriptor(struct cgpio_line *line)
{
    return gpiod_line_event_get_fd(line->line);
}

int cgpio_edge(struct cgpio_line *line, int64_t *nanoseconds)
{
    struct gpiod_line_event event;
    if (gpiod_line_event_read(line->line, &event) < 0) return error();
    *nanoseconds = (int64_t)event.ts.tv_sec * 1000000000 + event.ts.tv_nsec;
    return event.event_type == GPIOD_LINE_EVENT_RISING_EDGE;
}

#else // libgpiod 2.x

struct cgpio_line {
    struct gpiod_chip *chip;
    struct gpiod_line_request *request;
    struct gpiod_edge_event_buffer *events;
    unsigned offset;
};

static bool has_label(struct gpiod_chip *chip, const char *label)
{
    struct gpiod_chip_info *info = gpiod_chip_get_info(chip);
    bool has = info && strcmp(gpiod_chip_info_get_label(info), label) == 0;
    if (info) gpiod_chip_info_free(info);
    return has;
}

static long find(struct gpiod_chip *chip, const char *name)
{
    struct gpiod_chip_info *info;
    long offset = gpiod_chip_get_line_offset_from_name(chip, name);
    if (offset >= 0) return offset;
    info = gpiod_chip_get_info(chip);
    if (!info) return -1;
    offset = offset_of(name);
    if (offset >= (long)gpiod_chip_info_get_num_lines(info)) offset = -1;
    gpiod_chip_info_free(info);
    return offset;
}

static int take(struct cgpio_line *taken, const char *name, const char *consumer, enum cgpio_use use, bool active_low,
                bool value)
{
    struct gpiod_line_settings *settings = gpiod_line_settings_new();
    struct gpiod_line_config *lines = gpiod_line_config_new();
    struct gpiod_request_config *request = gpiod_request_config_new();
    long offset = find(taken->chip, name);
    int result = -ENOENT;
    if (offset < 0) goto out;
    taken->offset = (unsigned)offset;
    taken->events = gpiod_edge_event_buffer_new(1);
    result = -ENOMEM;
    if (!settings || !lines || !request || !taken->events) goto out;
    gpiod_line_settings_set_active_low(settings, active_low);
    if (use == CGPIO_OUTPUT) {
        gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT);
        gpiod_line_settings_set_output_value(settings, value ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE);
    } else {
        gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_INPUT);
        gpiod_line_settings_set_edge_detection(settings, GPIOD_LINE_EDGE_BOTH);
    }
    gpiod_request_config_set_consumer(request, consumer);
    result = 0;
    if (gpiod_line_config_add_line_settings(lines, &taken->offset, 1, settings) < 0 ||
        !(taken->request = gpiod_chip_request_lines(taken->chip, request, lines)))
        result = error();
out:
    gpiod_request_config_free(request);
    gpiod_line_config_free(lines);
    gpiod_line_settings_free(settings);
    return result;
}

void cgpio_release(struct cgpio_line *line)
{
    if (line->request) gpiod_line_request_release(line->request);
    gpiod_edge_event_buffer_free(line->events);
    gpiod_chip_close(line->chip);
    free(line);
}

int cgpio_set(struct cgpio_line *line, bool value)
{
    enum gpiod_line_value wanted = value ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
    return gpiod_line_request_set_value(line->request, line->offset, wanted) < 0 ? error() : 0;
}

int cgpio_get(struct cgpio_line *line)
{
    enum gpiod_line_value value = gpiod_line_request_get_value(line->request, line->offset);
    return value == GPIOD_LINE_VALUE_ERROR ? error() : value == GPIOD_LINE_VALUE_ACTIVE;
}

int cgpio_descriptor(struct cgpio_line *line)
{
    return gpiod_line_request_get_fd(line->request);
}

int cgpio_edge(struct cgpio_line *line, int64_t *nanoseconds)
{
    struct gpiod_edge_event *event;
    int count = gpiod_line_request_read_edge_events(line->request, line->events, 1);
    if (count < 0) return error();
    event = count == 1 ? gpiod_edge_event_buffer_get_event(line->events, 0) : NULL;
    if (!event) return -EIO;
    *nanoseconds = (int64_t)gpiod_edge_event_get_timestamp_ns(event);
    return gpiod_edge_event_get_event_type(event) == GPIOD_EDGE_EVENT_RISING_EDGE;
}

#endif

// The first chip of that label; NULL with errno set.
static struct gpiod_chip *open_chip(const char *label)
{
    struct gpiod_chip *chip = NULL;
    struct dirent *entry;
    int problem = ENODEV;
    DIR *folder = opendir("/dev");
    if (!folder) return NULL;
    while (!chip && (entry = readdir(folder))) {
        char path[300];
        if (strncmp(entry->d_name, "gpiochip", 8) != 0) continue;
        snprintf(path, sizeof path, "/dev/%s", entry->d_name);
        chip = gpiod_chip_open(path);
        if (!chip && errno != ENOENT) problem = errno; // one that goes just now is no problem
        if (chip && !has_label(chip, label)) {
            gpiod_chip_close(chip);
            chip = NULL;
        }
    }
    closedir(folder);
    errno = problem;
    return chip;
}

int cgpio_take(const char *chip_label, const char *line_name, const char *consumer, enum cgpio_use use, bool active_low,
               bool value, struct cgpio_line **line)
{
    struct cgpio_line *taken = calloc(1, sizeof *taken);
    int result;
    if (!taken) return -ENOMEM;
    taken->chip = open_chip(chip_label);
    if (!taken->chip) {
        result = error();
        free(taken);
        return result;
    }
    result = take(taken, line_name, consumer, use, active_low, value);
    if (result)
        cgpio_release(taken);
    else
        *line = taken;
    return result;
}
