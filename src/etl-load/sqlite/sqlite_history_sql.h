/* The SQLite statements of --mode scd2 for records of one shape. The parameters
 * $1, $2 ... are the values of the shape's columns in order. The next
 * parameters are the LITE_HISTORY_VALUES values of sqlite_history.h. */
#ifndef LOAD_SQLITE_HISTORY_SQL_H
#define LOAD_SQLITE_HISTORY_SQL_H

#include "table/record.h"

enum lite_history_sql {
	/* These two return a row of history: the times valid from and valid to,
	 * and 1 if a compared column differs from the record, else 0. */
	LITE_FIND_CURRENT,      /* the current row of the key */
	LITE_FIND_AT_TIME,      /* the row that is valid at the time */
	LITE_FIND_NEXT,         /* returns when the next row begins, or NULL */
	LITE_INSERT,            /* a row with the values of the record */
	LITE_INSERT_AFTER,      /* the same; the record's missing values are
	                         * those of the row that begins at valid from */
	/* These three change the row that begins at valid from. */
	LITE_CORRECT,           /* gets the values of the record */
	LITE_END,               /* ends at the time of change */
	LITE_SET_SEEN           /* gets the present time in --seen */
};

void lite_put_history_sql(struct buf *b, const struct target *t,
    const struct shape *s, enum lite_history_sql sql);
/* Appends an UPDATE that ends rows t at the time $1. The caller appends WHERE
 * and a condition. A row that begins at this time or later ends a second after
 * its beginning or, in a column of days, a day after it. */
void lite_put_end_rows(struct buf *b, const struct target *t);

#endif
