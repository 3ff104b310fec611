/* The rows of --emit as JSON objects.
 * Gives: emit_put_query() appends a query of etl_load_images that returns the
 *        operation, the row now and the row before, both as texts.
 *        emit_put_row() appends such a text as one JSON object without line
 *        ends. With generated = false, columns that the database generates are
 *        left out: --mode cdc elsewhere would not take them.
 * Fails: ERR_BUG if the text is not one of that query on this database. */
#ifndef LOAD_EMIT_ROW_H
#define LOAD_EMIT_ROW_H

#include "base/buf.h"
#include "db/table.h"

void emit_put_query(struct buf *b, enum db_kind kind, const struct table *t,
    bool generated);
int emit_put_row(struct buf *b, enum db_kind kind, const struct table *t,
    bool generated, struct db_value text, struct err *e);

#endif
