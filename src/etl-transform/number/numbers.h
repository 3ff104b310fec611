/* Keeps the texts of a record's numbers, because libjq only has doubles.
 * Owns:  the table of numbers, which is reused. Borrows the record.
 * Gives: each different number gets its own double, so that its text is found
 *        by the double, also if the filter moves it. Equal numbers (1 and 1.0)
 *        share a double; their place or member name decides the text.
 * Cost:  none if jq prints all numbers of the record unchanged: the table is
 *        then not filled. Otherwise n log n. */
#ifndef TRANSFORM_NUMBERS_H
#define TRANSFORM_NUMBERS_H

#include "base/buf.h"
#include "json/member_index.h"
#include "json/scan.h"

enum { NUMBERS_NOWHERE = UINT32_MAX, NUMBERS_NAME_UNKNOWN = UINT32_MAX };

/* How well a double stands for a number. */
enum number_fit {
	NUMBER_HELD,    /* jq prints an equal number: for 1.50 */
	NUMBER_NEAR,    /* the 17 digits of the double are an equal number: for
			 * 0.10000000000000001 */
	NUMBER_LOST,    /* neither: for 12345678901234567890 */
	NUMBER_MIXED    /* different numbers have this double */
};

struct number_entry {
	double d;               /* the double that libjq gets */
	uint32_t at, len;       /* its text in the record */
	uint32_t tok;           /* its token */
	uint32_t name;          /* token of the nearest member name, or 0 */
	uint32_t class;         /* index of the first equal number: 1 and 1.0
				 * have the same class */
	bool canonical;         /* jq prints the number with the same text */
	enum number_fit fit;
	bool mixed;             /* set in the first number of a double: the
				 * double has numbers that are not equal */
};

/* The numbers that functions of the module etl made: see numbers.c. */
struct numbers_made {
	struct buf text;
	void *by_double, *by_value;     /* trees of tsearch(3) */
};

/* The member names that have numbers: see numbers.c. */
struct numbers_named {
	struct named_number *v;
	uint32_t *names;        /* a token of each name, sorted by text */
	uint32_t n, n_names;
	bool built;
};

struct numbers {
	const struct json *record;
	struct number_entry *v; /* numbers of the record, in its order */
	uint32_t *order;        /* indexes of v, sorted by double */
	uint32_t n, cap;
	bool rounded;           /* set by the caller: each number gets the
				 * double that is nearest, as in jq, although
				 * different numbers may then share it */
	bool displaced;         /* a number has not got the nearest double */
	bool active;            /* the table has all numbers of the record;
				 * false: it is empty and not needed */
	bool nomem;             /* memory is out: the table is incomplete */
	struct buf forms;       /* used while doubles are assigned */
	struct numbers_made made;
	struct numbers_named named;
	struct member_index members;
};

/* The nearest member name around a number in the output. The caller sets `id`
 * to NUMBERS_NAME_UNKNOWN. The name is searched in the record when `id` is
 * first needed. */
struct number_name {
	const char *p;
	size_t len;
	uint32_t id;
};

/* Where a number is written in the output. */
struct number_place {
	uint32_t tok;           /* token that the record has at the same place,
				 * or NUMBERS_NOWHERE */
	struct number_name *name;       /* NULL: none */
};

void numbers_init(struct numbers *t);
void numbers_release(struct numbers *t);
/* Begins a new record. Forgets the numbers of the record before. */
void numbers_begin(struct numbers *t, const struct json *record);

/* Sets *d to the double that is nearest to the number p[0..n), a token with the
 * given flags. Returns true if jq prints this double with the same text: true
 * for 1.5, false for 1.50. */
bool numbers_is_canonical(
    const char *p, size_t n, unsigned int flags, double *d);

/* How well the double stands for the number p[0..n). */
enum number_fit numbers_text_fit(double d, const char *p, size_t n);

/* Sets *d to the double for the number at token tok, and *fit to how well it
 * stands for it. At the first number that
 * is not written as jq prints it, the table is filled with all numbers of the
 * record. This may change the double of an earlier number. The function then
 * sets *must_read_again to true: the caller must read the record again. */
void numbers_get_double(struct numbers *t, uint32_t tok, double *d,
    enum number_fit *fit, bool *must_read_again);

/* How well the double stands for the number that has it, if any. */
enum number_fit numbers_fit(const struct numbers *t, double d);

/* Adds a number that a function of the module etl made and returns its
 * double. replaces_equal_in_output: the function made the number from an
 * equal number of the record, and the output gets the text of the made
 * number. Example: to_int makes 7 from 7.0. */
double numbers_add_made(struct numbers *t, const char *p, size_t n,
    bool replaces_equal_in_output);
/* Appends the text of a double without regard to its place. */
void numbers_put_text(struct numbers *t, double d, struct buf *b);

/* Appends the text of a double for a place in the output. `moved`: it is a
 * number of the record or of the module etl. A number that the filter computed
 * gets the text of such a number only if both are equal. Returns false if two
 * different numbers have this double, so the text is unknown. */
bool numbers_put_at(struct numbers *t, double d, bool moved,
    const struct number_place *at, struct buf *b);
/* Appends a double as jq prints it. */
void numbers_put(struct buf *b, double d);

#endif
