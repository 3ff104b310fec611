/* The statements that make the table of --create.
 * Fails: ERR_CONFIG if the database does not allow the names of the columns or
 *        their number. */
#ifndef LOAD_CREATE_SQL_H
#define LOAD_CREATE_SQL_H

#include "create/sample.h"

/* Adds the columns that options need to those of the sample. */
int create_add_columns(struct sample *s, struct err *e);
/* Appends CREATE TABLE and, for --mode scd2, CREATE UNIQUE INDEX. */
int create_put_sql(struct buf *b, struct db *db, const struct sample *s,
    struct err *e);

#endif
