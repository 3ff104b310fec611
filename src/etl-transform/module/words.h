/* Words and white space of UTF-8 text (Unicode 15, property White_Space).
 * Owns:  the character tables of words_open(), until words_close(). They are
 *        those of the locale C.UTF-8, whatever the user's locale is.
 * Gives: results are appended to b. The text must be valid UTF-8. For
 *        words_title_case() a word is a run of letters, digits, combining marks
 *        and apostrophes; for words_count() a run without white space. */
#ifndef TRANSFORM_WORDS_H
#define TRANSFORM_WORDS_H

#include "base/buf.h"

struct words;

int words_open(struct words **w, struct err *e);
void words_close(struct words *w);

void words_normalize(struct buf *b, const char *p, size_t n);
size_t words_count(const char *p, size_t n);
void words_title_case(struct words *w, struct buf *b, const char *p, size_t n);
/* Returns the text without white space at both ends; *n becomes its length. */
const char *words_trim(const char *p, size_t *n);

#endif
