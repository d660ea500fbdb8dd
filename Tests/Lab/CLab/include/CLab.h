// What the laboratory needs of Linux and Swift's Glibc module does not show.
#pragma once

// A file in memory, gone when closed; not handed to children. -1 and errno on failure.
int lab_memory_file(const char *name);

// Moves the calling thread into the network namespace that `file` is open on. -1 and errno on failure.
int lab_enter_network(int file);

// Starts a program (arguments[0] is searched in this process's PATH) as leader of its own group, with these three files and
// no other, and default signal handling. Gives 0 and the pid, or an errno.
int lab_spawn(char *const arguments[], char *const environment[], int input, int output, int error, int *pid);

// Whether our child has ended: 1 or 0, its status left for waitpid; -1 when it is no child of ours.
int lab_has_ended(int pid);

// A terminal without a screen, not handed to children: gives the side of the screen and `other`, that of the program. -1 and errno on
// failure.
int lab_terminal(int *other);
