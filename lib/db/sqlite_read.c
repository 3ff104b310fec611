#include "db/sqlite_read.h"

#include "base/stop.h"
#include "db/sqlite_impl.h"

#include <limits.h>
#include <stdlib.h>

enum { STEPS = 10000 };         /* of SQLite's machine between two checks */

struct lite_read {
	struct lite *lite;
	struct db_fault fault;
	sqlite3_stmt *st;
	bool (*must_stop)(void);
	bool is_too_long;
};

static int
is_stop_needed(void *self)
{
	struct lite_read *r = self;

	return stop_signal() != 0 || r->must_stop();
}

static void
set_limits(struct lite_read *r, uint64_t longest)
{
	sqlite3 *db = r->lite->db;

	(void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH,
	    longest < INT_MAX ? (int)longest : INT_MAX);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
}

int
lite_read_open(struct lite_read **out, const char *path, uint64_t longest,
    bool (*must_stop)(void), struct err *e)
{
	struct lite_read *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	r->must_stop = must_stop;
	if (lite_open_file(&r->lite, path,
		SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, &r->fault, e) ==
	    -1) {
		free(r);
		if (e->code == ERR_INPUT)
			(void)err_set(e, ERR_INPUT, false, "sqlite:%s: no such "
			    "file: check the path of the database", path);
		return -1;
	}
	set_limits(r, longest);
	(void)sqlite3_extended_result_codes(r->lite->db, 1);
	(void)sqlite3_busy_handler(r->lite->db, lite_wait_busy, r->lite);
	sqlite3_progress_handler(r->lite->db, STEPS, is_stop_needed, r);
	*out = r;
	return 0;
}

void
lite_read_close(struct lite_read *r)
{
	if (r == NULL)
		return;
	(void)sqlite3_finalize(r->st);
	lite_close(r->lite);
	free(r);
}

/* Returns true if the rest of the text has only blanks and comments. */
static bool
is_blank_sql(struct lite_read *r, const char *tail)
{
	sqlite3_stmt *st = NULL;
	const char *end = NULL;
	int rc = sqlite3_prepare_v3(r->lite->db, tail, -1, 0, &st, &end);
	bool blank = rc == SQLITE_OK && st == NULL && *end == '\0';

	(void)sqlite3_finalize(st);
	return blank;
}

/* Fails unless the text is a single query that only reads. */
static int
check_one_query(struct lite_read *r, const char *tail, struct err *e)
{
	if (r->st == NULL)
		return err_set(e, ERR_CONFIG, false, "the text has no query: "
		    "write a SELECT");
	if (!is_blank_sql(r, tail))
		return err_set(e, ERR_CONFIG, false, "the text has more than "
		    "one statement: give a single query");
	if (sqlite3_column_count(r->st) == 0 ||
	    sqlite3_stmt_readonly(r->st) == 0)
		return err_set(e, ERR_CONFIG, false, "the statement is not a "
		    "query: it must only read, and return rows");
	return 0;
}

int
lite_read_prepare(
    struct lite_read *r, const char *sql, int *error_offset, struct err *e)
{
	const char *tail = NULL;
	int rc;

	(void)sqlite3_finalize(r->st);
	r->st = NULL;
	*error_offset = -1;
	rc = sqlite3_prepare_v3(r->lite->db, sql, -1, 0, &r->st, &tail);
	if (rc == SQLITE_OK)
		return check_one_query(r, tail, e);
	*error_offset = sqlite3_error_offset(r->lite->db);
	return lite_fail(r->lite, rc, e);
}

size_t
lite_read_columns(const struct lite_read *r)
{
	return (size_t)sqlite3_column_count(r->st);
}

const char *
lite_read_column_name(const struct lite_read *r, size_t i)
{
	return sqlite3_column_name(r->st, (int)i);
}

const char *
lite_read_type(const struct lite_read *r, size_t i)
{
	return sqlite3_column_decltype(r->st, (int)i);
}

int
lite_read_params(const struct lite_read *r)
{
	return sqlite3_bind_parameter_count(r->st);
}

const char *
lite_read_param_name(const struct lite_read *r, int i)
{
	return sqlite3_bind_parameter_name(r->st, i);
}

int
lite_read_bind(
    struct lite_read *r, int i, const struct db_value *v, struct err *e)
{
	int rc = lite_bind(r->st, i, v, true);

	return rc == SQLITE_OK ? 0 : lite_fail(r->lite, rc, e);
}

int
lite_read_begin(struct lite_read *r, struct err *e)
{
	int rc = sqlite3_exec(r->lite->db, "BEGIN", NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : lite_fail(r->lite, rc, e);
}

int
lite_read_next(struct lite_read *r, struct err *e)
{
	int rc = sqlite3_step(r->st);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	r->is_too_long = (rc & 0xff) == SQLITE_TOOBIG;
	(void)lite_fail(r->lite, rc, e);
	if ((rc & 0xff) == SQLITE_ERROR || r->fault.data)
		e->code = ERR_DATA;
	return -1;
}

struct db_value
lite_read_column(const struct lite_read *r, size_t i)
{
	return lite_column_value(r->st, (int)i);
}

bool
lite_read_is_too_long(const struct lite_read *r)
{
	return r->is_too_long;
}
