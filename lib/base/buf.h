/* A growing byte buffer with a ceiling, because input is not trusted.
 * Owns:  data; buf_init() allocates nothing, buf_release() frees it.
 * Gives: data[0..len), without a NUL; buf_text() adds one.
 * Fails: an append that would exceed max, or finds no memory, changes
 *        nothing and sets failed. So a caller can append many times and call
 *        buf_check() once at the end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "errval.h"

#include <stddef.h>

struct buf {
	char *data;
	size_t len, cap, max;
	bool failed;            /* an append has failed */
	bool full;              /* it would have exceeded max */
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
void buf_clear(struct buf *b);                  /* keeps the memory */
/* Makes room for `more` bytes. Returns false if they do not fit into max, or
 * memory is out. */
bool buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_char(struct buf *b, char c);
void buf_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Returns -1 with an error if an append failed, and resets the failure. */
int buf_check(struct buf *b, struct err *e);
/* Returns the content with a NUL at its end, or "" if memory is out. */
const char *buf_text(struct buf *b);
/* Returns the content with a NUL at its end. If this or an earlier append
 * failed, returns NULL with the error of buf_check(). */
const char *buf_finish(struct buf *b, struct err *e);

#endif
