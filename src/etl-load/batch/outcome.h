/* The outcome of one try to load the records of a batch into a table: the
 * counts, and the records that the table refused.
 * Owns:  the reasons; outcome_release() frees them.
 * Borrows: stage, target and chunk (the lines that are being applied). Before a
 *          batch is tried again, outcome_reset() forgets the failed try. */
#ifndef LOAD_OUTCOME_H
#define LOAD_OUTCOME_H

#include "table/record.h"
#include "batch/refusals.h"
#include "batch/reject_lines.h"

struct outcome {
	struct stage *stage;
	const struct target *target;
	struct reader reader;
	const struct spool *chunk;
	const uint16_t *table_of;       /* by item of the chunk: the number of
	                                 * its table; NULL: all are of this
	                                 * table */
	uint16_t table;                 /* the number of this table */
	struct sums sums;
	struct refusals refused;        /* of the chunk */
	size_t made;                    /* reject lines made of them */
	struct refusals ending;         /* of the batch, by ordinal: records
	                                 * for which an earlier try was rolled
	                                 * back */
	bool judge_all;                 /* all --retries are used up: also an
	                                 * error that usually passes, such as a
	                                 * deadlock, may be a record's */
	uint64_t most_equal;            /* records of one key, at most, whose
	                                 * row was written once for each of
	                                 * them: the time grows with the square
	                                 * of this number */
	uint64_t ordinal;               /* number in the batch of the chunk's
	                                 * first item */
	bool begun;                     /* the sink has applied a chunk of this
	                                 * try before */
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
void outcome_reset(struct outcome *o);  /* before each try of a batch */
/* outcome_start_chunk() is called before the records of a chunk are applied,
 * outcome_end_chunk() after that. */
void outcome_start_chunk(struct outcome *o, const struct spool *chunk,
    const uint16_t *table_of);
void outcome_end_chunk(struct outcome *o);
/* True if item i of the chunk is a record of the table. */
static inline bool
outcome_has_record(const struct outcome *o, size_t i)
{
	return o->chunk->items[i].kind == ITEM_RECORD &&
	    (o->table_of == NULL || o->table_of[i] == o->table);
}
/* Rejects item i of the chunk for the reason *why. */
int outcome_add_reject(struct outcome *o, size_t item, const struct reject *why,
    struct err *e);
/* Rejects item i because the database refused it. The code of the reject is
 * made from the SQLSTATE, its pointer from the name of the column. */
int outcome_reject_fault(struct outcome *o, size_t i, const struct db_fault *f,
    const char *message, struct err *e);
/* Notes that item i must be rejected in the next try of the batch, although its
 * row was written in this try: the row has ended the transaction (a trigger of
 * SQLite can do this), or the table of --nested refuses an element of the
 * record. outcome_reject_noted() rejects an item that was noted and returns 1;
 * it returns 0 for other items. */
int outcome_note_reject(struct outcome *o, size_t i, const struct reject *why,
    struct err *e);
int outcome_reject_noted(struct outcome *o, size_t i, struct err *e);
/* Sorts the rejects by item. Called before the reject lines are made. */
void outcome_sort_rejects(struct outcome *o);
/* If item i was rejected, adds its reject line to *to, with the bytes of the
 * record, its origin and the id of its key. Called for each item, in order. */
int outcome_make_line(struct outcome *o, size_t i, struct reject_lines *to,
    struct err *e);

#endif
