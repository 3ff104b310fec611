/* The interface between db.c and a database: each database has one const struct
 * driver.
 * Owns:  open() allocates *conn, prepare() *stmt; close() and drop() free them.
 * Borrows: fault until close(); values until start() returns, or until reset()
 *        if `copies_values` is false.
 * Flow:  start(); next() until it returns 0 (no more rows) or -1; after 0
 *        changed(); in every case reset(). Statements stay valid after
 *        reopen(). */
#ifndef DB_DRIVER_H
#define DB_DRIVER_H

#include "base/buf.h"
#include "base/errval.h"
#include "db/sql.h"
#include "db/value.h"

struct driver {
	enum db_kind kind;
	const char *const *sql;         /* indexed by enum sql_id */
	size_t name_max;                /* maximum bytes of an identifier */
	const char *begin; /* statement that begins a transaction */
	/* Called by db_begin_delayed(). NULL: it calls db_begin() instead. */
	int (*begin_with_next)(void *conn, struct err *e);
	/* Checks the form of an address. NULL if there is nothing to check. */
	int (*check)(const char *where, struct err *e);
	/* If creates_missing_file is false and the file is missing, fails with
	 * ERR_INPUT. */
	int (*open)(void **conn, const char *where, bool creates_missing_file,
	    struct db_fault *fault, struct err *e);
	/* db_close() calls this before it drops the statements and closes the
	 * connection. It tells the driver that drop() need not send anything to
	 * the server. NULL if drop() never sends anything. */
	void (*start_close)(void *conn);
	void (*close)(void *conn);
	int (*reopen)(void *conn, struct err *e);
	int (*set_limits)(
	    void *conn, const struct db_limits *limits, struct err *e);
	void (*name)(void *conn, struct buf *b);        /* for messages */
	int (*script)(void *conn, const char *sql, struct err *e);
	void (*rollback)(void *conn);
	int (*prepare)(void *conn, void **stmt, const char *sql,
	    struct err *e);
	int (*start)(void *stmt, const struct db_value *v, size_t n,
	    bool copies_values, struct err *e);
	int (*next)(void *stmt, struct err *e);
	size_t (*columns)(const void *stmt);
	struct db_value (*column)(const void *stmt, size_t i);
	int64_t (*changed)(const void *stmt);
	void (*reset)(void *stmt);
	void (*drop)(void *stmt);
	/* Called by db_count_orphans(). NULL: it returns 0. */
	int64_t (*missing_references)(void *conn);
	/* Called by db_count_pages(). NULL: it returns 0. */
	int64_t (*count_written_pages)(void *conn);
	/* These five are all set, or all NULL. */
	int (*copy_begin)(void *conn, const char *sql, struct err *e);
	int (*copy_data)(void *conn, const char *p, size_t n, struct err *e);
	int (*copy_end)(void *conn, int64_t *rows, struct err *e);
	int (*copy_end_script)(
	    void *conn, int64_t *numbers, size_t n, struct err *e);
	int (*prepare_for_script)(
	    void *stmt, const char **name, struct err *e);
};

struct db {
	const struct driver *driver;
	void *conn;
	struct db_fault fault;
	struct buf name;
	struct db_rows *cache;          /* prepared statements; the first one is
	                                 * the one that was used last */
	size_t cached;
	bool encoding_is_known;         /* lacks_characters is set */
	bool lacks_characters;
	char *schema_name;              /* db_set_schema(); NULL: none is set */
	char *schema_prefix;            /* the name in SQL quotes, and a dot */
	char **sql;     /* statements with the schema, by enum sql_id; an entry
	                 * is NULL if the statement has no `{schema}.` */
};

/* How long a statement may still wait after a signal has asked the program to
 * stop. A statement that waits when the signal comes is cancelled at once. A
 * statement that starts after the signal, such as a ROLLBACK, gets 1.5
 * seconds. */
struct wait_limit {
	int64_t since;          /* clock_ms() when the wait began */
	bool stopped;           /* the signal came before the wait began */
};
void wait_limit_begin(struct wait_limit *p);
/* Returns true if the wait must end because of a stop signal. */
bool wait_limit_stopped(const struct wait_limit *p);
/* Call this before another try of a request that found the database busy;
 * `tries` is the number of tries before that one, from 0. Sleeps for some
 * milliseconds and returns true. Returns false if there must be no other try: a
 * stop signal ends the wait, or `ms` milliseconds have passed since the first
 * call. */
bool wait_limit_sleep(struct wait_limit *p, int tries, uint64_t ms);

extern const struct driver driver_sqlite, driver_pg;

void fault_clear(struct db_fault *f);
/* Copies a text into a member of struct db_fault, cut off at its size. */
void fault_copy_text(char *to, size_t size, const char *text);
/* Calls err_set() with the text "what: text; detail", joined into one line. */
int fault_set_error(struct err *e, enum err_code code, bool transient,
    const char *what, const char *text, const char *detail);
/* Copies the SQLSTATE into f, and sets the members data and again of f and
 * *transient according to it. Returns the exit code for this SQLSTATE. */
enum err_code fault_set_sqlstate(struct db_fault *f, const char *state,
    bool *transient);
/* Like fault_set_sqlstate(), for a refused connection: finds the SQLSTATE at
 * the end of libpq's text, as in "...: FATAL: 28P01", and sets e->code. */
void fault_parse_sqlstate(struct db_fault *f, const char *text, struct err *e);
/* If COPY has failed, sets line and column from the context that the server has
 * sent, "COPY t, line 3, column a: ...", in any language. */
void fault_parse_context(struct db_fault *f, const char *context);
/* The first function sets the error for a server address that libpq cannot use;
 * the second one checks an option of it. Their messages leave out the texts
 * that libpq quotes, because these may be parts of a password. */
int fault_bad_address(struct err *e, const char *why);
int fault_check_option(struct err *e, const char *name, const char *value);
/* Returns the exit code for libpq's message about a failed connection, or
 * ERR_NONE if a later try may succeed. */
enum err_code fault_libpq_code(const char *text);
/* Sets constraint and column from SQLite's message, for example from "UNIQUE
 * constraint failed: t.a, t.b". */
void fault_parse_message(struct db_fault *f, const char *message);
/* Returns the errno that says why a database file could not be opened. If
 * SQLite reports ENOENT, tries to create the file to find out. */
int fault_open_errno(const char *path, int given_errno);
/* Returns advice for the errno of a database file that could not be created, or
 * "". */
const char *fault_create_advice(int number);
/* If the errno is ENOENT, sets the error ERR_INPUT and returns true. */
bool fault_missing_file(const char *path, int given_errno, struct err *e);

#endif
