/* Finds the end of one JSON value in text that arrives in pieces. Only quotes,
 * braces and brackets decide, so a value that is wrong inside, such as
 * {"a":01}, has an end too.
 * Gives: value_end_find() sets *used to the number of bytes that belong to the
 *        value, of the n bytes at p; the next call goes on after them. */
#ifndef EXTRACT_VALUE_END_H
#define EXTRACT_VALUE_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kind of a bracket (brace or bracket) is remembered down to this level of
 * nesting. Deeper brackets are only counted. */
enum { VALUE_END_LEVELS = 4096 };

struct value_end {
	uint64_t depth;
	bool is_word;           /* a number, true, false or null */
	bool in_string;
	bool is_escaped;        /* the next byte follows a backslash */
	uint64_t braces[VALUE_END_LEVELS / 64]; /* bit n: is it a brace? */
};

enum value_end_found {
	VALUE_GOES_ON,          /* all n bytes belong to the value */
	VALUE_ENDS,
	VALUE_BROKEN            /* the byte after them is a bracket that does
				 * not fit */
};

/* True if a value can start with this byte. */
bool value_may_start_with(char c);
/* Starts at a byte with which a value can start. */
void value_end_begin(struct value_end *v, char first);
enum value_end_found value_end_find(
    struct value_end *v, const char *p, size_t n, size_t *used);

#endif
