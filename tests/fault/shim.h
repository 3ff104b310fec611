/* Stands before libc (LD_PRELOAD) in one program and its children, counts its
 * calls by name, and lets one of them fail, or all from that one on.
 * Set:   FAULT_STATE, a file of 4 MiB: counters, then a line for each call;
 *        FAULT_PROGRAM, FAULT_LOG: which; names FAULT_CALL the FAULT_AT-th
 *        fails with errno FAULT_HOW (0: a short transfer), FAULT_EVER.
 * Lines: NAME N KIND MODULE OFFSET, and "hit" before the one that failed. */
#ifndef FAULT_SHIM_H
#define FAULT_SHIM_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

#define CALLER __builtin_return_address(0)
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
/* A call that is let through, or fails: on which descriptor, its parameters
 * and what it passes on. */
#define PASS(name, fd, params, ...) int name params { \
	if (meet(#name, fd, 0, CALLER) == -1) \
		return -1; \
	return NEXT(name)(__VA_ARGS__); }

/* How much of n is to be moved, or -1 with errno set. */
long meet(const char *name, int fd, size_t n, const void *caller);
bool meet_ours(const void *caller);     /* is it in the program itself */

#endif
