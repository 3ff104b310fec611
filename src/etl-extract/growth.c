#include "growth.h"

enum { ALWAYS_ALLOWED = 64 << 20 };

bool
growth_is_too_large(uint64_t raw, uint64_t decoded, uint64_t most)
{
	return decoded > ALWAYS_ALLOWED && decoded / most > raw;
}

int
growth_set_error(struct err *e, enum err_code code, const char *what,
    uint64_t most)
{
	return err_set(e, code, false, "%s becomes more than %llu times as "
	    "long when it is decompressed: it may be an attack; if you trust "
	    "it, raise --max-ratio", what, (unsigned long long)most);
}
