/* The reject lines of one try to load a batch, in the order of the input.
 * Owns:  the lines; reject_lines_release() frees them.
 *        Before a batch is tried again, reject_lines_reset() forgets
 *        the failed try. The number of the next occurrence is set back too, so
 *        the same record gives the same reject line in each try. */
#ifndef LOAD_REJECT_LINES_H
#define LOAD_REJECT_LINES_H

#include "base/clock.h"
#include "batch/spool.h"
#include "stream/stage.h"

struct reject_lines {
	struct stage *stage;
	struct spool spool;
	uint64_t kept;                  /* lines that were stored as dead
	                                 * letters, and those of the loader for
	                                 * a file or descriptor 3 */
	uint64_t first_occurrence;      /* number of the batch's first reject */
	char at[CLOCK_STAMP];           /* the time of the rejects: the begin of
	                                 * the try, so that no row of the same
	                                 * transaction is older */
};

void reject_lines_init(struct reject_lines *r, struct stage *s);
void reject_lines_release(struct reject_lines *r);
/* Called before the first try of a batch. */
void reject_lines_start(struct reject_lines *r);
/* Called before each try of a batch: forgets the lines of the failed try. */
void reject_lines_reset(struct reject_lines *r);
/* True in a replay of letters that another stage has rejected, if the loader is
 * the first program after etl-dlq. If such a record is rejected again, the
 * loader writes its reject line in the name of that stage, so that the reject
 * becomes an occurrence of the same letter. */
bool reject_lines_foreign(const struct reject_lines *r);
/* Adds the reject line of record number `ordinal` of the batch. */
int reject_lines_add(struct reject_lines *r, const struct reject *reject,
    uint64_t ordinal, struct err *e);
/* Adds a reject line that an earlier stage has sent in the stream. */
int reject_lines_add_sent(struct reject_lines *r, const struct line *l,
    struct err *e);

#endif
