/* Takes all rights from a worker process that a filter does not need. Even if a
 * filter uses a bug of libjq to run its own code, it cannot read a file, open a
 * connection, start a program or send a signal.
 * Flow:  the keeper calls sandbox_new(); each worker calls sandbox_enter()
 *        before its first record.
 * Gives: protections that the kernel lacks are left out, see *in_force.
 * Fails: sandbox_enter() returns -1, for example if memory is out. */
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

/* Overwrites the values of the environment variables of this process, and
 * removes all variables. Returns -1 if memory is out. */
int sandbox_wipe_env(void);

/* For --version: finds out in a child process which protections this system
 * has, and prints them as one line. */
void sandbox_print(void);

#endif
