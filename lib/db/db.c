#include "db/db.h"

#include "base/buf.h"
#include "base/text.h"
#include "db/driver.h"
#include "db/pg.h"
#include "db/pg_connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN_MAX = 100 };       /* bytes of a long name in a message */

/* Returns true if the part of a URL after "//" has the form USER:PASSWORD@...
 * As in libpq, the first @ ends user and password, unless a slash comes
 * before it. */
static bool
has_password(const char *p)
{
	size_t n = strcspn(p, "/");
	const char *at = memchr(p, '@', n);
	const char *colon = memchr(p, ':', n);

	return at != NULL && colon != NULL && colon + 1 < at;
}

bool
db_url_has_password(const char *url)
{
	const char *p = strstr(url, "://");

	if (strncmp(url, "sqlite:", 7) == 0)
		return false;
	if (p != NULL && has_password(p + 3))
		return true;
	for (p = url; (p = strstr(p, "password")) != NULL; p++)
		if (p[8 + strspn(p + 8, " ")] == '=')
			return true;
	return false;
}

const char *
db_url_warning(const char *url)
{
	if (url == NULL || !db_url_has_password(url))
		return NULL;
	return "--db: other users can read a password on the command line: "
	    "use DATABASE_URL or PGPASSFILE";
}

int
db_reopen(struct db *db, struct err *e)
{
	return db->driver->reopen(db->conn, e);
}

enum db_kind
db_kind(const struct db *db)
{
	return db->driver->kind;
}

struct pg *
db_pg_connection(const struct db *db)
{
	return db->driver->kind == DB_POSTGRESQL ? db->conn : NULL;
}

int
db_set_limits(struct db *db, const struct db_limits *limits, struct err *e)
{
	fault_clear(&db->fault);
	return db->driver->set_limits(db->conn, limits, e);
}

bool
db_is_pooled(const struct db *db)
{
	const struct pg *pg = db_pg_connection(db);

	return pg != NULL && pg_is_pooled(pg);
}

const char *
db_on_commit(const struct db *db)
{
	return db_is_pooled(db) ? "ON COMMIT DROP" : "ON COMMIT DELETE ROWS";
}

const char *
db_on_commit_keep(bool keeps_rows)
{
	return keeps_rows ? "ON COMMIT PRESERVE ROWS" : "ON COMMIT DROP";
}

const char *
db_name(const struct db *db)
{
	return db->name.data;
}

const struct db_fault *
db_fault(const struct db *db)
{
	return &db->fault;
}

int
db_script(struct db *db, const char *sql, struct err *e)
{
	fault_clear(&db->fault);
	return db->driver->script(db->conn, sql, e);
}

int
db_begin(struct db *db, struct err *e)
{
	return db_script(db, db->driver->begin, e);
}

int
db_begin_delayed(struct db *db, struct err *e)
{
	if (db->driver->begin_with_next == NULL)
		return db_begin(db, e);
	fault_clear(&db->fault);
	return db->driver->begin_with_next(db->conn, e);
}

int
db_commit(struct db *db, struct err *e)
{
	return db_script(db, "COMMIT", e);
}

void
db_rollback(struct db *db)
{
	db->driver->rollback(db->conn);
}

int64_t
db_count_orphans(struct db *db)
{
	return db->driver->missing_references == NULL ? 0 :
	    db->driver->missing_references(db->conn);
}

int64_t
db_count_pages(struct db *db)
{
	return db->driver->count_written_pages == NULL ? 0 :
	    db->driver->count_written_pages(db->conn);
}

int
db_lacks_unicode(struct db *db, struct err *e)
{
	static const char sql[] =
	    "SELECT (pg_catalog.getdatabaseencoding() NOT IN "
	    "('UTF8', 'SQL_ASCII'))::int";
	int64_t lacks = 0;

	if (!db->encoding_is_known && db->driver->kind == DB_POSTGRESQL &&
	    db_query_int(db, sql, NULL, 0, 0, &lacks, e) == -1)
		return -1;
	if (!db->encoding_is_known)
		db->lacks_characters = lacks != 0;
	db->encoding_is_known = true;
	return db->lacks_characters;
}

int
db_copy_begin(struct db *db, const char *sql, struct err *e)
{
	fault_clear(&db->fault);
	if (db->driver->copy_begin == NULL)
		return err_bug(e, "SQLite has no COPY");
	return db->driver->copy_begin(db->conn, sql, e);
}

int
db_copy_data(struct db *db, const char *p, size_t n, struct err *e)
{
	return db->driver->copy_data(db->conn, p, n, e);
}

int
db_copy_end(struct db *db, int64_t *rows, struct err *e)
{
	return db->driver->copy_end(db->conn, rows, e);
}

int
db_copy_end_script(struct db *db, int64_t *numbers, size_t n, struct err *e)
{
	return db->driver->copy_end_script(db->conn, numbers, n, e);
}

void
db_append_quoted(struct buf *b, const char *name, size_t len)
{
	buf_char(b, '"');
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '"')
			buf_char(b, '"');
		buf_char(b, name[i]);
	}
	buf_char(b, '"');
}

int
db_quote_name(struct db *db, struct buf *b, const char *name, size_t len,
    struct err *e)
{
	size_t max = db->driver->name_max;

	if (len == 0 || memchr(name, '\0', len) != NULL ||
	    utf8_valid_length(name, len) != len)
		return err_set(e, ERR_CONFIG, false, "the name of a table or "
		    "column must be UTF-8, not empty and without NUL");
	if (len > max)
		return err_set(e, ERR_CONFIG, false,
		    "%.*s%s: the name of a table or column has at most %zu "
		    "bytes", (int)text_cut_length(name, len, SHOWN_MAX), name,
		    len > SHOWN_MAX ? "..." : "", max);
	db_append_quoted(b, name, len);
	return buf_check(b, e);
}

enum { CACHE_MAX = 64 };

/* A prepared statement and the rows of its result. db_query() lends it to a
 * caller. Until this caller calls db_end(), no other caller gets the same
 * statement. */
struct db_rows {
	struct db *db;
	struct db_rows *next; /* in the cache: the last used is first */
	char *sql;
	void *stmt;
	bool is_open;                   /* a caller reads its rows */
	bool is_uncached;               /* freed by db_end() */
	struct db_value *row; /* db_stmt_run(): copy of the first
			       * row */
	size_t columns, room;
	struct buf bytes;
};

struct db_stmt {
	struct db_rows rows;
};

static void
release_statement(struct db_rows *r)
{
	if (r->stmt != NULL)
		r->db->driver->drop(r->stmt);
	free(r->sql);
	free(r->row);
	buf_release(&r->bytes);
}

/* Frees all statements of the cache. */
static void
db_free_cache(struct db *db)
{
	struct db_rows *r;

	while ((r = db->cache) != NULL) {
		db->cache = r->next;
		release_statement(r);
		free(r);
	}
}

static int
init_statement(struct db_rows *r, struct db *db, const char *sql, struct err *e)
{
	*r = (struct db_rows){ .db = db };
	buf_init(&r->bytes, SIZE_MAX / 4);
	if ((r->sql = strdup(sql)) == NULL)
		return err_nomem(e);
	return db->driver->prepare(db->conn, &r->stmt, sql, e);
}

/* If the cache is full, frees the statement that was used longest ago and whose
 * rows are not being read. */
static void
evict_statement(struct db *db)
{
	struct db_rows **p = &db->cache, **oldest = NULL;
	struct db_rows *r;

	if (db->cached < CACHE_MAX)
		return;
	for (; *p != NULL; p = &(*p)->next)
		if (!(*p)->is_open)
			oldest = p;
	if (oldest == NULL)
		return;
	r = *oldest;
	*oldest = r->next;
	db->cached--;
	release_statement(r);
	free(r);
}

/* Finds a prepared statement and moves it to the front of the cache. Sets *busy
 * if its rows are being read. Returns NULL if there is none. */
static struct db_rows *
find_cached(struct db *db, const char *sql, bool *busy)
{
	struct db_rows **p, *r;

	*busy = false;
	for (p = &db->cache; (r = *p) != NULL; p = &r->next) {
		if (strcmp(r->sql, sql) != 0)
			continue;
		*busy = r->is_open;
		*p = r->next;
		r->next = db->cache;
		db->cache = r;
		return r;
	}
	return NULL;
}

/* Returns the prepared statement for an SQL text: from the cache, or prepared
 * and put into the cache. If a caller is still reading the rows of the cached
 * statement, prepares a second statement that is not put into the cache. */
static struct db_rows *
take_statement(struct db *db, const char *sql, struct err *e)
{
	bool busy;
	struct db_rows *r = find_cached(db, sql, &busy);

	fault_clear(&db->fault);
	if (r != NULL && !busy)
		return r;
	if ((r = malloc(sizeof(*r))) == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if (init_statement(r, db, sql, e) == -1) {
		release_statement(r);
		free(r);
		return NULL;
	}
	r->is_uncached = busy;
	if (!busy) {
		evict_statement(db);
		r->next = db->cache;
		db->cache = r;
		db->cached++;
	}
	return r;
}

int
db_run(struct db *db, const char *sql, const struct db_value *v, size_t n,
    int64_t *changed, struct err *e)
{
	struct db_rows *r = take_statement(db, sql, e);
	int rc;

	if (r == NULL)
		return -1;
	if ((rc = db->driver->start(r->stmt, v, n, false, e)) == 0)
		while ((rc = db->driver->next(r->stmt, e)) == 1)
			continue;
	if (rc == 0 && changed != NULL)
		*changed = db->driver->changed(r->stmt);
	db_end(r);
	return rc;
}

int
db_prepare_named(struct db *db, const char *sql, const char **name,
    struct err *e)
{
	struct db_rows *r = take_statement(db, sql, e);

	return r == NULL ? -1 :
	    db->driver->prepare_for_script(r->stmt, name, e);
}

/* Starts a statement. If copies_values is true, the driver copies v, so the
 * caller may free v at once; else v must stay until the statement is reset. */
static int
start_statement(struct db *db, struct db_rows **out, const char *sql,
    const struct db_value *v, size_t n, bool copies_values, struct err *e)
{
	struct db_rows *r = take_statement(db, sql, e);

	if (r == NULL)
		return -1;
	if (db->driver->start(r->stmt, v, n, copies_values, e) == -1) {
		db_end(r);
		return -1;
	}
	r->is_open = true;
	*out = r;
	return 0;
}

int
db_query(struct db *db, struct db_rows **out, const char *sql,
    const struct db_value *v, size_t n, struct err *e)
{
	return start_statement(db, out, sql, v, n, true, e);
}

int
db_next(struct db_rows *r, struct err *e)
{
	return r->db->driver->next(r->stmt, e);
}

struct db_value
db_column(const struct db_rows *r, size_t i)
{
	if (r->row != NULL)
		return i < r->columns ? r->row[i] : db_text(NULL);
	return r->db->driver->column(r->stmt, i);
}

void
db_end(struct db_rows *r)
{
	if (r == NULL)
		return;
	r->db->driver->reset(r->stmt);
	r->is_open = false;
	if (r->is_uncached) {
		release_statement(r);
		free(r);
	}
}

static int
value_to_int(const struct db_value *v, int64_t *out)
{
	char *end;

	if (v->type == DB_INT)
		*out = v->i;
	else if (v->type == DB_TEXT && v->len > 0) {
		*out = strtoll(v->p, &end, 10);
		return *end == '\0' ? 0 : -1;
	} else
		return -1;
	return 0;
}

int
db_query_int(struct db *db, const char *sql, const struct db_value *v, size_t n,
    int64_t none, int64_t *out, struct err *e)
{
	struct db_rows *r;
	struct db_value first;
	int rc;

	if (start_statement(db, &r, sql, v, n, false, e) == -1)
		return -1;
	*out = none;
	if ((rc = db_next(r, e)) == 1) {
		first = db_column(r, 0);
		rc = first.type == DB_NULL ? 0 : value_to_int(&first, out);
		if (rc == -1)
			(void)err_bug(e, "the result is not an integer: %s",
			    sql);
		/* A statement that writes must be stepped to its end: only
		 * then it is committed, or reports a failure. */
		while (rc != -1 && (rc = db_next(r, e)) == 1)
			continue;
	}
	db_end(r);
	return rc;
}

int
db_prepare(struct db *db, struct db_stmt **out, const char *sql,
    struct err *e)
{
	struct db_stmt *s = malloc(sizeof(*s));

	fault_clear(&db->fault);
	if (s == NULL)
		return err_nomem(e);
	if (init_statement(&s->rows, db, sql, e) == -1) {
		db_stmt_free(s);
		return -1;
	}
	*out = s;
	return 0;
}

/* Copies the values of the current row into r. db_stmt_run() runs the statement
 * on to its end before it returns, and then the database no longer holds the
 * values of this row. */
static int
copy_row(struct db_rows *r, struct err *e)
{
	const struct driver *d = r->db->driver;
	size_t n = d->columns(r->stmt), size = 0;
	struct db_value *v;

	if (n > r->room) {
		if ((v = realloc(r->row, n * sizeof(*v))) == NULL)
			return err_nomem(e);
		r->row = v;
		r->room = n;
	}
	r->columns = n;
	for (size_t i = 0; i < n; i++) {
		r->row[i] = d->column(r->stmt, i);
		size += r->row[i].len + 1;
	}
	buf_clear(&r->bytes);
	if (!buf_reserve(&r->bytes, size))
		return buf_check(&r->bytes, e);
	for (size_t i = 0; i < n; i++) {
		v = &r->row[i];
		if (v->type != DB_TEXT && v->type != DB_BLOB)
			continue;
		size = r->bytes.len;
		buf_add(&r->bytes, v->p, v->len);
		buf_char(&r->bytes, '\0');
		v->p = r->bytes.data + size;
	}
	return 0;
}

int
db_stmt_run(struct db_stmt *s, const struct db_value *v, size_t n,
    struct db_rows **first_row, int64_t *changed, struct err *e)
{
	const struct driver *d = s->rows.db->driver;
	void *stmt = s->rows.stmt;
	bool kept = false;
	int rc;

	fault_clear(&s->rows.db->fault);
	if ((rc = d->start(stmt, v, n, false, e)) == 0)
		while ((rc = d->next(stmt, e)) == 1) {
			if (first_row == NULL || kept)
				continue;
			if ((rc = copy_row(&s->rows, e)) == -1)
				break;
			kept = true;
		}
	if (rc == 0 && changed != NULL)
		*changed = d->changed(stmt);
	if (first_row != NULL)
		*first_row = kept ? &s->rows : NULL;
	d->reset(stmt);
	return rc;
}

void
db_stmt_free(struct db_stmt *s)
{
	if (s == NULL)
		return;
	release_statement(&s->rows);
	free(s);
}

/* Statements of sql/ write `{schema}.` before the name of a control table. */
static const char placeholder[] = "{schema}.";
enum { PLACEHOLDER = sizeof(placeholder) - 1 };

const char *
db_schema(const struct db *db)
{
	return db->schema_name;
}

size_t
db_put_schema(const struct db *db, struct buf *b, const char *at)
{
	if (strncmp(at, placeholder, PLACEHOLDER) != 0)
		return 0;
	if (db->schema_prefix != NULL)
		buf_str(b, db->schema_prefix);
	return PLACEHOLDER;
}

/* Returns an allocated copy of a statement in which each `{schema}.` is
 * replaced by the schema and a dot. */
static char *
fill_statement(const struct db *db, const char *sql, struct err *e)
{
	char *copy = NULL;
	const char *at;
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	while ((at = strstr(sql, placeholder)) != NULL) {
		buf_add(&b, sql, (size_t)(at - sql));
		sql = at + db_put_schema(db, &b, at);
	}
	buf_str(&b, sql);
	(void)buf_text(&b);
	if (buf_check(&b, e) == 0 && (copy = strdup(b.data)) == NULL)
		(void)err_nomem(e);
	buf_release(&b);
	return copy;
}

/* Does the same for all statements that have the placeholder. */
static int
fill_statements(struct db *db, struct err *e)
{
	const char *sql;

	if ((db->sql = calloc(SQL_COUNT, sizeof(*db->sql))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < SQL_COUNT; i++) {
		sql = db->driver->sql[i];
		if (sql == NULL || strstr(sql, placeholder) == NULL)
			continue;
		if ((db->sql[i] = fill_statement(db, sql, e)) == NULL)
			return -1;
	}
	return 0;
}

static void
db_forget_schema(struct db *db)
{
	for (size_t i = 0; db->sql != NULL && i < SQL_COUNT; i++)
		free(db->sql[i]);
	free(db->sql);
	free(db->schema_name);
	free(db->schema_prefix);
	db->sql = NULL;
	db->schema_name = db->schema_prefix = NULL;
}

int
db_set_schema(struct db *db, const char *name, struct err *e)
{
	struct buf prefix;
	int rc;

	db_forget_schema(db);
	buf_init(&prefix, SIZE_MAX / 4);
	rc = db_quote_name(db, &prefix, name, strlen(name), e);
	buf_char(&prefix, '.');
	(void)buf_text(&prefix);
	if (rc == 0)
		rc = buf_check(&prefix, e);
	if (rc == 0 && ((db->schema_name = strdup(name)) == NULL ||
	    (db->schema_prefix = strdup(prefix.data)) == NULL))
		rc = err_nomem(e);
	buf_release(&prefix);
	if (rc == 0)
		rc = fill_statements(db, e);
	if (rc == -1)
		db_forget_schema(db);   /* so that a retry sets it again */
	return rc;
}

const char *
db_sql(const struct db *db, enum sql_id id)
{
	if (db->sql != NULL && db->sql[id] != NULL)
		return db->sql[id];
	return db->driver->sql[id];
}

static const char by_default[] = "sqlite:etl.db";
enum { SCHEME = 7 };            /* "sqlite:" */

/* Sets the error for a URL of an unknown kind of database. The URL may hold a
 * password. So if it has a ":", "@" or "=", the message shows only the part
 * before the first of ":@/?=". */
static const struct driver *
refuse_url(const char *url, struct err *e)
{
	if (strncmp(url, "sqlite:", 7) == 0 && url[7] != '\0')
		(void)err_set(e, ERR_CONFIG, false, "%.200s: the URL of an "
		    "SQLite file has no host: write sqlite:PATH", url);
	else
		(void)err_set(e, ERR_CONFIG, false, "%.*s: no such kind of "
		    "database: use postgresql://HOST/NAME or sqlite:PATH",
		    (int)strcspn(url, strpbrk(url, ":@=") == NULL ? "" :
		    ":@/?="), url);
	return NULL;
}

/* Finds the driver for a URL. For SQLite, moves *url to the path after the
 * scheme. */
static const struct driver *
find_driver(const char **url, struct err *e)
{
	if (strncmp(*url, "postgresql://", 13) == 0 ||
	    strncmp(*url, "postgres://", 11) == 0)
		return &driver_pg;
	if (strncmp(*url, "sqlite://", 9) == 0 && (*url)[9] != '/')
		return refuse_url(*url, e);
	if (strncmp(*url, "sqlite:", 7) == 0 && (*url)[7] != '\0') {
		*url += 7;
		return &driver_sqlite;
	}
	if (strstr(*url, "://") == NULL && strchr(*url, '=') != NULL)
		return &driver_pg;
	return refuse_url(*url, e);
}

int
db_url_check(const char *url, struct err *e)
{
	const struct driver *d = find_driver(&url, e);

	if (d == NULL)
		return -1;
	return d->check != NULL ? d->check(url, e) : 0;
}

const char *
db_url_notice(const char *url)
{
	if (url == NULL)
		url = getenv("DATABASE_URL");
	if ((url != NULL && *url != '\0') ||
	    access(by_default + SCHEME, F_OK) == 0)
		return NULL;
	return "DATABASE_URL is not set, using ./etl.db";
}

/* Creates a missing database file with mode 0600; without the umask of 077
 * SQLite would create it with mode 0644. SQLite gives its -wal and -shm files
 * the mode of the database file. */
static int
open_connection(struct db *db, const char *url, bool creates_missing_file,
    struct err *e)
{
	mode_t users = umask(077);
	int rc = db->driver->open(
	    &db->conn, url, creates_missing_file, &db->fault, e);

	(void)umask(users);
	if (rc == -1)
		return -1;
	db->driver->name(db->conn, &db->name);
	return 0;
}

/* A plan does not create the file, but it must fail as a load would: sets the
 * error that SQLite reports if a file cannot be created in this folder. */
static int
check_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".") :
	    strndup(path, (size_t)(slash - path) + 1);
	int rc = 0;

	if (folder == NULL)
		return err_nomem(e);
	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == -1)
		rc = err_set(e, ERR_CREATE, false, "sqlite:%s: unable to open "
		    "database file: %s%s", path, strerror(errno),
		    fault_create_advice(errno));
	free(folder);
	return rc;
}

/* Opens an empty database in memory in place of the missing file `path`, under
 * the name of the file. */
static int
open_empty(struct db *db, const char *path, struct err *e)
{
	*e = (struct err){ 0 };
	if (open_connection(db, ":memory:", true, e) == -1)
		return -1;
	buf_clear(&db->name);
	buf_printf(&db->name, "sqlite:%s", path);
	return 0;
}

enum if_missing { MISSING_IS_CREATED, MISSING_FAILS, MISSING_IS_EMPTY };

/* Opens the URL; if it is NULL, the one of DATABASE_URL, or else the default
 * file. Sets *missing if the SQLite file does not exist. */
static int
open_url(struct db **out, const char *url, enum if_missing if_missing,
    bool *missing, struct err *e)
{
	struct db *db;
	bool named;
	int rc = -1;

	if (url == NULL)
		url = getenv("DATABASE_URL");
	named = url != NULL && *url != '\0';
	if (!named)
		url = by_default;
	if ((db = calloc(1, sizeof(*db))) == NULL)
		return err_nomem(e);
	buf_init(&db->name, 4096);
	if ((db->driver = find_driver(&url, e)) == NULL)
		goto out;
	rc = open_connection(db, url, if_missing == MISSING_IS_CREATED, e);
	*missing = rc == -1 && e->code == ERR_INPUT &&
	    db->driver == &driver_sqlite && if_missing != MISSING_IS_CREATED;
	if (*missing && if_missing == MISSING_IS_EMPTY &&
	    check_folder(url, e) == -1)
		goto out;
	if (*missing && (!named || if_missing == MISSING_IS_EMPTY))
		rc = open_empty(db, url, e);
	if (rc == 0)
		rc = buf_check(&db->name, e);
	if (rc == 0) {
		*out = db;
		db = NULL;
	}
out:
	db_close(db);
	return rc;
}

int
db_open(struct db **out, const char *url, struct err *e)
{
	bool missing;

	return open_url(out, url, MISSING_IS_CREATED, &missing, e);
}

int
db_open_existing(struct db **out, const char *url, struct err *e)
{
	bool missing;

	return open_url(out, url, MISSING_FAILS, &missing, e);
}

int
db_open_plan(struct db **out, const char *url, bool *missing, struct err *e)
{
	return open_url(out, url, MISSING_IS_EMPTY, missing, e);
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	if (db->conn != NULL && db->driver->start_close != NULL)
		db->driver->start_close(db->conn);
	db_free_cache(db);
	if (db->conn != NULL)
		db->driver->close(db->conn);
	db_forget_schema(db);
	buf_release(&db->name);
	free(db);
}

/* Only these parameters of a database URL are printed in messages. All other
 * parameters are left out, because they may hold a secret, as sslpassword
 * does. */
static bool
is_public_name(const char *name, size_t n)
{
	static const char *const names[] = {
		"host", "hostaddr", "port", "dbname", "user", "service"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n && memcmp(names[i], name, n) == 0)
			return true;
	return false;
}

static void
put_public_params(struct buf *b, const char *p)
{
	char mark = '?';

	for (size_t n; *p != '\0'; p += n + (p[n] == '&')) {
		n = strcspn(p, "&");
		if (!is_public_name(p, strcspn(p, "=&")))
			continue;
		buf_char(b, mark);
		text_show(b, p, n);
		mark = '&';
	}
}

/* Prints USER:PASSWORD@HOST:PORT/NAME?OPTIONS without the password and without
 * secret options. As in libpq, user and password end at the first @, unless a
 * slash comes before it. */
static void
put_authority(struct buf *b, const char *p)
{
	const char *at = memchr(p, '@', strcspn(p, "/"));
	size_t n;

	if (at != NULL) {
		text_show(b, p, strcspn(p, ":@?"));
		p = at;
	}
	n = strcspn(p, "?");
	text_show(b, p, n);
	if (p[n] == '?')
		put_public_params(b, p + n + 1);
}

/* Returns the length of the value at p in a connection string such as
 * "host=db1 dbname='my db'". A value that begins with a quote ends with the
 * closing quote, any other value ends before a blank. A backslash escapes the
 * next character. */
static size_t
value_length(const char *p)
{
	bool quoted = *p == '\'';
	size_t n = quoted;

	while (p[n] != '\0' && (quoted ? p[n] != '\'' : p[n] != ' '))
		n += p[n] == '\\' && p[n + 1] != '\0' ? 2 : 1;
	return n + (quoted && p[n] == '\'');
}

/* Prints the public parameters of a connection string such as "host=db1
 * password=secret". */
static void
put_conninfo(struct buf *b, const char *p)
{
	const char *gap = "";

	for (p += strspn(p, " "); *p != '\0'; p += strspn(p, " ")) {
		const char *name = p;
		size_t n = strcspn(p, " ="), len;

		p += n + strspn(p + n, " ");
		if (*p++ != '=')
			return;
		p += strspn(p, " ");
		len = value_length(p);
		if (is_public_name(name, n)) {
			buf_printf(b, "%s%.*s=", gap, (int)n, name);
			text_show(b, p, len);
			gap = " ";
		}
		p += len;
	}
}

void
db_url_put_public(struct buf *b, const char *url)
{
	const char *p = strstr(url, "://");

	if (strncmp(url, "sqlite:", 7) == 0) {
		text_show(b, url, strlen(url));
	} else if (p == NULL) {
		put_conninfo(b, url);
	} else {
		text_show(b, url, (size_t)(p + 3 - url));
		put_authority(b, p + 3);
	}
}

bool
db_put_options(struct buf *b, const char *url, const char *schema)
{
	struct buf shown;
	bool is_public = true;

	buf_init(&shown, SIZE_MAX / 4);
	if (url != NULL) {
		db_url_put_public(&shown, url);
		is_public = strcmp(buf_text(&shown), url) == 0;
	}
	if (url != NULL && is_public) {
		buf_str(b, " --db ");
		put_shell_word(b, url);
	}
	if (schema != NULL) {
		buf_str(b, " --control-schema ");
		put_shell_word(b, schema);
	}
	buf_release(&shown);
	return is_public;
}

void
db_url_put_env(struct buf *b, const char *url)
{
	if (strncmp(url, "sqlite:", 7) != 0)
		pg_name_put_env(b, url);
}
