/* The bytes of the rejected record in a reject line. */
#ifndef LOAD_REJECTED_BYTES_H
#define LOAD_REJECTED_BYTES_H

#include "base/buf.h"
#include "json/scan.h"

/* Appends the text of a member of the reject line, if it is a string. */
void put_string_member(struct buf *b, const struct json *j, const char *name);
/* Appends the bytes of the rejected record: the member `raw` of the reject
 * line, or the decoded member `raw_base64`. */
void put_rejected_bytes(struct buf *b, const struct json *j);

#endif
