/* Finds the word that a user probably meant when a word was mistyped.
 * Distance: optimal string alignment: the least number of characters to
 *        insert, delete or replace and of neighbours to swap.
 * Gives: a word only if it is near: three times the distance is at most the
 *        length of the longer word plus 1, and the distance is less than that
 *        length. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include "errval.h"

#include <stddef.h>

struct suggestion {
	const char *typed;
	const char *word;               /* the nearest, NULL if none is near */
	size_t distance;                /* of word */
};

/* Compares one known word with s->typed. Start with .typed set, rest zero. */
void suggest_keep_word_if_nearer(struct suggestion *s, const char *word);

/* Appends "; did you mean PREFIXword?" to e->msg if a word is near. */
void suggest_append_to_error(struct err *e, const struct suggestion *s,
    const char *prefix);

#endif
