/* Writes JSON in the canonical form of RFC 8785 (JCS), so that equal values
 * have equal texts: no white space, members sorted by the UTF-16 code units of
 * their names, the fewest escapes, and each number in one spelling.
 * Differs: a number that a double would round keeps all of its digits. RFC 8785
 *          would write two such numbers as the same text. */
#ifndef JSON_CANONICAL_H
#define JSON_CANONICAL_H

#include "base/buf.h"
#include "json/scan.h"

/* Appends the value at token i, whose parts must all have tokens. Of several
 * members of one name, the last counts. Returns false if a number has an
 * exponent of more than 18 digits, whose value is not known exactly. */
bool json_put_canonical(struct buf *b, const struct json *j, uint32_t i);
/* Compares two names in the order of a canonical object. Returns less than 0, 0
 * or more than 0. */
int json_compare_names(const char *a, const char *b);

#endif
