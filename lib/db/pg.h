/* Queries on a connection to PostgreSQL whose rows are read as they arrive, as
 * the server sends them: etl-extract reads so. All other programs use db.h.
 * Borrows: the connection of db_pg_connection().
 * Gives: one row at a time. Its values, and the names of pg_describe(), are
 *        valid until the next call of one of these two functions.
 * Fails: as described in db.h. */
#ifndef DB_PG_H
#define DB_PG_H

#include "base/buf.h"
#include "base/errval.h"
#include "db/value.h"

struct pg;

/* True if a pool such as PgBouncer is between this program and the server. The
 * pool may run each transaction in another session. So a prepared statement, a
 * temporary table, a lock or an option of the session must not be used after
 * the transaction ends. The options are set again in each transaction. */
bool pg_is_pooled(const struct pg *pg);

/* The values of parameters as libpq takes them. Blobs are sent as they are, all
 * other values as text.
 * Owns:  its arrays and texts; the next pg_args_set() overwrites them.
 * Fails: ERR_DATA for a text with a NUL. */
struct pg_args {
	struct buf text;
	const char **v;
	int *len, *format;
	size_t room;
};

void pg_args_init(struct pg_args *a);
int pg_args_set(struct pg_args *a, const struct db_value *v, size_t n,
    struct db_fault *f, struct err *e);
void pg_args_release(struct pg_args *a);

/* `types` holds the OIDs of the types of the n parameters. The server infers a
 * type whose OID is 0; if n is 0, it infers all types. */
int pg_prepare(struct pg *pg, const char *name, const char *sql,
    const unsigned *types, size_t n, struct err *e);
/* Sets *columns to the number of columns of a prepared query.
 * pg_get_column() then describes them. */
int pg_describe(struct pg *pg, const char *name, size_t *columns,
    struct err *e);
struct pg_column {
	const char *name;
	unsigned type;          /* OID */
	int typmod;             /* or -1 */
};
struct pg_column pg_get_column(const struct pg *pg, size_t i);
int pg_send_prepared(struct pg *pg, const char *name, const struct pg_args *a,
    size_t n, struct err *e);
/* Sends a statement that was not prepared. `types` is as for pg_prepare(), or
 * NULL if the server infers all types. */
int pg_send_unprepared(struct pg *pg, const char *sql, const unsigned *types,
    const struct pg_args *a, size_t n, struct err *e);

/* Waits for the next row. Returns 1 for a row, 0 after the last one, and -1 if
 * the query has failed. */
int pg_next_row(struct pg *pg, struct err *e);
/* Returns NULL if the value is NULL. */
const char *pg_get_value(const struct pg *pg, size_t i, size_t *len);
/* Reads what has arrived from the server, without waiting. Returns true if
 * pg_next_row() now need not wait. */
bool pg_answer_is_ready(struct pg *pg);
int pg_socket(const struct pg *pg);
/* Cancels the SQL command that is running on the server. While the connection
 * is still being set up, no command of the caller is running, so the socket is
 * shut down instead. */
void pg_cancel(struct pg *pg);

#endif
