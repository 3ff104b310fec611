/* Writes the elements of the arrays of --nested into their tables, after the
 * records that contain them. The rows of a record replace the rows that the
 * table has for its key.
 * Owns:  struct nested in l->nested; nested_close() frees it.
 * Gives: if an element cannot be a row, the phase notes that the record must be
 *        rejected and sets l->nested->repeat: after the last chunk the caller
 *        repeats the batch. */
#ifndef LOAD_NESTED_H
#define LOAD_NESTED_H

#include "keys.h"
#include "row.h"
#include "sink.h"
#include "spec.h"
#include "stream/reject.h"

/* Makes records for a table of --nested from the elements of an array.
 * Borrows: the scanned record and both targets, while a line is made.
 * Gives: each function that appends a line leaves out the line feed. The line
 *        has the values byte by byte as they are in the record. */

struct element_lines {
	const struct target *child, *parent;
	const char *pointer;            /* to the array */
	struct json *json;              /* the record, scanned for at least
	                                 * element_lines_levels() */
	struct buf key, name, place;
	char message[512];
};

void element_lines_init(struct element_lines *l, const struct target *child,
    const struct target *parent, const char *pointer);
void element_lines_release(struct element_lines *l);
/* Returns how many levels of the record must be scanned. */
unsigned element_lines_levels(const struct element_lines *l);
/* Called for each record before the other functions. Reads the key of the
 * record. */
int element_lines_start(struct element_lines *l, struct json *record,
    struct err *e);
/* Finds the array at the pointer. Returns 1: *array is its token; 0: the record
 * has no value there, or null; -1: the value is not an array, and *why says
 * so. */
int element_lines_find_array(
    struct element_lines *l, uint32_t *array, struct reject *why);
/* Appends a record made from element number `i` of the array, which is token
 * `tok`. Returns 1; 0: the element cannot be a row: *why has the reason and a
 * pointer into the parent's record. Memory is out if b->failed or
 * l->name.failed is set. */
int element_lines_put(struct element_lines *l, struct buf *b, uint32_t tok,
    uint64_t number, struct reject *why);

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
/* Called before each try of a batch. Forgets the rows of the failed try. */
void nested_reset(struct loader *l);
/* Warns if no record had a value at the pointer of a --nested, because the
 * pointer may be mistyped. */
void nested_warn_empty(const struct loader *l);

#endif
