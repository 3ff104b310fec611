/* What one try of a batch gives: sums, and reject lines in a spool.
 * Owns:  the lines; outcome_release() frees them.
 * Borrows: stage, reader, chunk (the lines being applied).
 * A try that failed is forgotten by outcome_clear(): occurrences count from
 * where the batch began, so that the same reject is the same line again. */
#ifndef LOAD_OUTCOME_H
#define LOAD_OUTCOME_H

#include "table/record.h"
#include "batch/spool.h"

struct outcome {
	struct stage *stage;
	const struct target *target;
	struct reader reader;
	const struct spool *chunk;
	struct sums sums;
	struct spool rejects;
	uint64_t own, began;            /* occurrences, when the batch began */
	uint64_t ordinal;               /* of the chunk's first item */
	struct buf key;
	char violated[128];             /* the first unique index that a
	                                 * record violated; "" if none has */
};

int outcome_init(struct outcome *o, struct stage *s, const struct target *t,
    enum json_members duplicates, struct err *e);
void outcome_release(struct outcome *o);
void outcome_begin(struct outcome *o);          /* a new batch */
void outcome_clear(struct outcome *o);          /* the same one again */
/* Item i of the chunk is a reject; raw, origin and id are filled in. */
int outcome_reject(struct outcome *o, size_t i, const struct reject *why,
    struct err *e);
/* The stream's own reject lines of the chunk. */
int outcome_upstream(struct outcome *o, struct err *e);
/* The database's words as a reject: code by class, pointer by column. */
int outcome_refused(struct outcome *o, size_t i, const struct db_fault *f,
    const char *message, struct err *e);

#endif
