/* Reads the rows of a query from an SQLite file, which is opened read-only.
 * Owns:  struct lite_read; lite_read_close() accepts NULL.
 * Borrows: path, until lite_read_close(). A value is valid until the next row.
 * Gives: lite_read_next() returns 1 for a row, 0 for the end, -1 on failure.
 * Fails: ERR_CONFIG if the SQL text is not one query; *at is then the offset of
 *        the error in the text, or -1. If a stop signal comes or must_stop()
 *        returns true, the query ends with a transient error. */
#ifndef DB_SQLITE_H
#define DB_SQLITE_H

#include "db/db.h"

struct lite_read;

/* Does not trust the file: no value may be longer than `longest` bytes, and its
 * views cannot call functions that have an effect. */
int lite_read_open(struct lite_read **r, const char *path, uint64_t longest,
    bool (*must_stop)(void), struct err *e);
/* True if lite_read_next() has failed because a value is too long. */
bool lite_read_is_too_long(const struct lite_read *r);
void lite_read_close(struct lite_read *r);
/* Prepares a query, in place of an earlier one. */
int lite_read_prepare(
    struct lite_read *r, const char *sql, int *error_offset, struct err *e);
size_t lite_read_columns(const struct lite_read *r);
const char *lite_read_column_name(const struct lite_read *r, size_t i);
/* Returns the declared type of column i of the result if it is a column of a
 * table, or NULL if it is an expression. */
const char *lite_read_type(const struct lite_read *r, size_t i);
/* Returns the name of parameter i, such as ":since", or NULL if it has no name.
 * The parameters are numbered from 1 to lite_read_params(). */
int lite_read_params(const struct lite_read *r);
const char *lite_read_param_name(const struct lite_read *r, int i);
/* Binds a copy of the value to parameter i. */
int lite_read_bind(
    struct lite_read *r, int i, const struct db_value *v, struct err *e);
/* Starts a transaction: all later queries read the same state of the
 * database. */
int lite_read_begin(struct lite_read *r, struct err *e);
int lite_read_next(struct lite_read *r, struct err *e);
struct db_value lite_read_column(const struct lite_read *r, size_t i);

#endif
