/* Takes from a worker process what a filter does not need. A filter that uses a
 * fault of libjq to run code of its own cannot read a file, open a connection,
 * start a program or send a signal.
 * Flow:  the keeper calls sandbox_new(); each worker calls sandbox_enter()
 *        before its first record.
 * Gives: what the kernel refuses is left out; *in_force says what holds.
 * Fails: sandbox_enter() returns -1 if memory is out, and nothing else. */
#ifndef TRANSFORM_SANDBOX_H
#define TRANSFORM_SANDBOX_H

#include <stdbool.h>

struct sandbox;

struct sandbox_state {
	bool no_new_privs;
	bool seccomp;           /* only the system calls of sandbox.c */
	bool landlock;          /* no access to files */
};

/* Returns NULL if memory is out. */
struct sandbox *sandbox_new(void);
void sandbox_free(struct sandbox *s);
int sandbox_enter(struct sandbox *s, struct sandbox_state *in_force);

/* Overwrites the values that this process got in its environment, and makes the
 * environment empty. Returns -1 if memory is out. */
int sandbox_wipe_environment(void);

/* Prints a line for --version: finds out in a child process what this system
 * allows. */
void sandbox_print_state(void);

#endif
