/* The outcome of one try to load a batch: the counts, and the reject lines of
 * the records that the table refused, in the order of the input.
 * Owns:  the reject lines; outcome_release() frees them.
 * Borrows: stage, target and chunk (the lines that are being applied).
 *          Before a batch is tried again, outcome_reset_for_try() forgets
 *          the failed try. The number of the next occurrence is set back
 *          too, so the same record gives the same reject line in each try. */
#ifndef LOAD_OUTCOME_H
#define LOAD_OUTCOME_H

#include "table/record.h"
#include "batch/refusals.h"
#include "batch/spool.h"

struct outcome {
	struct stage *stage;
	const struct target *target;
	struct reader reader;
	const struct spool *chunk;
	struct sums sums;
	uint64_t kept;                  /* reject lines that were stored as dead
	                                 * letters, and those of the loader for
	                                 * a file or descriptor 3 */
	struct spool rejects;
	struct refusals refused;        /* of the chunk */
	struct refusals ending;         /* of the batch, by ordinal: records
	                                 * that have ended the transaction of
	                                 * an earlier try */
	bool judge_all;                 /* all --retries are used up: also an
	                                 * error that usually passes, such as a
	                                 * deadlock, may be a record's */
	uint64_t most_equal;            /* records of one key, at most, whose
	                                 * row was written once for each of
	                                 * them: the time grows with the square
	                                 * of this number */
	uint64_t first_occurrence;      /* number of the batch's first reject */
	uint64_t ordinal;               /* number in the batch of the chunk's
	                                 * first item */
	struct buf pointer;             /* of the last reject */
	struct buf key;                 /* the key of the last reject, as a JSON
	                                 * array */
	char violated[128];             /* the first unique index that a
	                                 * record violated; "" if none has */
};

int outcome_init(struct outcome *o, struct stage *s, const struct target *t,
    enum json_members duplicates, struct err *e);
void outcome_release(struct outcome *o);
void outcome_start_batch(
    struct outcome *o); /* before the first try of a batch */
void outcome_reset_for_try(struct outcome *o);  /* before each try of a batch */
/* Rejects item i of the chunk for the reason *why. */
int outcome_add_reject(struct outcome *o, size_t i, const struct reject *why,
    struct err *e);
/* Rejects item i because the database refused it: the SQLSTATE gives the code,
 * the column gives the pointer. */
int outcome_reject_after_db_fault(struct outcome *o, size_t i,
    const struct db_fault *f, const char *message, struct err *e);
/* Notes that item i has ended the transaction. In the next try of the batch
 * outcome_reject_if_ending() rejects it, and returns 1 instead of 0. */
int outcome_note_ending(struct outcome *o, size_t i, const char *message,
    struct err *e);
int outcome_reject_if_ending(struct outcome *o, size_t i, struct err *e);
/* Called once all items of the chunk have been applied. Makes the reject lines
 * of the chunk: those of the rejected records, with their bytes, origins and
 * ids, and those that earlier stages have sent. */
int outcome_make_reject_lines(struct outcome *o, struct err *e);

#endif
