/* Checks a name that a user gives with an option: it must be 1 to `most` bytes
 * of UTF-8 text without control characters.
 * Fails: ERR_USAGE, with the option in the message. */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include "errval.h"

#include <stddef.h>

int name_check(const char *option, const char *name, size_t most,
    struct err *e);

#endif
