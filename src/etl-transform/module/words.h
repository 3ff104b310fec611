/* Words and white space of UTF-8 text (Unicode 15, property White_Space).
 * Owns:  the character tables of words_open(), until words_close(). They are
 *        those of the locale C.UTF-8, whatever the user's locale is.
 * Gives: results are appended to b. The text must be valid UTF-8. For
 *        words_title_case() a word is a run of letters, digits, combining marks
 *        and apostrophes; for words_count() a run without white space. */
#ifndef TRANSFORM_WORDS_H
#define TRANSFORM_WORDS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct words;

int words_open(struct words **w, struct err *e);
void words_close(struct words *w);

void words_normalize(struct buf *b, const char *p, size_t n);
size_t words_count(const char *p, size_t n);
void words_title_case(struct words *w, struct buf *b, const char *p, size_t n);
/* Returns the text without white space at both ends; *n becomes its length. */
const char *words_trim(const char *p, size_t *n);

/* The text of a number in its parts: for to_int and to_number.
 * Borrows: the text.
 * Gives:   decimal_put_integer() appends nothing and returns false if the
 *          number is not an integer or has more than DECIMAL_DIGITS_MAX digits.
 *          The other comments are in words.c. */

enum { DECIMAL_DIGITS_MAX = 1000 };

/* The parts of a number: its sign, the digits before and after the dot, and the
 * exponent of 10. */
struct decimal {
	bool minus;
	const char *whole, *fraction;
	size_t wholes, fractions;       /* how many digits */
	long exponent;
};

bool decimal_parse(struct decimal *d, const char *p, size_t n);
void decimal_put_json(const struct decimal *d, const char *end_of_text,
    struct buf *b);
bool decimal_put_integer(const struct decimal *d, struct buf *b);

#endif
