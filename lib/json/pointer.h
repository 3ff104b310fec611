/* JSON Pointer (RFC 6901) in a scanned text.
 * Gives: the token index of the value that the pointer names, 0 if there is
 *        none, and 0 for the whole value if the pointer is "". The scan must
 *        have kept as many levels as the pointer has parts. */
#ifndef JSON_POINTER_H
#define JSON_POINTER_H

#include "base/buf.h"
#include "json/scan.h"

bool pointer_valid(const char *text);
unsigned pointer_parts(const char *text);
bool pointer_find(const struct json *j, const char *text, uint32_t *index);
void pointer_put(struct buf *b, const char *name, size_t n);    /* "/" NAME,
                                                                 * escaped */

#endif
