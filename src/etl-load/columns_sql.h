/* Lists of columns as SQL, for the statements that load records of one shape.
 * Each function appends to the buffer. */
#ifndef LOAD_COLUMNS_SQL_H
#define LOAD_COLUMNS_SQL_H

#include "row.h"

/* Appends "a", "b": the columns of the shape. If time_columns is true, also the
 * columns that --touch, --seen and --soft-delete set. */
void sql_put_columns(struct buf *b, const struct target *t,
    const struct shape *s, bool time_columns);
/* Appends "k1", "k2": the columns of the key. */
void sql_put_key(struct buf *b, const struct target *t);
/* Appends ["k1","k2"]: the names of the columns of the key as JSON. */
void put_key_names_json(struct buf *b, const struct target *t);
/* True if an upsert compares column i of the shape (the record's set of
 * columns) with the row in the table: the column is not in the key, and
 * --compare names it or is not given. */
bool upsert_compares(const struct target *t, const struct shape *s, size_t i);
/* True if the shape has a column that an upsert compares. */
bool upsert_compares_any(const struct target *t, const struct shape *s);
/* True if an upsert of a record with this shape can change an existing row: the
 * shape has a column that the upsert compares, or the row may be marked as
 * deleted (--soft-delete). */
bool shape_can_change(const struct target *t, const struct shape *s);
/* True if a record of this shape has no value for a column that neither the
 * loader nor the database computes. If `required` is true, only columns count
 * that are NOT NULL and have no default: the table accepts such a record only
 * as an update of a row that exists. */
bool shape_lacks_column(const struct target *t, const struct shape *s,
    bool required);

#endif
