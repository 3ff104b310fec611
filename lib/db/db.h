/* One interface for SQLite and PostgreSQL.
 * Owns:  the connection, and a cache of prepared statements.
 * Borrows: url, sql and values until the call returns. The values of a row are
 *        valid until the next db_next() or db_end().
 * Gives: parameters are $1, $2 ...; columns of integers and booleans are
 *        DB_INT, floats DB_REAL, bytea and blobs DB_BLOB, others DB_TEXT.
 * Fails: an error is transient if a later try may succeed. db_fault() has
 *        more. */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/errval.h"
#include "db/sql.h"
#include "db/value.h"

struct db;
struct db_rows;

/* Opens the database `url`; if it is NULL, the one that DATABASE_URL names, or
 * else sqlite:etl.db. A PostgreSQL session has the time zone UTC. An SQLite
 * connection checks foreign keys, uses WAL, and waits up to ten seconds for a
 * lock. */
int db_open(struct db **db, const char *url, struct err *e);
/* Like db_open(), but does not create a missing SQLite file: the call then
 * fails with ERR_INPUT. Only if the missing file is the default etl.db, opens
 * an empty database in memory. */
int db_open_existing(struct db **db, const char *url, struct err *e);
/* Like db_open(), for a plan, which must not create a file. If the SQLite file
 * is missing, sets *missing and opens an empty database in memory under the
 * name of the file. Fails with ERR_CREATE if db_open() could not create the
 * file. */
int db_open_plan(struct db **db, const char *url, bool *missing, struct err *e);
void db_close(struct db *db);
struct buf;
int db_url_check(const char *url, struct err *e);       /* opens nothing */
void db_url_put_public(struct buf *b, const char *url); /* without secrets */
/* Appends the options of a command that a user can paste: " --db URL" if url is
 * not NULL, and " --control-schema NAME" if schema is not NULL, quoted for the
 * shell. Some URLs must not be printed, for example one with a password. In
 * that case leaves out --db and returns false: the user must set
 * DATABASE_URL. */
bool db_put_options(struct buf *b, const char *url, const char *schema);
/* If the environment sets the port or the user of this URL, appends a blank and
 * the variable, as in "PGPORT=5433". Leaves out a default value. */
void db_url_put_env(struct buf *b, const char *url);
/* `url` is the value of --db, or NULL. If neither --db nor DATABASE_URL names a
 * database, and the default file etl.db is missing, returns a note that the
 * program is going to create it. Else returns NULL. */
const char *db_url_notice(const char *url);
bool db_url_has_password(const char *url);
/* `url` is the value of --db, or NULL. Returns a warning if it has a password,
 * else NULL. */
const char *db_url_warning(const char *url);
int db_reopen(struct db *db, struct err *e);    /* after a lost connection */
enum db_kind db_kind(const struct db *db);
/* Limits how long a statement waits for a lock and how long it runs, in
 * milliseconds. If a limit is 0, SQLite waits ten seconds for a lock and runs a
 * statement without limit; PostgreSQL uses its settings. On PostgreSQL also
 * sets the options of the session again, because a script may have changed
 * them. */
int db_set_limits(
    struct db *db, const struct db_limits *limits, struct err *e);
/* True if a pool such as PgBouncer may run each transaction in another session
 * of PostgreSQL. A temporary table then must not outlive its transaction. */
bool db_is_pooled(const struct db *db);
/* The ON COMMIT clause for CREATE TEMP TABLE on PostgreSQL. Without a pool, the
 * commit deletes the rows, and the session uses the table again. With a pool,
 * the commit drops the table, because the next transaction may run in another
 * session. */
const char *db_on_commit(const struct db *db);
/* Returns the ON COMMIT clause for a table that keeps its rows until the end of
 * the session (keeps_rows; not possible with a pool), or for a table that the
 * commit drops. */
const char *db_on_commit_keep(bool keeps_rows);
/* Returns the connection to the PostgreSQL server, for the functions of
 * db/pg.h, or NULL for SQLite. */
struct pg;
struct pg *db_pg_connection(const struct db *db);
const char *db_name(const struct db *db);       /* for messages: no secrets */
const struct db_fault *db_fault(const struct db *db);

/* Returns 1 if the database's encoding cannot hold all characters of Unicode,
 * for example PostgreSQL with LATIN1: only ASCII is sure to be stored. Returns
 * 0 if it can, and -1 on failure. */
int db_lacks_unicode(struct db *db, struct err *e);

int db_script(struct db *db, const char *sql, struct err *e);
/* Runs BEGIN IMMEDIATE on SQLite. On PostgreSQL begins a transaction in READ
 * COMMITTED, even if the server has another default. */
int db_begin(struct db *db, struct err *e);
/* Like db_begin(), but on PostgreSQL BEGIN may be sent only with the next
 * statement, which saves a round trip. So the next statement must be run
 * through db.h, not through db/pg.h. */
int db_begin_delayed(struct db *db, struct err *e);
int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);                /* never fails */

/* Adds two functions to the SQL of this SQLite connection; does nothing on
 * PostgreSQL. etl_image(VALUE, ...) returns the values of a row as a text, the
 * image: the elements of a JSON array. Examples are "i7" for an integer, "r0.5"
 * for a real, "tabc" for a text, "xff" for a blob and null for NULL. "hff" is a
 * text that has a NUL or is not UTF-8. etl_value(IMAGE, I) returns value number
 * I of such an array. */
int db_add_image_sql(struct db *db, struct err *e);

/* SQLite: returns a number above 0 if this transaction violates a deferred
 * foreign key (a row refers to a missing row), else 0. PostgreSQL: always 0;
 * SET CONSTRAINTS ALL IMMEDIATE reports such a row. */
int64_t db_count_orphans(struct db *db);

/* SQLite: the number of pages that this connection has written to its files
 * since the last call. PostgreSQL: always 0. */
int64_t db_count_pages(struct db *db);

/* Before a statement of SQLite changes a page, SQLite copies the page, to undo
 * the statement if it fails. It keeps this many bytes of such copies in memory,
 * and writes more of them to a file. */
enum { DB_STATEMENT_PAGES = 127 << 10 };

/* Runs one statement. Sets *changed, unless it is NULL, to the number of rows
 * that were inserted, updated or deleted. */
int db_run(struct db *db, const char *sql, const struct db_value *v, size_t n,
    int64_t *changed, struct err *e);
int db_query(struct db *db, struct db_rows **r, const char *sql,
    const struct db_value *v, size_t n, struct err *e);
int db_next(struct db_rows *r, struct err *e);  /* 1 a row, 0 end, -1 */
struct db_value db_column(const struct db_rows *r, size_t i);
void db_end(struct db_rows *r);
/* Runs a statement and sets *out to the first column of its first row, an
 * integer. If it returns no row, sets *out to `none`. */
int db_query_int(struct db *db, const char *sql, const struct db_value *v,
    size_t n, int64_t none, int64_t *out, struct err *e);

/* A prepared statement for frequent use, such as the loader's INSERT of a row:
 * running it needs no search in the cache. db_stmt_run() runs it to its end. If
 * first_row is not NULL, sets *first_row to a copy of the first row, which
 * db_column() can read until the next run, or to NULL if there is no row. Free
 * the statement before db. */
struct db_stmt;
int db_prepare(struct db *db, struct db_stmt **s, const char *sql,
    struct err *e);
int db_stmt_run(struct db_stmt *s, const struct db_value *v, size_t n,
    struct db_rows **first_row, int64_t *changed, struct err *e);
void db_stmt_free(struct db_stmt *s);

/* PostgreSQL's COPY ... FROM STDIN. On SQLite it fails with ERR_BUG. */
int db_copy_begin(struct db *db, const char *sql, struct err *e);
int db_copy_data(struct db *db, const char *p, size_t n, struct err *e);
int db_copy_end(struct db *db, int64_t *rows, struct err *e);
/* Like db_copy_end(), for a COPY that is a statement of a script. Runs the rest
 * of the script, which must end with a query that returns one row of n numbers,
 * and copies them to `numbers`. */
int db_copy_end_script(struct db *db, int64_t *numbers, size_t n,
    struct err *e);
/* Prepares a query without parameters and sets *name: a script can then run it
 * with EXECUTE *name. The name is valid until another statement is prepared. Do
 * not use this with a pool. */
int db_prepare_named(struct db *db, const char *sql, const char **name,
    struct err *e);

/* Returns a script of sql/ in the dialect of this database. */
const char *db_sql(const struct db *db, enum sql_id id);
/* Sets the schema of the control tables: replaces each `{schema}.` in the
 * PostgreSQL scripts by this name and a dot. Frees the scripts that db_sql()
 * returned before. */
int db_set_schema(struct db *db, const char *name, struct err *e);
const char *db_schema(const struct db *db);     /* NULL if none is set */
/* If the text at `at` begins with `{schema}.`, appends the schema and a dot
 * (nothing if no schema is set), and returns the length of `{schema}.`; else
 * returns 0. */
size_t db_put_schema(const struct db *db, struct buf *b, const char *at);
/* Appends a name in SQL quotes, without the checks of db_quote_name(). */
void db_append_quoted(struct buf *b, const char *name, size_t len);
/* Appends a name in SQL quotes. Fails with ERR_CONFIG if the name is empty, has
 * a NUL, is not UTF-8, or has more than 63 bytes on PostgreSQL. */
int db_quote_name(struct db *db, struct buf *b, const char *name, size_t len,
    struct err *e);

#endif
