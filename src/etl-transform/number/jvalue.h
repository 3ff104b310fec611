/* Records in and out of libjq: our tape to jv, jv to jq's text.
 * The only header with a foreign type: for filter.c and the module.
 * Owns:    struct reader: names seen before, as jv, and a scratch buffer.
 * Borrows: v of jvalue_write(), all else as libjq does: arguments are taken.
 * Gives:   jvalue_write(): WRITE_DONE; WRITE_DEEP nests deeper than a record
 *          may, WRITE_VAGUE a number that numbers_put() could not tell; out
 *          of room is seen by b->failed. */
#ifndef TRANSFORM_JVALUE_H
#define TRANSFORM_JVALUE_H

#include "number/numbers.h"

#include "base/buf.h"
#include "json/scan.h"

#include <jv.h>

enum { JVALUE_NAMES = 256 };

struct reader {
	jv names[JVALUE_NAMES];
	struct buf text;
	const struct json *j;
	struct numbers *numbers;        /* NULL: plain doubles */
	bool again;
};

enum write_result { WRITE_DONE, WRITE_DEEP, WRITE_VAGUE };

void reader_init(struct reader *r, struct numbers *n);
void reader_release(struct reader *r);
jv jvalue_read(struct reader *r, const struct json *j);

enum write_result jvalue_write(struct buf *b, jv v, const struct numbers *n,
    bool lossy);

#endif
