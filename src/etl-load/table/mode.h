/* The load modes (--mode): one constant row for each says what it does. Code
 * that depends on the mode asks for one of these properties, not for a name.
 * Gives: rows that live as long as the program.
 * Fails: ERR_USAGE if --mode is wrong or does not fit another option. */
#ifndef LOAD_MODE_H
#define LOAD_MODE_H

#include "load.h"

/* A new mode is a row in mode.c and, if it writes rows in a way of its own, a
 * case in pg/pg_sql.c and sqlite/sqlite_sql.c. */
struct load_mode {
	const char *name;
	bool keyed;             /* finds the row of a record by a key: the
	                         * columns of --key or the primary key */
	bool updates;           /* keyed: changes a row that exists */
	bool skips;             /* keyed: leaves a row that exists as it is, and
	                         * counts the record as skipped */
	bool deletes;           /* a record may say that its row is to be
	                         * deleted: the record counts as deleted, or as
	                         * missed if there is no such row */
	bool changes;           /* keyed: a record is a change of a row (see
	                         * table/change.h); changes are applied in the
	                         * order of the input */
	bool history;           /* keyed: if the values of a key change, inserts
	                         * a new row and keeps the rows before it */
	bool repeatable;        /* a second load of the same records leaves the
	                         * table as the first one has left it */
	bool written_known;     /* the sinks know which rows the mode has
	                         * written, for the tests of --expect */
	bool nests;             /* keyed: a record may have elements that are
	                         * rows of another table (--nested) */
	bool splits;            /* keyed: the records of different keys may be
	                         * loaded by several connections, each of which
	                         * commits by itself (--connections) */
	bool complete;          /* needs a complete stream and no increment;
	                         * commits once, at the end of the stream */
	bool replaces;          /* before the first record is written, deletes
	                         * all rows of the table */
	bool by_scope;          /* before the first record is written, deletes
	                         * the rows of the scopes (--scope) */
	bool mirrors;           /* keyed: at the end of the stream deletes the
	                         * rows whose keys are not in the input; if
	                         * `history` is set, ends the validity of those
	                         * that are current */
	bool removes;           /* may delete rows for which the input has no
	                         * record, and counts them as removed */
};

/* Finds the mode of --mode (default: append, or upsert if --key is given) and
 * checks that the options fit it. Needs no database. */
int load_mode_choose(const struct load_mode **mode, const struct load_opts *o,
    struct err *e);
/* True if --mode replace fills a new table, which is then put in the place of
 * the old one. On SQLite the sink deletes the rows instead, with the same
 * result. */
bool load_mode_swaps(const struct load_mode *m, const struct load_opts *o);
/* True if --mode replace empties the table by TRUNCATE (--replace-by). */
bool load_mode_truncates(const struct load_opts *o);

#endif
