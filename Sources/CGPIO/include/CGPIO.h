// One GPIO line at a time, by libgpiod 1.6 or 2.x, whichever this is compiled with. Decides nothing.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cgpio_line;

enum cgpio_use {
    CGPIO_OUTPUT,
    CGPIO_BUTTON, // an input that tells of both edges
};

// Takes a line for this process alone. The chip is found by its label, the line by its name, else by its offset in digits.
// active_low turns on and off around, for outputs, inputs and edges. value is what an output starts with.
// Returns 0, or -errno: -ENODEV without such a chip, -ENOENT without such a line, -EBUSY when somebody has it.
int cgpio_take(const char *chip_label, const char *line_name, const char *consumer, enum cgpio_use use, bool active_low,
               bool value, struct cgpio_line **line);
// Gives it back. What an output does then is the driver's choice.
void cgpio_release(struct cgpio_line *line);

// Returns 0 or -errno.
int cgpio_set(struct cgpio_line *line, bool value);
// Returns 1, 0 or -errno.
int cgpio_get(struct cgpio_line *line);

// Readable when an edge waits.
int cgpio_descriptor(struct cgpio_line *line);
// Takes one edge; waits for it. Its time is of CLOCK_MONOTONIC (before Linux 5.7: CLOCK_REALTIME).
// Returns 1 when it became active, 0 when it ceased to be, or -errno.
int cgpio_edge(struct cgpio_line *line, int64_t *nanoseconds);
