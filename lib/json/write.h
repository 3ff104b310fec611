/* JSON text into a buffer.  Appends as buf.h does: check once at the end. */
#ifndef JSON_WRITE_H
#define JSON_WRITE_H

#include "base/buf.h"
#include "json/scan.h"

#include <stdint.h>

/* A string with quotes, escaping as jq prints it; bytes must be UTF-8. */
void json_put_string(struct buf *b, const char *p, size_t n);
/* Members: a comma first, unless the last byte is '{'. */
void json_put_member(struct buf *b, const char *name, const char *p, size_t n);
void json_put_text(struct buf *b, const char *name, const char *s);
void json_put_int(struct buf *b, const char *name, int64_t v);
void json_put_raw(struct buf *b, const char *name, const char *p, size_t n);
/* The value at tok index i with the white space between tokens removed;
 * tokens as they stand.  Needs no positions inside the value. */
void json_put_compact(struct buf *b, const struct json *j, uint32_t i);
/* The characters of the string token i, unescaped; a lone surrogate becomes
 * U+FFFD (look at its flags first). */
void json_unescape(struct buf *b, const struct json *j, uint32_t i);

#endif
