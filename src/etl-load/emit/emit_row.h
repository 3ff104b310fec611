/* The rows of --emit as JSON objects.
 * Gives: emit_put_query() appends a query of etl_load_images that returns for
 *        each changed row: the operation, the row now and the row before, both
 *        as texts. emit_put_row() appends such a text as one JSON object on one
 *        line. If `generated` is false, it leaves out columns that the database
 *        generates: a load with --mode cdc would refuse values for them.
 * Fails: ERR_BUG if the text is not from this query on this database. */
#ifndef LOAD_EMIT_ROW_H
#define LOAD_EMIT_ROW_H

#include "base/buf.h"
#include "db/table.h"

/* Fails with ERR_CONFIG if the lines of --emit rows would look like marks. */
int emit_check_column(const struct table *t, bool generated, struct err *e);
void emit_put_query(struct buf *b, enum db_kind kind, const struct table *t,
    bool generated);
int emit_put_row(struct buf *b, enum db_kind kind, const struct table *t,
    bool generated, struct db_value text, struct err *e);

#endif
