/* Finds the word that a user probably meant by a mistyped word.
 * Distance: optimal string alignment: the least number of characters to insert,
 *           delete or replace and of neighbours to swap.
 * Gives: a word only if it is near. Let n be the length of the longer word: the
 *        distance must be less than n, and at most (n + 1) / 3. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include "errval.h"

#include <stddef.h>

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
