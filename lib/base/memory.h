/* Makes the C library return large blocks to the system when they are freed. By
 * default glibc keeps blocks of up to 32 MiB after the first such block was
 * freed. A program that gets a few large records would then keep the memory of
 * all of them. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

void memory_trim_large(void);    /* call it first in main */
/* Lets this process take at most `more` bytes of memory beyond those that it
 * has: malloc() fails after that. It is for a library that has no limit of its
 * own. Returns the former limit for memory_unlimit(). Does nothing in a build
 * with the address sanitizer, which ends the process if malloc() fails. */
uint64_t memory_limit(size_t more);
/* Returns the most bytes of memory that were resident at a time. */
uint64_t memory_peak(void);
void memory_unlimit(uint64_t former);

#endif
