/* Bytes as text: UTF-8 (RFC 3629) checked, and shown without harm.
 * text_show() appends with C0, DEL, C1, U+2028/9, bidi controls and bad bytes
 * as \u00XX, \n, \xXX, so that a terminal obeys nothing in it.
 * text_ascii() writes what is not ASCII as JSON may: \u20ac, \ud83d\ude00. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "buf.h"

size_t utf8_span(const char *p, size_t n);      /* bytes that are valid */
/* One code point at p: its length, 0 where there is none; *cp is set. */
size_t utf8_decode(const char *p, size_t n, unsigned int *cp);
size_t utf8_encode(char out[4], unsigned int cp);
/* How much of it to show where most bytes are enough: no character in part. */
size_t text_cut(const char *p, size_t n, size_t most);
void text_show(struct buf *b, const char *p, size_t n);
void text_ascii(struct buf *b, const char *p, size_t n);
void base64_put(struct buf *b, const void *p, size_t n);        /* RFC 4648 */
int base64_get(struct buf *b, const char *p, size_t n); /* -1: not base64 */

#endif
