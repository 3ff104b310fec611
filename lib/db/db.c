#include "db/db.h"

#include "base/text.h"
#include "db/driver.h"
#include "db/pg.h"

#include <string.h>

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
	return db->driver->pg_connection == NULL ? NULL :
	    db->driver->pg_connection(db->conn);
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
