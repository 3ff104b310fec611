/* Finds the table of each record of a chunk by the value at --table-from.
 * Owns:  buffers and reasons; route_release() frees them.
 * Borrows: stage and list.
 * Gives: route_find_tables() sets table_of and records. A record
 *        without a table is rejected or, if it is a tombstone (--mode cdc),
 *        skipped. It is in no struct outcome:
 *        route_count_chunk() counts it, and
 *        route_make_line() makes its reject line. */
#ifndef LOAD_ROUTE_H
#define LOAD_ROUTE_H

#include "batch/refusals.h"
#include "batch/reject_lines.h"
#include "json/scan.h"
#include "load.h"
#include "table/table_list.h"

enum { NO_TABLE = UINT16_MAX };

struct route {
	struct stage *stage;
	const struct table_list *list;
	const char *pointer;            /* --table-from */
	unsigned levels;                /* of nesting, down to the value */
	bool tombstones;                /* a line `null` is skipped */
	bool rejects_too;               /* also find the tables of records that
	                                 * earlier stages have rejected */
	struct json json;
	struct buf text, raw;
	uint16_t *table_of;             /* by item of the chunk: the number of
	                                 * its table, or NO_TABLE */
	size_t room;
	size_t *records;                /* by table: records in the chunk */
	size_t last;                    /* the table of the last record */
	uint64_t skipped;               /* tombstones in the chunk */
	struct refusals refused;        /* of the chunk */
	size_t made;                    /* reject lines made of them */
	struct sums sums;               /* of the batch */
	char message[512];
};

int route_open(struct route *r, struct stage *s, const struct table_list *list,
    const char *pointer, struct err *e);
void route_release(struct route *r);
/* Forgets the failed try. Called before each try of a batch. */
void route_reset(struct route *r);
int route_find_tables(struct route *r, const struct spool *chunk,
    struct err *e);
/* Like outcome_make_line(), for a record without a table. The member `target`
 * of the reject line is the pointer of --table-from, so that the letter can be
 * replayed by a load with other --tables. */
int route_make_line(struct route *r, const struct spool *chunk, size_t i,
    uint64_t ordinal, struct reject_lines *to, struct err *e);
/* Called when the records of the chunk were loaded: counts the chunk's records
 * without a table. */
void route_count_chunk(struct route *r);

#endif
