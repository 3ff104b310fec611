/* Bytes as hexadecimal digits. Lower-case digits are written; both cases are
 * read. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "buf.h"

/* Writes two digits. */
void hex_put_byte(char out[2], unsigned char c);
void hex_append(struct buf *b, const void *p, size_t n);
/* The value of one digit, or of the two digits at p; -1 if it is no digit. */
int hex_digit_value(char c);
int hex_byte_value(const char *p);

#endif
