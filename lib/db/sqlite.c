#define SQL_SQLITE_TEXTS
#include "db/sqlite.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "db/driver.h"
#include "json/write.h"

#include <inttypes.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The connection to an SQLite file, for the files that include SQLite's header.
 * Owns:  lite_open_file() allocates *out, lite_close() frees it.
 * Borrows: fault until lite_close().
 * Gives: lite_wait_busy() is the busy handler; its argument is the struct lite.
 * Fails: lite_fail() sets *e and the fault from a result code and returns -1.
 *        Without SQLITE_OPEN_CREATE a missing file is the error ERR_INPUT. */

struct lite {
	sqlite3 *db;
	char *path;
	struct db_fault *fault;
	struct db_limits limits;
	int64_t until;          /* clock_ms() when the statement is too late */
	struct wait_limit wait_limit;
	bool has_small_cache;
};

static const struct lite_code {
	int rc;
	enum err_code code;
	bool transient, data, again;
} codes[] = {
	{ SQLITE_BUSY, ERR_REFUSED, true, false, true },
	{ SQLITE_LOCKED, ERR_REFUSED, true, false, true },
	{ SQLITE_PROTOCOL, ERR_REFUSED, true, false, true },
	{ SQLITE_INTERRUPT, ERR_REFUSED, true, false, true },
	{ SQLITE_SCHEMA, ERR_REFUSED, true, false, true },
	{ SQLITE_NOMEM, ERR_IO, true, false, false },
	{ SQLITE_CONSTRAINT, ERR_DATA, false, true, false },
	{ SQLITE_MISMATCH, ERR_DATA, false, true, false },
	{ SQLITE_TOOBIG, ERR_DATA, false, true, false },
	{ SQLITE_FULL, ERR_IO, false, false, false },
	{ SQLITE_IOERR, ERR_IO, false, false, false },
	{ SQLITE_NOLFS, ERR_IO, false, false, false },
	{ SQLITE_READONLY, ERR_DENIED, false, false, false },
	{ SQLITE_PERM, ERR_DENIED, false, false, false },
	{ SQLITE_AUTH, ERR_DENIED, false, false, false },
	{ SQLITE_CANTOPEN, ERR_CREATE, false, false, false },
	{ SQLITE_NOTADB, ERR_CONFIG, false, false, false },
	{ SQLITE_CORRUPT, ERR_IO, false, false, false },
	{ SQLITE_ERROR, ERR_CONFIG, false, false, false },
	{ 0, ERR_BUG, false, false, false },
};

/* Returns what a user can do about the error, or "". `number` is an errno or
 * 0. */
static const char *
failure_advice(const struct lite *c, int rc, int number)
{
	if ((rc & 0xff) == SQLITE_READONLY &&
	    sqlite3_extended_errcode(c->db) != SQLITE_READONLY_DBMOVED)
		return ": this user must be allowed to write the file and its "
		    "folder, in WAL mode also to read it";
	return (rc & 0xff) == SQLITE_CANTOPEN ?
	    fault_create_advice(number) : "";
}

/* Returns how many rows a failed statement has left in the table, or -1 if this
 * is not known. With ON CONFLICT FAIL, the rows before the failure stay. SQLite
 * has their number only if one of these constraints has failed. */
static int64_t
count_kept_rows(sqlite3 *db)
{
	switch (sqlite3_extended_errcode(db)) {
	case SQLITE_CONSTRAINT_CHECK:
	case SQLITE_CONSTRAINT_NOTNULL:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
	case SQLITE_CONSTRAINT_UNIQUE:
		return sqlite3_changes64(db);
	default:
		return -1;
	}
}

static int
lite_fail(struct lite *c, int rc, struct err *e)
{
	const struct lite_code *k = codes;
	const char *text = sqlite3_errmsg(c->db);
	int num = sqlite3_system_errno(c->db);

	while (k->rc != 0 && k->rc != (rc & 0xff))
		k++;
	fault_clear(c->fault);
	c->fault->kept = count_kept_rows(c->db);
	c->fault->data = k->data;
	c->fault->again = k->again;
	c->fault->busy = k->rc == SQLITE_BUSY || k->rc == SQLITE_LOCKED;
	c->fault->late = k->rc == SQLITE_INTERRUPT;
	if (k->data) {
		fault_parse_message(c->fault, text);
		return err_set(e, k->code, false, "%s", text);
	}
	if (k->rc == SQLITE_CANTOPEN && num != 0)
		num = fault_open_errno(c->path, num);
	if ((k->rc == SQLITE_IOERR || k->rc == SQLITE_CANTOPEN) && num != 0)
		return err_set(e, k->code, k->transient, "sqlite:%s: %s: %s%s",
		    c->path, text, strerror(num), failure_advice(c, rc, num));
	return err_set(e, k->code, k->transient, "sqlite:%s: %s%s", c->path,
	    text, failure_advice(c, rc, 0));
}

static void
put_tagged_hex(struct buf *b, char tag, const void *p, size_t n)
{
	buf_char(b, '"');
	buf_char(b, tag);
	hex_append(b, p, n);
	buf_char(b, '"');
}

/* Appends the element of a text. If it has a NUL or is not UTF-8, its bytes are
 * written in hex. */
static void
put_text_image(struct buf *b, const char *p, size_t n)
{
	size_t at = b->len;

	if (utf8_valid_length(p, n) < n || memchr(p, '\0', n) != NULL) {
		put_tagged_hex(b, 'h', p, n);
		return;
	}
	json_put_string(b, p, n);
	/* Inserts the tag "t" after the opening quote. */
	buf_char(b, ' ');
	if (b->failed)
		return;
	memmove(b->data + at + 2, b->data + at + 1, b->len - at - 2);
	b->data[at + 1] = 't';
}

static void
put_value_image(struct buf *b, sqlite3_value *v)
{
	size_t n = (size_t)sqlite3_value_bytes(v);

	switch (sqlite3_value_type(v)) {
	case SQLITE_INTEGER:
		buf_printf(b, "\"i%" PRId64 "\"",
		    (int64_t)sqlite3_value_int64(v));
		break;
	case SQLITE_FLOAT:
		buf_printf(b, "\"r%.17g\"", sqlite3_value_double(v));
		break;
	case SQLITE_TEXT:
		put_text_image(b, (const char *)sqlite3_value_text(v), n);
		break;
	case SQLITE_BLOB:
		put_tagged_hex(b, 'x', sqlite3_value_blob(v), n);
		break;
	default:
		buf_str(b, "null");
	}
}

/* The SQL function etl_image(VALUE, ...). */
static void
return_image(sqlite3_context *context, int n, sqlite3_value **v)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	for (int i = 0; i < n; i++) {
		if (i > 0)
			buf_char(&b, ',');
		put_value_image(&b, v[i]);
	}
	if (b.failed)
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_text64(context, b.data, b.len, SQLITE_TRANSIENT,
		    SQLITE_UTF8);
	buf_release(&b);
}

/* p points to the n hex digits of the value. */
static void
return_bytes(sqlite3_context *context, char tag, const char *p, size_t n)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	(void)buf_reserve(&b, 1);
	for (size_t i = 0; i + 1 < n; i += 2)
		buf_char(&b, (char)hex_byte_value(p + i));
	if (b.failed)
		sqlite3_result_error_nomem(context);
	else if (tag == 'x')
		sqlite3_result_blob64(
		    context, b.data, b.len, SQLITE_TRANSIENT);
	else
		sqlite3_result_text64(context, b.data, b.len, SQLITE_TRANSIENT,
		    SQLITE_UTF8);
	buf_release(&b);
}

/* Returns a value from its element of an image, such as "i7" (see
 * db_add_image_sql()): the first byte is the type. */
static void
return_element(sqlite3_context *context, const char *p, size_t n)
{
	switch (*p) {
	case 'i':
		sqlite3_result_int64(context, strtoll(p + 1, NULL, 10));
		break;
	case 'r':
		sqlite3_result_double(context, strtod(p + 1, NULL));
		break;
	case 't':
		sqlite3_result_text64(context, p + 1, n - 1, SQLITE_TRANSIENT,
		    SQLITE_UTF8);
		break;
	case 'x':
	case 'h':
		return_bytes(context, *p, p + 1, n - 1);
		break;
	default:
		sqlite3_result_error(context, "not an image of etl-load", -1);
	}
}

/* Returns the value of the element at token i. */
static void
return_token(sqlite3_context *context, const struct json *j, uint32_t i)
{
	struct buf b;

	if (j->tok[i].type == JSON_NULL) {
		sqlite3_result_null(context);
		return;
	}
	buf_init(&b, SIZE_MAX / 4);
	json_unescape(&b, j, i);
	(void)buf_text(&b);
	if (b.failed)
		sqlite3_result_error_nomem(context);
	else
		return_element(context, b.data, b.len);
	buf_release(&b);
}

/* The SQL function etl_value(IMAGE, I). */
static void
return_value(sqlite3_context *context, int n, sqlite3_value **v)
{
	const char *p = (const char *)sqlite3_value_text(v[0]);
	size_t len = (size_t)sqlite3_value_bytes(v[0]);
	int64_t wanted = sqlite3_value_int64(v[1]);
	struct json_fault f = { 0 };
	struct json j = { 0 };

	(void)n;
	if (p == NULL) {
		sqlite3_result_null(context);
		return;
	}
	if (json_scan(&j, p, len, 2, JSON_LAST, &f) == -1) {
		if (f.nomem)
			sqlite3_result_error_nomem(context);
		else
			sqlite3_result_error(
			    context, "not an image of etl-load", -1);
	} else if (j.tok[0].type != JSON_ARRAY || wanted < 0 ||
	    wanted + 1 >= (int64_t)j.n) {
		sqlite3_result_error(context, "not an image of etl-load", -1);
	} else {
		return_token(context, &j, (uint32_t)wanted + 1);
	}
	json_release(&j);
}

int
db_add_image_sql(struct db *db, struct err *e)
{
	const int flags =
	    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	const struct lite *c = db->conn;

	if (db->driver->kind != DB_SQLITE)
		return 0;
	if (sqlite3_create_function_v2(c->db, "etl_image", -1, flags, NULL,
	    return_image, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_create_function_v2(c->db, "etl_value", 2, flags, NULL,
	    return_value, NULL, NULL, NULL) != SQLITE_OK)
		return err_nomem(e);
	return 0;
}

enum {
	BUSY_MS = 10000,
	STEPS = 10000           /* steps of SQLite's virtual machine between two
	                         * looks at the clock */
};

/* Call this before each statement: starts the time limit of the statement. */
static void
lite_start_limit(struct lite *c)
{
	if (c->limits.statement > 0)
		c->until = clock_ms() + (int64_t)c->limits.statement;
}

static int
lite_wait_busy(void *conn, int tries)
{
	struct lite *c = conn;

	return wait_limit_sleep(&c->wait_limit, tries,
	    c->limits.lock > 0 ? c->limits.lock : BUSY_MS);
}

static int
lite_is_too_late(void *conn)
{
	const struct lite *c = conn;

	return clock_ms() > c->until;
}

/* SQLite cannot limit the time of a statement. But it calls the progress
 * handler after every STEPS steps, and the handler stops a statement that is
 * too late. 0 steps: no handler. */
static int
lite_set_limits(void *conn, const struct db_limits *limits, struct err *e)
{
	struct lite *c = conn;

	c->limits = *limits;
	sqlite3_progress_handler(
	    c->db, limits->statement > 0 ? STEPS : 0, lite_is_too_late, c);
	return 0;
}

/* Binds a value to parameter i. Returns a result code of SQLite. If `copies` is
 * false, the bytes of the value must stay valid until the statement is
 * reset. */
static int
lite_bind(sqlite3_stmt *st, int i, const struct db_value *v, bool copies)
{
	sqlite3_destructor_type how = copies ? SQLITE_TRANSIENT : SQLITE_STATIC;
	const char *p = v->p == NULL ? "" : v->p;

	switch (v->type) {
	case DB_INT:
		return sqlite3_bind_int64(st, i, v->i);
	case DB_REAL:
		return sqlite3_bind_double(st, i, v->r);
	case DB_TEXT:
		return sqlite3_bind_text64(st, i, p, v->len, how,
		    SQLITE_UTF8);
	case DB_BLOB:
		return sqlite3_bind_blob64(st, i, p, v->len, how);
	default:
		return sqlite3_bind_null(st, i);
	}
}

static struct db_value
lite_column_value(sqlite3_stmt *st, int i)
{
	switch (sqlite3_column_type(st, i)) {
	case SQLITE_INTEGER:
		return DB_I(sqlite3_column_int64(st, i));
	case SQLITE_FLOAT:
		return (struct db_value){ .type = DB_REAL,
		    .r = sqlite3_column_double(st, i) };
	case SQLITE_TEXT:
		return (struct db_value){ .type = DB_TEXT,
		    .p = (const char *)sqlite3_column_text(st, i),
		    .len = (size_t)sqlite3_column_bytes(st, i) };
	case SQLITE_BLOB:
		return db_bytes(sqlite3_column_blob(st, i),
		    (size_t)sqlite3_column_bytes(st, i));
	default:
		return db_text(NULL);
	}
}

/* SQLite has no limit for names. This one keeps a quoted name below the limit
 * of table.c. */
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

static void
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

static int
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

enum { TICKS = 10000 };         /* of SQLite's machine between two checks */

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
	sqlite3_progress_handler(r->lite->db, TICKS, is_stop_needed, r);
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
