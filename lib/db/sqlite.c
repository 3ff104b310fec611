#define SQL_SQLITE_TEXTS
#include "db/sqlite_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SQLite has no limit for names. This one keeps a quoted name below the limit
 * of columns.c. */
enum { NAME_MAX_SQLITE = 2046 };
enum { PARAMS_MAX = 32766, LARGE = 4 << 20 };

/* In KiB if it is negative. */
#define CACHE_SIZE "PRAGMA cache_size = -6144"

struct lite_stmt {
	struct lite *lite;
	sqlite3_stmt *st;
	int params;
	int *value;             /* value[i]: index of parameter i + 1's value */
	int64_t changed;
};

static int
lite_exec(void *conn, const char *sql, struct err *e)
{
	struct lite *c = conn;
	int rc;

	lite_start_limit(c);
	rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : lite_fail(c, rc, e);
}

void
lite_close(void *conn)
{
	struct lite *c = conn;

	if (c == NULL)
		return;
	(void)sqlite3_close_v2(c->db);
	free(c->path);
	free(c);
}

/* A small page cache saves memory while large values are written, because a
 * large cache keeps copies of the large rows. The next statement that writes
 * only small values sets the usual size again. A query does not (see
 * lite_start()): it may read the large row that was written just before. */
static int
lite_set_cache(struct lite *c, bool small, struct err *e)
{
	if (c->has_small_cache == small)
		return 0;
	c->has_small_cache = small;
	return lite_exec(c, small ? "PRAGMA cache_size = -1024" :
	    CACHE_SIZE, e);
}

/* Ignores two failures to turn on write-ahead logging (WAL): a read-only file
 * needs no WAL, and a locked file is set to WAL by another process. The WAL may
 * grow to 10000 pages (40 MiB; SQLite's default is 1000) before it is copied to
 * the database. The copy writes each page once, even if several commits have
 * changed it. A load of keys in random order changes most pages in each commit,
 * and writes about a third less this way. */
static int
lite_configure(struct lite *c, struct err *e)
{
	int rc;

	(void)sqlite3_extended_result_codes(c->db, 1);
	(void)sqlite3_busy_handler(c->db, lite_wait_busy, c);
	if (lite_exec(c, "PRAGMA foreign_keys = ON;"
	    "PRAGMA synchronous = FULL;"
	    "PRAGMA wal_autocheckpoint = 10000;"
	    CACHE_SIZE, e) == -1)
		return -1;
	rc = sqlite3_exec(c->db, "PRAGMA journal_mode = WAL", NULL, NULL,
	    NULL) & 0xff;
	if (rc == SQLITE_OK || rc == SQLITE_READONLY || rc == SQLITE_BUSY ||
	    rc == SQLITE_LOCKED)
		return 0;
	return lite_fail(c, rc, e);
}

int
lite_open_file(struct lite **out, const char *path, int flags,
    struct db_fault *fault, struct err *e)
{
	/* "./" keeps SQLite from parsing "file:..." as a URI with options. */
	const char *plain = strncmp(path, "file:", 5) == 0 ? "./" : "";
	struct lite *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL || asprintf(&c->path, "%s%s", plain, path) == -1) {
		free(c);
		(void)err_nomem(e);
		return -1;
	}
	c->fault = fault;
	/* Turns off SQLite's statistics of its memory, which take a lock for
	 * each allocation. The call has no effect once SQLite is in use. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	/* See DB_STATEMENT_PAGES. When the copies of the pages exceed this
	 * size, SQLite writes them to a file in one call. SQLite 3.40 takes
	 * only the lower 17 bits of the length of a write (seekAndWriteFd() in
	 * os_unix.c). So with 1 MiB it would write nothing and report a full
	 * disk. */
	(void)sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL,
	    DB_STATEMENT_PAGES);
	rc = sqlite3_open_v2(c->path, &c->db, flags, NULL);
	if (rc == SQLITE_OK) {
		*out = c;
		return 0;
	}
	if ((flags & SQLITE_OPEN_CREATE) != 0 ||
	    !fault_missing_file(c->path, sqlite3_system_errno(c->db), e))
		(void)lite_fail(c, rc, e);
	lite_close(c);
	return -1;
}

static int
lite_open(void **conn, const char *path, bool creates_missing_file,
    struct db_fault *fault, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
	    (creates_missing_file ? SQLITE_OPEN_CREATE : 0);
	struct lite *c = NULL;

	if (lite_open_file(&c, path, flags, fault, e) == -1)
		return -1;
	if (lite_configure(c, e) == -1) {
		lite_close(c);
		return -1;
	}
	*conn = c;
	return 0;
}

static void
lite_rollback(void *conn)
{
	struct lite *c = conn;

	if (sqlite3_get_autocommit(c->db) == 0)
		(void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}

static int
lite_reopen(void *conn, struct err *e)
{
	lite_rollback(conn);
	return 0;
}

static void
lite_put_name(void *conn, struct buf *b)
{
	struct lite *c = conn;

	buf_printf(b, "sqlite:%s", c->path);
}

static void
lite_drop(void *stmt)
{
	struct lite_stmt *s = stmt;

	if (s == NULL)
		return;
	(void)sqlite3_finalize(s->st);
	free(s->value);
	free(s);
}

/* SQLite numbers parameters by their order in the statement, not by the N of
 * $N. Fills s->value so that $N gets value N. */
static int
lite_map_params(struct lite_stmt *s, struct err *e)
{
	const char *name;
	char *end;
	long n;

	s->params = sqlite3_bind_parameter_count(s->st);
	s->value = calloc((size_t)s->params + 1, sizeof(*s->value));
	if (s->value == NULL)
		return err_nomem(e);
	for (int i = 0; i < s->params; i++) {
		name = sqlite3_bind_parameter_name(s->st, i + 1);
		n = name == NULL ? 0 : strtol(name + 1, &end, 10);
		if (n < 1 || n > PARAMS_MAX || *end != '\0')
			return err_bug(e, "parameters must be $1, $2 ...: %s",
			    sqlite3_sql(s->st));
		s->value[i] = (int)n - 1;
	}
	return 0;
}

static int
lite_prepare(void *conn, void **stmt, const char *sql, struct err *e)
{
	struct lite_stmt *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return err_nomem(e);
	s->lite = conn;
	rc = sqlite3_prepare_v3(s->lite->db, sql, -1,
	    SQLITE_PREPARE_PERSISTENT, &s->st, NULL);
	if (rc != SQLITE_OK)
		(void)lite_fail(s->lite, rc, e);
	else if (lite_map_params(s, e) == 0) {
		*stmt = s;
		return 0;
	}
	lite_drop(s);
	return -1;
}

static int
lite_start(void *stmt, const struct db_value *v, size_t n, bool copies_values,
    struct err *e)
{
	struct lite_stmt *s = stmt;
	size_t bytes = 0;
	int rc = SQLITE_OK;

	for (int i = 0; i < s->params && rc == SQLITE_OK; i++) {
		if ((size_t)s->value[i] >= n)
			return err_bug(e, "no value for $%d: %s",
			    s->value[i] + 1, sqlite3_sql(s->st));
		bytes += v[s->value[i]].len;
		rc = lite_bind(s->st, i + 1, &v[s->value[i]], copies_values);
	}
	if (rc != SQLITE_OK)
		return lite_fail(s->lite, rc, e);
	if ((bytes > LARGE || sqlite3_stmt_readonly(s->st) == 0) &&
	    lite_set_cache(s->lite, bytes > LARGE, e) == -1)
		return -1;
	lite_start_limit(s->lite);
	return 0;
}

/* SQLITE_ERROR from a running statement means that an SQL function refused a
 * value, such as malformed JSON; sqlite3_prepare_v3() reports errors in SQL. */
static int
lite_next(void *stmt, struct err *e)
{
	struct lite_stmt *s = stmt;
	sqlite3 *db = s->lite->db;
	bool inside = sqlite3_get_autocommit(db) == 0;
	int rc = sqlite3_step(s->st);

	if (rc == SQLITE_ROW)
		return 1;
	s->changed = 0;
	if (rc == SQLITE_DONE) {
		if (sqlite3_stmt_readonly(s->st) == 0)
			s->changed = sqlite3_changes64(db);
		return 0;
	}
	(void)lite_fail(s->lite, rc, e);
	if (rc == SQLITE_ERROR && sqlite3_stmt_readonly(s->st) == 0) {
		s->lite->fault->data = true;
		return err_set(e, ERR_DATA, false, "%s", sqlite3_errmsg(db));
	}
	if (inside && s->lite->fault->data && sqlite3_get_autocommit(db)) {
		*s->lite->fault = (struct db_fault){ .ended = true };
		e->code = ERR_CONFIG;
		err_prefix(e, "a ROLLBACK clause ended the transaction");
	}
	return -1;
}

static size_t
lite_columns(const void *stmt)
{
	const struct lite_stmt *s = stmt;

	return (size_t)sqlite3_column_count(s->st);
}

static struct db_value
lite_column(const void *stmt, size_t n)
{
	const struct lite_stmt *s = stmt;

	return lite_column_value(s->st, (int)n);
}

static int64_t
lite_changed_rows(const void *stmt)
{
	const struct lite_stmt *s = stmt;

	return s->changed;
}

static void
lite_reset(void *stmt)
{
	struct lite_stmt *s = stmt;

	(void)sqlite3_reset(s->st);
}

/* Returns a number above 0 if a row of this transaction refers to a missing
 * row. */
static int64_t
lite_count_orphans(void *conn)
{
	struct lite *c = conn;
	int now = 0, high;

	(void)sqlite3_db_status(c->db, SQLITE_DBSTATUS_DEFERRED_FKS, &now,
	    &high, 0);
	return now;
}

/* Returns how many pages were written since the last call. */
static int64_t
lite_count_pages(void *conn)
{
	struct lite *c = conn;
	int now = 0, high;

	(void)sqlite3_db_status(
	    c->db, SQLITE_DBSTATUS_CACHE_WRITE, &now, &high, 1);
	return now;
}

const struct driver driver_sqlite = {
	.kind = DB_SQLITE,
	.sql = sql_sqlite,
	.name_max = NAME_MAX_SQLITE,
	.begin = "BEGIN IMMEDIATE",
	.open = lite_open,
	.close = lite_close,
	.reopen = lite_reopen,
	.set_limits = lite_set_limits,
	.name = lite_put_name,
	.script = lite_exec,
	.rollback = lite_rollback,
	.missing_references = lite_count_orphans,
	.count_written_pages = lite_count_pages,
	.prepare = lite_prepare,
	.start = lite_start,
	.next = lite_next,
	.columns = lite_columns,
	.column = lite_column,
	.changed = lite_changed_rows,
	.reset = lite_reset,
	.drop = lite_drop,
};
