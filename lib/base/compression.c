#include "base/compression.h"

#include <string.h>

const struct compressor *
compression_find(const char *p, size_t n)
{
	static const struct compressor gzip = { "gzip", "gzip", ".gz" };
	static const struct compressor zstd = { "Zstandard", "zstd", ".zst" };

	return n >= 2 && memcmp(p, "\x1f\x8b", 2) == 0 ? &gzip :
	    n >= 4 && memcmp(p, "\x28\xb5\x2f\xfd", 4) == 0 ? &zstd : NULL;
}
