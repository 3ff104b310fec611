/* How the numbers of one record are written, kept beside libjq's doubles.
 * Owns:  its entries, kept for the next record. Borrows the record.
 * Gives: a double of its own for each different number, so that what a filter
 *        moves is found again by its double; numbers that are equal (1, 1.0)
 *        share one, and are told apart by their place, then their name.
 * Cost:  nothing while every number is spelled as jq would print it; only
 *        then numbers_read() is the plain double and the table stays empty. */
#ifndef TRANSFORM_NUMBERS_H
#define TRANSFORM_NUMBERS_H

#include "base/buf.h"
#include "json/scan.h"

enum { NUMBERS_NOWHERE = UINT32_MAX };

struct number_entry {
	double d;               /* as libjq sees it */
	uint32_t at, len;       /* its text, in the record or in made */
	uint32_t tok;           /* in the record, or NUMBERS_NOWHERE: made */
	uint32_t name;          /* token of the nearest member name, or 0 */
	uint32_t class;         /* the same for equal numbers only */
	bool canonical;         /* text is how jq prints the double */
	bool instead;           /* made from the one number that it equals */
};

struct numbers {
	const struct json *record;
	struct number_entry *v; /* in order of appearance, then made ones */
	uint32_t *order;        /* by double */
	uint32_t n, cap, classes;
	bool active;            /* the table holds all numbers of the record */
	bool nomem;
	struct buf made; /* texts of numbers made by functions of the module */
};

struct number_place {           /* where a number is written */
	uint32_t tok;           /* what the record has there, or nowhere */
	const char *name;       /* of the nearest member */
	size_t len;
};

void numbers_init(struct numbers *t);
void numbers_release(struct numbers *t);
void numbers_start(struct numbers *t, const struct json *record);

/* Reading: the double for the number token tok.  The first one that is
 * spelled otherwise fills the table; true: one that came before it has another
 * double now, so read the record again. */
bool numbers_read(struct numbers *t, uint32_t tok, double *d);

/* A number that a function of the module makes: its double. instead: out of
 * one that it equals, as 7 out of 7.0. */
double numbers_add(struct numbers *t, const char *p, size_t n, bool instead);
/* The text behind a double of this record, canonical where there is none. */
void numbers_text(const struct numbers *t, double d, struct buf *b);

/* false: it cannot be told which number it was. */
bool numbers_put(const struct numbers *t, double d,
    const struct number_place *at, struct buf *b);
void numbers_put_plain(struct buf *b, double d);        /* as jq does */

#endif
