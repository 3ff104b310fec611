#include "memory.h"

#include <malloc.h>

enum { LARGE = 1 << 20 };

void
memory_return_large_blocks(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
	(void)mallopt(M_TRIM_THRESHOLD, 2 * LARGE);
}
