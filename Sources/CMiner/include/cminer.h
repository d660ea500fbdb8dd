// What the hashing process and its parent ask of Linux and Swift cannot say well: system call filters, signal handlers, spawning.
// Decides nothing. 0 or more: done; negative: -errno.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Lets this thread run only when no other wants to (SCHED_IDLE), and its scheduling group yield to others (autogroup, nice 19: the
// policy alone does not reach over the border of a session, sched(7)).
int cminer_yield_always(void);

// From now on this process computes, talks on what is open, and does nothing else: no new files, sockets, programs, privileges or core
// files. A call outside of that kills it. Memory beyond `bytes` more than now is refused.
int cminer_confine(uint64_t bytes);

// Bytes of address space that this process uses.
uint64_t cminer_address_space(void);

// Processors that this process may use.
int cminer_processors(void);

// Threads that can be held where they are, within what they compute: at most CMINER_THREADS, each with a number from 0.
#define CMINER_THREADS 64
int cminer_holdable(int number);
// Between these two the calling thread can be held: it must hold no lock that anybody else needs.
void cminer_enter(void);
void cminer_leave(void);
// Holds them; when each stands still, or has not been given a processor for so long, sends `message` to `descriptor`; lets them go on when
// something can be read there. Allocates nothing: a thread that stands still may have the allocator's lock.
int cminer_rest(int descriptor, const void *message, size_t size, int timeout_milliseconds);

// Starts a program with one end of a socket as its descriptor 0, in a session of its own, and nothing else of this process's but its
// standard error. The other end goes to *end.
int cminer_spawn(const char *path, char *const arguments[], int *end, int *pid);
