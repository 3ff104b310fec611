/* Converts the tokens of a record (struct json) to a value of libjq (jv), and a
 * jv to JSON text as jq -c prints it.
 * Owns:    struct reader: member names seen before, as jv; a scratch buffer.
 * Borrows: v of jvalue_write().
 * Gives:   jvalue_write() returns WRITE_DONE, WRITE_DEEP (nested deeper than a
 *          record may be) or WRITE_VAGUE (see numbers_put_at()). If the buffer
 *          is full, b->failed is set. */
#ifndef TRANSFORM_JVALUE_H
#define TRANSFORM_JVALUE_H

#include "base/buf.h"
#include "json/scan.h"
#include "number/numbers.h"

#include <jv.h>

enum { JVALUE_NAMES = 256 };

struct arg;
struct err;

struct reader {
	jv names[JVALUE_NAMES];
	struct buf text;
	const struct json *j;
	struct numbers *numbers;        /* NULL: numbers are plain doubles */
	bool read_again; /* see numbers_get_double() */
};

enum write_result { WRITE_DONE, WRITE_DEEP, WRITE_VAGUE };

void reader_init(struct reader *r, struct numbers *n);
void reader_release(struct reader *r);
jv jvalue_read(struct reader *r, const struct json *j);

/* Makes a number of the record or of the module etl. The value is marked with
 * `fit`: copies of it keep the mark. A number that libjq computes has the mark
 * NUMBER_HELD. */
jv jvalue_number(double d, enum number_fit fit);
/* The double of a number. If libjq or other code calls jv_number_value() for a
 * number that is marked as NUMBER_LOST or _MIXED, this is noted as a
 * computation, except while it compares two numbers that differ, and for
 * messages. */
double jvalue_double(jv v);
/* Returns true if a computation was noted since the last call. */
bool jvalue_take_computed(void);

/* Makes an object of the variables $NAME that options such as --arg define, and
 * $ARGS. Fails with ERR_USAGE for a text that is not JSON, and with ERR_CONFIG
 * for a bad file. */
int jvalue_read_args(
    jv *out, const struct arg *args, size_t n, struct err *e);

enum write_result jvalue_write(
    struct buf *b, jv v, struct numbers *n, bool lossy);

#endif
