/* Makes the C library return large blocks to the system when they are freed. By
 * default glibc keeps blocks of up to 32 MiB after the first such block was
 * freed. A program that gets a few large records would then keep the memory of
 * all of them. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

void memory_return_large_blocks(void);    /* call it first in main */

#endif
