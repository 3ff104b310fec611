/* A limit that a user gives as a number, such as 10, or as a percentage, such
 * as 5%. */
#ifndef BASE_LIMIT_H
#define BASE_LIMIT_H

#include "base/errval.h"

#include <stdint.h>

struct limit {
	uint64_t count;
	unsigned percent;
	bool by_percent;
};

/* Fails with ERR_USAGE, and the message names the option. */
int limit_parse(struct limit *l, const char *option, const char *text,
    struct err *e);
/* Returns how many of `all` the limit allows. */
uint64_t limit_allowed(const struct limit *l, uint64_t all);

#endif
