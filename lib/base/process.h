/* Limits that a program sets for itself: its memory, and no core dumps. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/* Makes the C library return large blocks to the system when they are freed. By
 * default glibc keeps blocks of up to 32 MiB after the first such block was
 * freed. A program that gets a few large records would then keep the memory of
 * all of them. */

void memory_trim_large(void);    /* call it first in main */
/* Lets this process take at most `more` bytes of memory beyond those that it
 * has: malloc() fails after that. It is for a library that has no limit of its
 * own. Returns the former limit for memory_unlimit(). Does nothing in a build
 * with the address sanitizer, which ends the process if malloc() fails. */
uint64_t memory_limit(size_t more);
/* Returns the most bytes of memory that were resident at a time. */
uint64_t memory_peak(void);
void memory_unlimit(uint64_t former);

/* Forbids core dumps, because the memory of a program holds secrets: the
 * password of the database URL, the secret of --secret, the environment. Other
 * processes of the same user cannot read the memory either. Call one of these
 * functions first in main.
 * Fails: never. */

/* For a program that executes commands of the user: a command may dump core
 * and has the limit of core files that the user has set. */
void core_dump_forbid(void);
/* Also sets the limit of core files to 0, which commands inherit: the command
 * of --secret cmd:COMMAND must not dump core, because it prints a secret. */
void core_dump_forbid_all(void);

#endif
