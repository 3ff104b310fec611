/* Powers of ten with 128 bits. The 128-bit integer g = hi * 2^64 + lo stands
 * for 10^k = g * 2^(power_log2(k) - 127). The top bit of g is set. g is
 * rounded down, and exact if 0 <= k <= 55. */
#ifndef JSON_POWER_H
#define JSON_POWER_H

#include <stdint.h>

enum { POWER_MIN = -351, POWER_MAX = 350 };

struct power {
	uint64_t hi, lo;
};

struct power power_ten(int k);

/* floor(log2(10^k)) */
static inline int
power_log2(int k)
{
	return (k * 1741647) >> 19;
}

#endif
