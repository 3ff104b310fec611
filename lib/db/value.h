/* What the programs and the drivers of the databases exchange: values, faults,
 * limits. db.h includes this header. */
#ifndef DB_VALUE_H
#define DB_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum db_type { DB_NULL, DB_INT, DB_REAL, DB_TEXT, DB_BLOB };

struct db_value {
	enum db_type type;
	int64_t i;
	double r;
	const char *p;
	size_t len;
};
#define DB_I(v) ((struct db_value){ .type = DB_INT, .i = (v) })

/* NULL becomes DB_NULL. */
static inline struct db_value
db_text(const char *s)
{
	if (s == NULL)
		return (struct db_value){ .type = DB_NULL };
	return (struct db_value){ .type = DB_TEXT, .p = s, .len = strlen(s) };
}

/* Returns a blob. */
static inline struct db_value
db_bytes(const char *p, size_t n)
{
	return (struct db_value){ .type = DB_BLOB, .p = p, .len = n };
}

/* Why the last call failed; db_rollback() does not change it. */
struct db_fault {
	char sqlstate[6];       /* "" if the server sent none */
	char column[128], constraint[128];
	int64_t line;           /* the number of the COPY row that failed, from
	                         * 1; or 0 */
	int64_t position;       /* PostgreSQL: the number of the character of
	                         * the statement at which the error is, from 1;
	                         * or 0 */
	int64_t kept;           /* SQLite: how many rows of the failed statement
	                         * stay in the table (as with OR FAIL); -1: not
	                         * known */
	bool data;              /* the record is wrong, not the database:
	                         * SQLSTATE classes 22 and 23,
	                         * SQLITE_CONSTRAINT and others */
	bool ended;             /* SQLite: the statement has rolled back the
	                         * transaction, as RAISE(ROLLBACK) does */
	bool busy;              /* a lock was not free in time */
	bool late;              /* the statement ran too long, or was
	                         * cancelled */
	bool again;             /* a later try may succeed: reconnect or roll
	                         * back first */
	bool lost;              /* the connection is lost: call db_reopen(). If
	                         * the statement was COMMIT, it is not known
	                         * whether the transaction was committed */
};

enum db_kind { DB_SQLITE, DB_POSTGRESQL };

/* In milliseconds; see db_set_limits(). */
struct db_limits {
	uint64_t lock, statement;
};

#endif
