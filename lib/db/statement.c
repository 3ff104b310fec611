#include "db/driver.h"

#include <stdlib.h>
#include <string.h>

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

void
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
