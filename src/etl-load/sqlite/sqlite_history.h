/* Stores records of --mode scd2 in a SQLite table, one by one: finds the row of
 * the key that is valid at the record's time of change, ends it at this time,
 * and inserts a row that begins then.
 * Owns:  the prepared statements, one set for each shape; lite_history_free()
 *        frees them. */
#ifndef LOAD_SQLITE_HISTORY_H
#define LOAD_SQLITE_HISTORY_H

#include "row.h"

enum { LITE_HISTORY_STATEMENTS = 8,
	LITE_HISTORY_VALUES = 5 }; /* after the values of the shape: the
	                            * present time, the time of change, valid
	                            * from of the row that was found, and valid
	                            * to and current of the new row */

struct lite_history_shape {
	struct db_stmt *statement[LITE_HISTORY_STATEMENTS];
};

struct lite_history_record {
	struct db *db;
	const struct target *target;
	const struct shape *shape;
	struct db_value *values;        /* of the shape, then the present
	                                 * time, and room for the others */
	const char *as_of;              /* "": the present time */
};

/* Sets *inserted to true if the key had no current row, and has one now. Sets
 * *updated to true if another row was inserted, or the values of a row changed.
 * If both are false, only the column of --seen may have changed. If the
 * function fails, a part of the changes may have been made. */
int lite_history_merge(struct lite_history_shape *s,
    const struct lite_history_record *r, bool *inserted, bool *updated,
    struct err *e);
void lite_history_free(struct lite_history_shape *s);

#endif
