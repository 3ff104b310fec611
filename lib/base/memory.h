/* Makes the C library return large blocks to the system when they are freed.
 * Without it, glibc keeps blocks of up to 32 MiB once it has seen one freed,
 * so a program that meets a few large records would keep the memory of all
 * of them. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

void memory_init(void);         /* call it first in main */

#endif
