/* JSON Pointer (RFC 6901) over a scanned text.
 * Gives: the token index of what text points to, 0 for nothing there (and
 *        for the whole value when the pointer is ""). The scan must have kept
 *        as many levels as the pointer has parts. */
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
