/* Base64 as in RFC 4648, section 4: with padding, without line breaks. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

void base64_put(struct buf *b, const void *p, size_t n);
bool base64_is_valid(const char *p, size_t n);
/* Appends the decoded bytes. Returns -1 and appends nothing if the text is not
 * base64. */
int base64_get(struct buf *b, const char *p, size_t n);

#endif
