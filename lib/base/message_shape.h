/* The shape of a message: what stands in quotes and the digits of numbers are
 * left out, so that "too short: 'ab'" and "too short: 'cd'" are the same. */
#ifndef BASE_MESSAGE_SHAPE_H
#define BASE_MESSAGE_SHAPE_H

#include <stddef.h>

void text_shape(char *out, size_t size, const char *message);

#endif
