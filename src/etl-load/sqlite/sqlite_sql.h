/* The SQLite statements that load records of one shape. Parameters: $1, $2
 * ... the values of the shape's columns in order, then the present time, then
 * the old key of an update that changes the key. */
#ifndef LOAD_SQLITE_SQL_H
#define LOAD_SQLITE_SQL_H

#include "row.h"

void sqlite_put_insert(struct buf *b, const struct target *t,
    const struct shape *s);
/* Returns the number of values that one record has room for in struct
 * lite_store. */
size_t sqlite_max_values(const struct target *t);
/* Inserts a group of n records. If a record is refused, the records before it
 * stay inserted or, if `aborts` is true, none. The numbers of a record's
 * parameters are those of the record before, plus sqlite_max_values(). */
void sqlite_put_insert_group(struct buf *b, const struct target *t,
    const struct shape *s, size_t n, bool aborts);
/* Updates the row of the record's key if a compared column differs. */
void sqlite_put_update(struct buf *b, const struct target *t,
    const struct shape *s);
/* Sets the column of --seen in the row of the record's key. */
void sqlite_put_seen(struct buf *b, const struct target *t,
    const struct shape *s);
/* "deleted" = $4: marks a row as deleted (--soft-delete), and sets the column
 * of --touch. Comes after UPDATE ... SET. The present time is parameter number
 * time_parameter, here 4. */
void sqlite_put_mark_deleted(
    struct buf *b, const struct target *t, size_t time_parameter);
/* sqlite_put_find() finds the row of the record's key. sqlite_put_delete()
 * deletes it or, with --soft-delete, marks it as deleted, unless it is already
 * marked. */
void sqlite_put_find(struct buf *b, const struct target *t,
    const struct shape *s);
void sqlite_put_delete(struct buf *b, const struct target *t,
    const struct shape *s);
/* Updates the row that has the old key, and gives it the new key, unless it is
 * already as the record says. */
void sqlite_put_move(struct buf *b, const struct target *t,
    const struct shape *s);
void sqlite_put_find_old(struct buf *b, const struct target *t,
    const struct shape *s);

/* Pieces of statements.
 * Returns the number of the parameter that has the value of the column. */
size_t sqlite_get_parameter(const struct shape *s, size_t column);
/* A condition that is true if the record would change the row: with key_too,
 * also if it would only spell its key in another way. 0 if no record of this
 * shape can change a row. */
void sqlite_put_row_differs(struct buf *b, const struct target *t,
    const struct shape *s, bool key_too);
/* WHERE and the condition that a row has the old key of the update. */
void sqlite_put_where_old(struct buf *b, const struct target *t,
    const struct shape *s);
/* WHERE "k1" = $1 AND "k2" = $3: the row of the record's key. */
void sqlite_put_where_key(struct buf *b, const struct target *t,
    const struct shape *s);
/* Returns the name of the rowid: rowid, _rowid_ or oid, whichever is not the
 * name of a column. Returns NULL if all three are names of columns. */
const char *sqlite_find_rowid(const struct table *t);

/* The SQLite statements of --mode scd2 for records of one shape. The parameters
 * $1, $2 ... are the values of the shape's columns in order. The next
 * parameters are the LITE_HISTORY_VALUES values of sqlite_history.h. */

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
