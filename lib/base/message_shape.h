/* The shape of a message: the message without quoted texts and digits, so
 * that "too short: 'ab'" and "too short: 'cd'" have the same shape and can
 * be counted as one cause. */
#ifndef BASE_MESSAGE_SHAPE_H
#define BASE_MESSAGE_SHAPE_H

#include <stddef.h>

void message_shape(char *out, size_t size, const char *message);

#endif
