/* Finds the copies of a secret in a text. A copy may be escaped: up to five
 * escapes in any order, one inside the other, such as HTML in JSON and a
 * percent-encoding of a percent-encoding. A space, "+" and "-" count as equal,
 * because HTML forms write a space as "+" and base64url writes "+" as "-". "/"
 * and "_" count as equal for the same reason.
 * Gives: 1 if the text contains a copy, else 0. Sets marks[i], for each byte i
 *        of the text that belongs to a copy, to 1.
 * Fails: with -1 if memory is out. */
#ifndef EXTRACT_FIND_SECRET_H
#define EXTRACT_FIND_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret_text {
	const char *p;
	size_t n;
	bool is_cut;            /* more text followed, so the start of the
				 * secret at the end counts as a copy */
	bool is_strict;         /* half of a secret, if it has 8 bytes or more,
				 * counts as a copy, and so does one that
				 * differs in upper and lower case */
};

/* A secret of less than 3 bytes is never found, because nearly every text
 * contains such a short text by chance. */
int find_secret(const struct secret_text *text, const char *secret, size_t n,
    char *marks);

#endif
