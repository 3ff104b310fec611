/* Words and white space of UTF-8 text (Unicode 15, White_Space).
 * Owns:  the character tables of words_open(), those of the C.UTF-8 locale
 *        whatever the user's locale is, until words_close().
 * Gives: results appended to b; a word of words_title() is a run of letters,
 *        digits, marks and apostrophes. Bytes must be UTF-8. */
#ifndef TRANSFORM_WORDS_H
#define TRANSFORM_WORDS_H

#include "base/buf.h"

struct words;

int words_open(struct words **w, struct err *e);
void words_close(struct words *w);

void words_normalize(struct buf *b, const char *p, size_t n);
size_t words_count(const char *p, size_t n);
void words_title(struct words *w, struct buf *b, const char *p, size_t n);
/* Without the white space at both ends. */
const char *words_trim(const char *p, size_t *n);

#endif
