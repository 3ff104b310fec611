/* Checks UTF-8 (RFC 3629) and makes text safe for a terminal. text_show()
 * appends the text. It writes control characters (C0, DEL, C1, U+2028/9, bidi)
 * and invalid bytes as \n, \u00XX or \xXX, so that a terminal does not execute
 * them. text_put_ascii() writes each character outside of ASCII as a JSON
 * escape, such as \u20ac. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "buf.h"

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

#endif
