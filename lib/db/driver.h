/* What a database does for db.c: one const struct a database, one file each.
 * Owns:  open() fills *conn, prepare() *stmt; close() and drop() free them.
 * Borrows: fault until close(); values until start() returns, and with keep
 *        false until the statement is reset.
 * Gives: start, then next() 1 a row, 0 the end, -1; changed() after the end;
 *        reset() in every case. Statements outlive reopen().
 * Fails: fills *fault, says transient where it knows. */
#ifndef DB_DRIVER_H
#define DB_DRIVER_H

#include "base/buf.h"
#include "db/db.h"

struct driver {
	enum db_kind kind;
	const char *const *sql;         /* by enum sql_id */
	size_t name_max;                /* bytes of an identifier, 0: any */
	const char *begin;
	int (*check)(const char *where, struct err *e); /* NULL: none */
	/* make: a file that is missing; else that is ERR_INPUT. */
	int (*open)(void **conn, const char *where, bool make,
	    struct db_fault *fault, struct err *e);
	void (*close)(void *conn);
	int (*reopen)(void *conn, struct err *e);
	void (*name)(void *conn, struct buf *b);
	int (*script)(void *conn, const char *sql, struct err *e);
	void (*rollback)(void *conn);
	int (*prepare)(void *conn, void **stmt, const char *sql,
	    struct err *e);
	int (*start)(void *stmt, const struct db_value *v, size_t n,
	    bool keep, struct err *e);
	int (*next)(void *stmt, struct err *e);
	size_t (*columns)(const void *stmt);
	struct db_value (*column)(const void *stmt, size_t i);
	int64_t (*changed)(const void *stmt);
	void (*reset)(void *stmt);
	void (*drop)(void *stmt);
	int64_t (*owed)(void *conn);    /* NULL: none ever */
	/* All three or none of them. */
	int (*copy_begin)(void *conn, const char *sql, struct err *e);
	int (*copy_data)(void *conn, const char *p, size_t n, struct err *e);
	int (*copy_end)(void *conn, int64_t *rows, struct err *e);
};

struct db {
	const struct driver *driver;
	void *conn;
	struct db_fault fault;
	struct buf name;
	struct db_rows *cache;          /* statements, the latest first */
	size_t cached;
	bool asked, narrow;             /* db_narrow() */
};

void rows_free(struct db *db);

/* How long a statement may keep a program that was asked to end: one that
 * waits is given up at once, one that begins after that is given its time. */
struct patience {
	int64_t since;
	bool stopped;
};
void patience_begin(struct patience *p);
bool patience_over(const struct patience *p);
/* A moment before each next try, from 0; false: ten seconds are over, too. */
bool patience_wait(struct patience *p, int tries);

extern const struct driver driver_sqlite, driver_pg;

/* The part of a fault that follows from a message or a state alone. */
void fault_clear(struct db_fault *f);
void fault_text(char *to, size_t size, const char *text);
/* err_set() with "what: text; detail" on one line. */
int fault_say(struct err *e, enum err_code code, bool transient,
    const char *what, const char *text, const char *detail);
/* SQLSTATE: sets f->sqlstate, data and again; gives code and transient. */
enum err_code fault_sqlstate(struct db_fault *f, const char *state,
    bool *transient);
/* The same of a connection refused: "...: FATAL:  28P01", if it ends so. */
void fault_refusal(struct db_fault *f, const char *text, struct err *e);
/* "COPY t, line 3, column a: ..." in any language. */
void fault_copy(struct db_fault *f, const char *context);
/* What is wrong with a server's address, or one option of it, if anything:
 * without the texts that libpq quotes. */
int fault_address(struct err *e, const char *why);
int fault_option(struct err *e, const char *name, const char *value);
/* A failure to connect by libpq's own words; ERR_NONE: try again later. */
enum err_code fault_libpq(const char *text);
/* "UNIQUE constraint failed: t.a, t.b" and the like. */
void fault_sqlite(struct db_fault *f, const char *message);
int fault_open(const char *path, int num);      /* the true errno */
/* That of a file that should have been there; false where it says else. */
bool fault_missing(const char *path, int num, struct err *e);

#endif
