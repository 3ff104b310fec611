/* One interface over SQLite and PostgreSQL.
 * Owns:  the connection; statements are prepared once by text and kept.
 * Borrows: url, sql and values until the call returns; rows are the
 *        database's until the next db_next() or db_end().
 * Gives: parameters are $1, $2 ... on both; integers and booleans come as
 *        DB_INT, floats DB_REAL, bytea and blobs DB_BLOB, else DB_TEXT.
 * Fails: transient where it may succeed later; db_fault() tells more. */
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
struct db_value db_text(const char *s);         /* NULL gives DB_NULL */
struct db_value db_bytes(const char *p, size_t n);      /* a blob */

/* Of the last call that could fail: db_rollback() leaves it as it is. */
struct db_fault {
	char sqlstate[6];       /* "" where the server said none */
	char column[128], constraint[128];
	int64_t line;           /* COPY: the row at fault, from 1; or 0 */
	bool data;              /* the record's fault, not the database's:
	                         * classes 22, 23; SQLITE_CONSTRAINT ... */
	bool again;             /* reconnect or roll back, then try again */
	bool lost;              /* no connection any more: db_reopen(); of a
	                         * COMMIT nobody knows whether it was done */
};

enum db_kind { DB_SQLITE, DB_POSTGRESQL };

struct db;
struct db_rows;

/* NULL takes DATABASE_URL, or sqlite:etl.db. No connection of PostgreSQL
 * leaves UTC; SQLite has foreign keys on, WAL, and a busy timeout. */
int db_open(struct db **db, const char *url, struct err *e);
/* Makes no file of SQLite. Where it is missing: ERR_INPUT; the default one is
 * taken for empty. */
int db_open_present(struct db **db, const char *url, struct err *e);
void db_close(struct db *db);
struct buf;
int db_url_check(const char *url, struct err *e);       /* opens nothing */
void db_url_show(struct buf *b, const char *url);       /* without secrets */
/* URL: the value of --db, or NULL. If neither --db nor DATABASE_URL names a
 * database and etl.db does not exist yet: the text that says which file a
 * program is about to create, else NULL. */
const char *db_default_note(const char *url);
/* Of what --db gives (NULL: nothing): what to warn of, or NULL. */
const char *db_url_warning(const char *url);
int db_reopen(struct db *db, struct err *e);    /* after a lost connection */
enum db_kind db_kind(const struct db *db);
const char *db_name(const struct db *db);       /* for messages: no secrets */
const struct db_fault *db_fault(const struct db *db);

/* 1 where texts can hold ASCII for sure, and else only some characters: a
 * database of PostgreSQL in LATIN1, say. -1. */
int db_narrow(struct db *db, struct err *e);

int db_script(struct db *db, const char *sql, struct err *e);
/* SQLite: IMMEDIATE; PostgreSQL: READ COMMITTED, whatever its default is. */
int db_begin(struct db *db, struct err *e);
int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);                /* never fails */

/* References that the transaction has left without what they refer to, for
 * deferred constraints of SQLite. PostgreSQL says 0: SET CONSTRAINTS ALL
 * IMMEDIATE tells. */
int64_t db_owed(struct db *db);

/* One statement; *changed (may be NULL) is the number of rows. */
int db_run(struct db *db, const char *sql, const struct db_value *v, size_t n,
    int64_t *changed, struct err *e);
int db_query(struct db *db, struct db_rows **r, const char *sql,
    const struct db_value *v, size_t n, struct err *e);
int db_next(struct db_rows *r, struct err *e);  /* 1 a row, 0 end, -1 */
struct db_value db_column(const struct db_rows *r, size_t i);
void db_end(struct db_rows *r);
/* The first column of the first row as an int64; 0 rows give none. */
int db_int(struct db *db, const char *sql, const struct db_value *v, size_t n,
    int64_t none, int64_t *out, struct err *e);

/* A statement run very often (the loader's rows): no look-up by text. It
 * runs to its end; *r (r may be NULL) is its first row, for db_column() until
 * the next db_step(), or NULL where there is none. Free it before db. */
struct db_stmt;
int db_prepare(struct db *db, struct db_stmt **s, const char *sql,
    struct err *e);
int db_step(struct db_stmt *s, const struct db_value *v, size_t n,
    struct db_rows **r, int64_t *changed, struct err *e);
void db_stmt_free(struct db_stmt *s);

/* PostgreSQL's COPY ... FROM STDIN; ERR_BUG on SQLite. */
int db_copy_begin(struct db *db, const char *sql, struct err *e);
int db_copy_data(struct db *db, const char *p, size_t n, struct err *e);
int db_copy_end(struct db *db, int64_t *rows, struct err *e);

/* One of the scripts under sql/, in this database's own words. */
const char *db_sql(const struct db *db, enum sql_id id);
/* "name" with quotes as the database wants them, checked (no NUL, UTF-8, on
 * PostgreSQL at most 63 bytes): ERR_CONFIG. */
int db_quote(struct db *db, struct buf *b, const char *name, size_t len,
    struct err *e);

#endif
