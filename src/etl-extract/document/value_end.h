/* Finds the end of one JSON value in text that arrives in pieces. It looks only
 * at quotes, braces and brackets. So it also finds the end of an invalid value
 * such as {"a":01}.
 * Gives: value_end_find() sets *used to how many of the n bytes at p belong to
 *        the value. Call it again with the bytes that follow. */
#ifndef EXTRACT_VALUE_END_H
#define EXTRACT_VALUE_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Down to this level of nesting, a closing brace must match an opening brace,
 * and a closing bracket an opening bracket. Deeper ones are only counted. */
enum { VALUE_END_LEVELS = 4096 };

struct value_end {
	uint64_t depth;
	bool is_word;           /* a number, true, false or null */
	bool in_string;
	bool is_escaped;        /* the next byte follows a backslash */
	uint64_t braces[VALUE_END_LEVELS / 64]; /* bit n: level n is a brace,
						 * not a square bracket */
};

enum value_end_found {
	VALUE_GOES_ON,          /* all n bytes belong to the value */
	VALUE_ENDS,
	VALUE_BROKEN            /* the next byte is a closing bracket of the
				 * wrong kind */
};

/* True if a value can start with this byte. */
bool value_may_start(char c);
/* Begins a value. A value must be able to start with the byte `first`. */
void value_end_begin(struct value_end *v, char first);
enum value_end_found value_end_find(struct value_end *v, const char *p,
    size_t n, size_t *used);

#endif
