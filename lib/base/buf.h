/* A growing byte buffer with a ceiling, for input is not trusted.
 * Owns:  data; buf_init() allocates nothing, buf_release() frees.
 * Gives: data[0..len), not terminated; buf_text() terminates it.
 * Fails: an append past max or without memory leaves the content as it was
 *        and is remembered; buf_check() tells it once, so that a row of
 *        appends needs one test. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "errval.h"

#include <stddef.h>

struct buf {
	char *data;
	size_t len, cap, max;
	bool failed, full;      /* full: failed because of max */
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
void buf_clear(struct buf *b);                  /* keeps the memory */
bool buf_room(struct buf *b, size_t n);         /* n more bytes fit in cap */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_char(struct buf *b, char c);
void buf_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int buf_check(struct buf *b, struct err *e);
const char *buf_text(struct buf *b);            /* "" where memory is out */

#endif
