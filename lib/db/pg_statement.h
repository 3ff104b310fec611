/* Statements with parameters on a connection to PostgreSQL, as struct driver
 * describes them: pg_stmt_start() and so on are its functions.
 * Owns:  pg_stmt_new() allocates, pg_stmt_drop() frees.
 * Borrows: the link until the statement is dropped. */
#ifndef DB_PG_STATEMENT_H
#define DB_PG_STATEMENT_H

#include "db/driver.h"
#include "db/pg.h"

#define PG_BEGIN "BEGIN ISOLATION LEVEL READ COMMITTED"

/* A PostgreSQL connection, which runs one command at a time. If the server is
 * still sending the rows of one statement and the program wants to run another
 * command, the remaining rows are first read into memory. */
struct link {
	struct pg *pg;
	struct db_fault *fault;
	struct pg_stmt *busy;   /* the server is sending its rows */
	unsigned long serial;   /* for names of prepared statements */
	bool begins;            /* BEGIN is to be sent with the next command,
	                         * which saves a round trip */
	bool closes;            /* the connection will be closed next, so the
	                         * server forgets the statements */
	struct buf script;
};

int link_exec(struct link *l, const char *sql, struct err *e);
/* Like pg_exec(). If link_begin_delayed() has left a BEGIN to be sent with the
 * next command, sends it first. */
int link_exec_copy(struct link *l, const char *sql, bool *copy_in_began,
    struct err *e);
/* Reads the rows that the server is still sending into memory, so that the
 * connection can take a command. */
int link_store_rows(struct link *l, struct err *e);

int pg_stmt_new(void *conn, void **stmt, const char *sql, struct err *e);
int pg_stmt_start(void *stmt, const struct db_value *v, size_t n, bool ignored,
    struct err *e);
int pg_stmt_next(void *stmt, struct err *e);
size_t pg_stmt_columns(const void *stmt);
struct db_value pg_stmt_column(const void *stmt, size_t i);
int64_t pg_stmt_changed(const void *stmt);
int pg_stmt_prepare(void *stmt, const char **name, struct err *e);
void pg_stmt_reset(void *stmt);
void pg_stmt_drop(void *stmt);

#endif
