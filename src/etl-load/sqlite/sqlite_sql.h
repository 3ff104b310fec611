/* The SQLite statements that load records of one shape. Parameters: $1, $2
 * ... the values of the shape's columns in order, then the present time, then
 * the old key of an update that changes the key. */
#ifndef LOAD_SQLITE_SQL_H
#define LOAD_SQLITE_SQL_H

#include "table/record.h"

void sqlite_put_insert(struct buf *b, const struct target *t,
    const struct shape *s);
/* How many values a record has room for in struct lite_store. */
size_t sqlite_room_of_record(const struct target *t);
/* Inserts a group of n records. If one is refused, the records before it stay,
 * or if `aborts` is true, none. The parameters of a record follow those of the
 * record before after sqlite_room_of_record() numbers. */
void sqlite_put_insert_group(struct buf *b, const struct target *t,
    const struct shape *s, size_t n, bool aborts);
/* Updates the row of this key if a compared column differs. */
void sqlite_put_update(struct buf *b, const struct target *t,
    const struct shape *s);
/* Sets the column of --seen in the row of this key. */
void sqlite_put_update_seen(struct buf *b, const struct target *t,
    const struct shape *s);
/* "deleted" = $4: marks a row as deleted (--soft-delete), and sets the column
 * of --touch. Comes after UPDATE ... SET. Here the time is parameter number
 * time_parameter. */
void sqlite_put_mark_deleted(
    struct buf *b, const struct target *t, size_t time_parameter);
/* Finds the row of this key; deletes it, or marks it as deleted unless it is
 * marked (--soft-delete). */
void sqlite_put_find(struct buf *b, const struct target *t,
    const struct shape *s);
void sqlite_put_delete(struct buf *b, const struct target *t,
    const struct shape *s);
/* Updates the row of the old key, which gets the new key. */
void sqlite_put_move(struct buf *b, const struct target *t,
    const struct shape *s);

/* Pieces of statements. The number of the parameter with the value of a column
 * of the shape. */
size_t sqlite_find_parameter_number(const struct shape *s, size_t column);
/* WHERE "k1" = $1 AND "k2" = $3: the row of the record's key. */
void sqlite_put_where_key(struct buf *b, const struct target *t,
    const struct shape *s);
/* Returns a name of the rowid that no column of the table has, or NULL. */
const char *sqlite_find_name_of_rowid(const struct table *t);

#endif
