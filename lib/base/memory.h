/* How the C library keeps what is freed.
 * Gives: a large piece goes back to the system at once. glibc would keep
 *        pieces of up to 32 MiB once it has seen one freed, and a program
 *        that meets a few large records hold all of them. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

void memory_init(void);         /* at the start of main */

#endif
