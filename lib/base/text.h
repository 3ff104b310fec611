/* Text: UTF-8, text that is safe for a terminal, hexadecimal digits, words for
 * sh, names that a user gives, and suggestions for mistyped words. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"
#include "base/errval.h"

#include <stddef.h>

/* Checks UTF-8 (RFC 3629) and makes text safe for a terminal. text_show()
 * appends the text. It writes control characters (C0, DEL, C1, U+2028/9, bidi)
 * and invalid bytes as \n, \u00XX or \xXX, so that a terminal does not execute
 * them. text_put_ascii() writes each character outside of ASCII as a JSON
 * escape, such as \u20ac. */

/* Returns how many bytes from p on are valid UTF-8. */
size_t utf8_valid_length(const char *p, size_t n);
/* Decodes the code point at p into *cp. Returns its length in bytes, or 0 if it
 * is not valid. */
size_t utf8_decode(const char *p, size_t n, unsigned int *cp);
size_t utf8_encode(char out[4], unsigned int cp);
/* Returns the length of the text after it is cut to at most `most` bytes,
 * without cutting a character. */
size_t text_cut_length(const char *p, size_t n, size_t most);
void text_show(struct buf *b, const char *p, size_t n);
/* Does the same with each line of the text, and writes the indent in front of
 * each line but the first, unless the line begins with it already. */
void text_show_lines(
    struct buf *b, const char *p, size_t n, const char *indent);
void text_put_ascii(struct buf *b, const char *p, size_t n);
/* Returns how many bytes from p on are decimal digits. */
size_t text_count_digits(const char *p, size_t n);
/* Returns how many characters the n bytes of valid UTF-8 at p are. */
size_t text_count_chars(const char *p, size_t n);
/* Returns the value of the four hex digits at p, or -1 if there are no four hex
 * digits before `end`. */
int text_parse_hex4(const char *p, const char *end);

/* Quotes a word for sh, so that a user can paste it into a shell.
 * Gives: the word on one line; a control character or a byte that is not UTF-8
 *        is written as text_show() writes it. */

void put_shell_word(struct buf *b, const char *word);

/* The shape of a message: the message without quoted texts and digits, so
 * that "too short: 'ab'" and "too short: 'cd'" have the same shape and can
 * be counted as one cause. */

void message_shape(char *out, size_t size, const char *message);

/* Bytes as hexadecimal digits. Lower-case digits are written; both cases are
 * read. */

/* Writes two digits. */
void hex_put_byte(char out[2], unsigned char c);
void hex_append(struct buf *b, const void *p, size_t n);
/* The value of one digit, or of the two digits at p; -1 if it is no digit. */
int hex_digit_value(char c);
int hex_byte_value(const char *p);

/* Checks a name that a user gives with an option: it must be 1 to `most` bytes
 * of UTF-8 text without control characters.
 * Fails: ERR_USAGE, with the option in the message. */

int name_check(const char *option, const char *name, size_t most,
    struct err *e);

/* Finds the word that a user probably meant by a mistyped word.
 * Distance: optimal string alignment: the least number of characters to insert,
 *           delete or replace and of neighbours to swap.
 * Gives: a word only if it is near. Let n be the length of the longer word: the
 *        distance must be less than n, and at most (n + 1) / 3. */

enum { SUGGEST_LONGEST = 64 }; /* longer words are not compared */

struct suggestion {
	const char *typed;
	char word[SUGGEST_LONGEST + 1]; /* the nearest; "" if none is near */
	size_t distance;                /* of word */
};

/* Compares one known word with s->typed, and keeps it in *s if it is the
 * nearest so far. At the start, set .typed, and the rest of *s to 0. */
void suggest_try(struct suggestion *s, const char *word);

/* Appends "; did you mean PREFIXword?" to e->msg if a word is near. */
void suggest_put(struct err *e, const struct suggestion *s, const char *prefix);

/* Finds the value of an option such as --mode among the words that it accepts;
 * the list ends with NULL. Returns the index of the word, or -1 with ERR_USAGE:
 * the message names all words, and the one that was probably meant. */
int suggest_choice(const char *option, const char *value,
    const char *const *words, struct err *e);

#endif
