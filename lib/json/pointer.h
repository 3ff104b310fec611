/* Finds the value that a JSON Pointer (RFC 6901) names in a scanned text.
 * Gives: pointer_find() returns true and the value's token index, which is 0
 *        for the pointer "". If there is no such value, it returns false.
 *        json_scan() must have kept at least as many levels as the pointer has
 *        parts (pointer_count()). */
#ifndef JSON_POINTER_H
#define JSON_POINTER_H

#include "base/buf.h"
#include "json/scan.h"

bool pointer_is_valid(const char *text);
unsigned pointer_count(const char *text);
bool pointer_find(const struct json *j, const char *text, uint32_t *index);
/* Appends "/" and the name, with ~ and / escaped. */
void pointer_put_part(struct buf *b, const char *name, size_t n);

#endif
