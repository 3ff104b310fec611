/* The lines of standard input for --each. With --jobs N, up to N - 1 records
 * after the current one are read ahead, so that their requests can be sent
 * early. Nothing is read past a mark, because the caller must pass each mark on
 * first.
 * Owns:  copies of these lines. Borrows: the stage.
 * Gives: each_input_next() returns all lines in order, as stage_next() does. A
 *        line is valid until the next call. */
#ifndef EXTRACT_EACH_INPUT_H
#define EXTRACT_EACH_INPUT_H

#include "http/fetch.h"
#include "stream/stage.h"

struct held_line;

/* Returns the request for a record, or NULL if the record will be rejected
 * without a request. */
typedef const struct request *each_make_request(
    void *self, const struct line *l);

struct each_input {
	struct stage *stage;
	struct held_line *held; /* a ring; NULL without --jobs */
	size_t cap, first, n;   /* n includes the current record */
	bool has_present;
	enum stage_item behind; /* what follows them: STAGE_WAIT means that
				 * nothing was read yet; STAGE_RECORD is never
				 * set */
	struct line mark;       /* the mark, if `behind` is STAGE_MARK */
	struct err why;         /* the error, if `behind` is a failure */
	each_make_request *make;
	void *self;             /* the first argument of make() */
};

int each_input_open(struct each_input *i, struct stage *s,
    const struct extract_opts *o, struct err *e);
void each_input_release(struct each_input *i);
/* Gives f the requests of the records after the current one, so that f can send
 * them early. `make` makes each of these requests. */
void each_input_send_early(struct each_input *i, struct fetch *f,
    each_make_request *make, void *self);
enum stage_item each_input_next(
    struct each_input *i, struct line *l, struct err *e);

#endif
