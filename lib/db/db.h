/* One interface for SQLite and PostgreSQL.
 * Owns:  the connection; a statement is prepared once and kept in a cache.
 * Borrows: url, sql and values until the call returns. The values of a row are
 *        valid until the next db_next() or db_end().
 * Gives: parameters are $1, $2 ...; columns of integers and booleans are
 *        DB_INT, floats DB_REAL, bytea and blobs DB_BLOB, others DB_TEXT.
 * Fails: transient if a later try may succeed; details are in db_fault(). */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/errval.h"
#include "db/sql.h"

#include <stddef.h>
#include <stdint.h>

enum db_type { DB_NULL, DB_INT, DB_REAL, DB_TEXT, DB_BLOB };

struct db_value {
	enum db_type type;
	int64_t i;
	double r;
	const char *p;
	size_t len;
};
#define DB_I(v) ((struct db_value){ .type = DB_INT, .i = (v) })
struct db_value db_text(const char *s);         /* NULL becomes DB_NULL */
struct db_value db_bytes(const char *p, size_t n);      /* a blob */

/* Why the last call failed; db_rollback() does not change it. */
struct db_fault {
	char sqlstate[6];       /* "" if the server sent none */
	char column[128], constraint[128];
	int64_t line;           /* COPY: row that failed, the first is 1; or
	                         * 0 */
	int64_t position;       /* PostgreSQL: character of the statement at
	                         * which the error is, the first is 1; or 0 */
	int64_t kept;           /* SQLite: rows that the failed statement has
	                         * inserted before it failed, and that stay in
	                         * the table: OR FAIL; -1: not known */
	bool data;              /* the record is wrong, not the database:
	                         * SQLSTATE classes 22 and 23,
	                         * SQLITE_CONSTRAINT and others */
	bool ended;             /* SQLite: the statement has rolled back the
	                         * transaction, as RAISE(ROLLBACK) does */
	bool busy;              /* a lock was not free in time */
	bool late;              /* the statement ran too long, or was
	                         * cancelled */
	bool again;             /* reconnect or roll back, then try again */
	bool lost;              /* the connection is lost: call db_reopen(). If
	                         * the statement was COMMIT, it is not known
	                         * whether the transaction was committed */
};

enum db_kind { DB_SQLITE, DB_POSTGRESQL };

struct db;
struct db_rows;

/* If url is NULL, opens DATABASE_URL or else sqlite:etl.db. A PostgreSQL
 * session has the time zone UTC. SQLite has foreign keys on, uses WAL, and
 * waits up to ten seconds for a lock. */
int db_open(struct db **db, const char *url, struct err *e);
/* Does not create an SQLite file: ERR_INPUT if the file is missing. If the
 * default etl.db is missing, opens an empty database in memory instead. */
int db_open_present(struct db **db, const char *url, struct err *e);
/* For a plan: does not create a file either. If the SQLite file is missing,
 * opens an empty database in memory that has the name of the file, and sets
 * *missing. ERR_CREATE if the file could not be created. */
int db_open_for_plan(
    struct db **db, const char *url, bool *missing, struct err *e);
void db_close(struct db *db);
struct buf;
int db_url_check(const char *url, struct err *e);       /* opens nothing */
void db_url_append_public(struct buf *b, const char *url); /* without secrets */
/* For a command that a user can paste: appends " --db URL" and
 * " --control-schema NAME", quoted for the shell, each if it is not NULL.
 * Returns false and leaves --db out if the URL has parts that must not be
 * printed, such as a password: the user must then set DATABASE_URL. */
bool db_put_options(struct buf *b, const char *url, const char *schema);
/* If environment variables and not the URL name the port or the user, appends
 * those variables with a blank before each, unless they are the defaults. */
void db_url_append_environment(struct buf *b, const char *url);
/* URL: the value of --db, or NULL. If neither --db nor DATABASE_URL names a
 * database and etl.db does not exist yet: the text that says which file a
 * program is about to create, else NULL. */
const char *db_note_if_default_missing(const char *url);
bool db_url_has_password(const char *url);
/* Returns a warning if the value of --db (or NULL) has a password, else
 * NULL. */
const char *db_warning_if_url_has_password(const char *url);
int db_reopen(struct db *db, struct err *e);    /* after a lost connection */
enum db_kind db_kind(const struct db *db);
/* Limits how long a statement waits for a lock, and how long it runs, in
 * milliseconds; 0: as db_open() says. On PostgreSQL also sets the options of
 * the session again, which a script may have changed. */
struct db_limits {
	uint64_t lock, statement;
};
int db_set_limits(
    struct db *db, const struct db_limits *limits, struct err *e);
/* True if a pool such as PgBouncer may give each transaction another session of
 * PostgreSQL. Then a temporary table may not outlive its transaction. */
bool db_is_pooled(const struct db *db);
/* The ON COMMIT clause for CREATE TEMP TABLE on PostgreSQL. Without a pool, the
 * commit deletes the rows, and the session uses the table again. With a pool,
 * the commit drops the table, because the next transaction may run in another
 * session. */
const char *db_on_commit(const struct db *db);
/* The same for a table that keeps its rows until the end of the session, which
 * is not for a pool, or that is gone after the commit. */
const char *db_on_commit_keep_or_drop(bool keeps_rows);
/* The connection to a PostgreSQL server, for db/pg.h; NULL for SQLite. */
struct pg;
struct pg *db_pg_connection(const struct db *db);
const char *db_name(const struct db *db);       /* for messages: no secrets */
const struct db_fault *db_fault(const struct db *db);

/* Returns 1 if the database's encoding cannot hold all characters of Unicode,
 * for example PostgreSQL with LATIN1: only ASCII is sure to be stored. Returns
 * 0 if it can, and -1 on failure. */
int db_encoding_lacks_characters(struct db *db, struct err *e);

int db_script(struct db *db, const char *sql, struct err *e);
/* SQLite: BEGIN IMMEDIATE. PostgreSQL: READ COMMITTED, also if the server has
 * another default. */
int db_begin(struct db *db, struct err *e);
/* The same, but PostgreSQL may begin the transaction together with the next
 * statement, which must come through this interface, not through db/pg.h. */
int db_begin_with_next(struct db *db, struct err *e);
int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);                /* never fails */

/* SQLite: lets the statements of this connection use two functions for images,
 * texts that hold the values of a row. etl_image(VALUE, ...) returns the
 * elements of a JSON array: "i7","r0.5","tabc","xff",null for an integer, a
 * real, a text, bytes and NULL; "hff" is a text that is not UTF-8 or has a
 * NUL. etl_value(IMAGE, I) returns value number I of such an array. PostgreSQL:
 * does nothing. */
int db_add_image_functions(struct db *db, struct err *e);

/* SQLite: returns a number above 0 if this transaction violates a deferred
 * foreign key (a row refers to a missing row), else 0. PostgreSQL: always 0;
 * SET CONSTRAINTS ALL IMMEDIATE reports such a row. */
int64_t db_missing_references(struct db *db);

/* SQLite: the number of pages that this connection has written to its files
 * since the last call. PostgreSQL: always 0. */
int64_t db_count_written_pages(struct db *db);

/* SQLite: of the pages that a statement changes, so many bytes are kept in
 * memory until the statement has succeeded, and more in a file. */
enum { DB_STATEMENT_PAGES = 127 << 10 };

/* Runs one statement; *changed (may be NULL) is the number of rows. */
int db_run(struct db *db, const char *sql, const struct db_value *v, size_t n,
    int64_t *changed, struct err *e);
int db_query(struct db *db, struct db_rows **r, const char *sql,
    const struct db_value *v, size_t n, struct err *e);
int db_next(struct db_rows *r, struct err *e);  /* 1 a row, 0 end, -1 */
struct db_value db_column(const struct db_rows *r, size_t i);
void db_end(struct db_rows *r);
/* Reads the first column of the first row as an integer; if there is no row,
 * *out is `none`. */
int db_int(struct db *db, const char *sql, const struct db_value *v, size_t n,
    int64_t none, int64_t *out, struct err *e);

/* A statement that runs very often (the loader's rows), without a search in
 * the cache. db_stmt_run_for_first_row() runs it to its end. *first_row
 * (may be NULL) is a copy, valid for db_column() until the next
 * db_stmt_run_for_first_row(), or NULL if there is no row. Free the
 * statement before db. */
struct db_stmt;
int db_prepare(struct db *db, struct db_stmt **s, const char *sql,
    struct err *e);
int db_stmt_run_for_first_row(struct db_stmt *s, const struct db_value *v,
    size_t n, struct db_rows **first_row, int64_t *changed, struct err *e);
void db_stmt_free(struct db_stmt *s);

/* PostgreSQL's COPY ... FROM STDIN; ERR_BUG on SQLite. */
int db_copy_begin(struct db *db, const char *sql, struct err *e);
int db_copy_data(struct db *db, const char *p, size_t n, struct err *e);
int db_copy_end(struct db *db, int64_t *rows, struct err *e);
/* The COPY was a statement of a script with a query after it: runs the rest of
 * the script and sets the n numbers to the only row of the last query. */
int db_copy_end_script(
    struct db *db, int64_t *numbers, size_t n, struct err *e);
/* Prepares a query without parameters. *name: a script can run it by EXECUTE of
 * this name, until the next call that prepares a statement. Not for a pool. */
int db_prepare_for_script(
    struct db *db, const char *sql, const char **name, struct err *e);

/* Returns a script of sql/ in the dialect of this database. */
const char *db_sql(const struct db *db, enum sql_id id);
/* Names the schema of the control tables: each `{schema}.` in the scripts of
 * PostgreSQL becomes this name. Statements that db_sql() returned before are
 * freed. */
int db_set_schema(struct db *db, const char *name, struct err *e);
const char *db_schema(const struct db *db);     /* NULL if none is set */
/* If `{schema}.` is at `at`, appends the schema and a dot, or nothing if
 * none is set, and returns the length of this placeholder; else returns 0. */
size_t db_append_schema_if_at_placeholder(
    const struct db *db, struct buf *b, const char *at);
/* Appends a name in SQL quotes as it is. */
void db_append_quoted(struct buf *b, const char *name, size_t len);
/* Appends an identifier in SQL quotes. ERR_CONFIG if it is empty, has a NUL, is
 * not UTF-8, or has more than 63 bytes on PostgreSQL. */
int db_quote_name(struct db *db, struct buf *b, const char *name, size_t len,
    struct err *e);

#endif
