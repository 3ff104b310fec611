/* Writes the elements of the arrays of --nested into their tables, after the
 * records that contain them. The rows of a record replace the rows that the
 * table has for its key.
 * Owns:  struct nested in l->nested; nested_close() frees it.
 * Gives: nested_write_chunk() is called when the records of the chunk are in
 *        their tables. If an element cannot be a row, it notes that the record
 *        must be rejected and sets l->nested->repeat: after the last chunk the
 *        caller repeats the batch. */
#ifndef LOAD_NESTED_H
#define LOAD_NESTED_H

#include "batch/keyset.h"
#include "nested/element_lines.h"
#include "sink.h"
#include "table/nested_list.h"

struct loader;
struct loaded_table;

struct element {                /* of a row: where it is in the chunk */
	size_t item;            /* the record */
	uint64_t number;        /* the place in the array, from 0 */
	bool is_object;
};

struct child {                  /* a table of --nested */
	struct loaded_table *table, *parent;
	const char *pointer;
	struct element_lines lines;
	struct spool keys;      /* of records: their old rows are not deleted
				 * yet */
	struct spool rows;      /* rows that are not written yet */
	struct element *elements;       /* by row */
	size_t room;
	bool found;             /* a record had a value at the pointer */
};

struct nested {
	struct child *v;
	size_t n;
	struct json json;       /* the present record */
	struct keyset keys;     /* hashes of the keys of the records whose rows
				 * may be written together */
	bool unhashed;          /* one of these records has no hash of its
				 * key */
	struct buf scratch;
	bool repeat;
};

/* Allocates the state. Its tables are the last ones of l->tables, from number
 * l->ntables on. Does nothing without --nested. */
int nested_open(struct loader *l, struct err *e);
void nested_close(struct loader *l);
/* Fails if rows of a table of --nested cannot be deleted, for example because
 * another table refers to them. */
int nested_check(struct loader *l, struct err *e);
/* Called before each try of a batch. Forgets the rows of the failed try. */
void nested_reset(struct loader *l);
enum sink_result nested_write_chunk(struct loader *l, struct err *e);
/* Warns if no record had a value at the pointer of a --nested, because the
 * pointer may be mistyped. */
void nested_warn_empty(const struct loader *l);

#endif
