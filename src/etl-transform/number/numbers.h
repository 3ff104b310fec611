/* Keeps the texts of a record's numbers, because libjq only has doubles.
 * Owns:  the table of numbers, which is reused. Borrows the record.
 * Gives: each different number gets its own double, so that its text is found
 *        by the double, also if the filter moves it. Equal numbers (1 and 1.0)
 *        share a double. Their place in the output decides which text is
 *        written, or else the member name.
 * Cost:  none while all numbers are written as jq prints them: then they are
 *        plain doubles, and the table stays empty. */
#ifndef TRANSFORM_NUMBERS_H
#define TRANSFORM_NUMBERS_H

#include "base/buf.h"
#include "json/scan.h"

enum { NUMBERS_NOWHERE = UINT32_MAX };

struct number_entry {
	double d;               /* the double that libjq gets */
	uint32_t at, len;       /* its text, in the record or in `made` */
	uint32_t tok;           /* token in the record; NUMBERS_NOWHERE: a
				 * function of the module etl made the number */
	uint32_t name;          /* token of the nearest member name, or 0 */
	uint32_t class;         /* equal numbers, such as 1 and 1.0, have the
				 * same class; different numbers do not */
	bool canonical;         /* jq prints the number with the same text */
	bool instead;           /* replaces_equal_in_output, see
				 * numbers_add_made_number() */
};

struct numbers {
	const struct json *record;
	struct number_entry *v; /* numbers of the record, in its order; then
				 * numbers that functions made */
	uint32_t *order;        /* indexes of v, sorted by double */
	uint32_t n, cap, classes;
	bool active;            /* the table has all numbers of the record;
				 * false: it is empty and not needed */
	bool nomem;             /* memory is out: the table is incomplete */
	struct buf made;        /* texts of the numbers that functions made */
};

/* Where a number is written in the output. */
struct number_place {
	uint32_t tok;           /* token that the record has at the same place,
				 * or NUMBERS_NOWHERE */
	const char *name;       /* of the nearest member */
	size_t len;
};

void numbers_init(struct numbers *t);
void numbers_release(struct numbers *t);
void numbers_start_record(struct numbers *t, const struct json *record);

/* Sets *d to the double for the number at token tok. At the first number that
 * is not written as jq prints it, the table is filled with all numbers of the
 * record. This may change the double of an earlier number. The function then
 * sets *must_read_again to true: the caller must read the record again. */
void numbers_get_double_or_fill_table(struct numbers *t, uint32_t tok,
    double *d, bool *must_read_again);

/* Adds a number that a function of the module etl made and returns its
 * double. replaces_equal_in_output: the function made the number from an
 * equal number of the record, and the output gets the text of the made
 * number. Example: to_int makes 7 from 7.0. */
double numbers_add_made_number(
    struct numbers *t, const char *p, size_t n, bool replaces_equal_in_output);
/* Appends the text of a double without regard to its place. */
void numbers_put_without_place(
    const struct numbers *t, double d, struct buf *b);

/* Appends the text of a double for a place in the output. Returns false if two
 * different numbers have this double, so the text is unknown. */
bool numbers_put_at_unless_ambiguous(const struct numbers *t, double d,
    const struct number_place *at, struct buf *b);
/* Appends a double as jq prints it. */
void numbers_put_as_jq_prints(struct buf *b, double d);

#endif
