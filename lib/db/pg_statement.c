#include "db/pg_statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pg_stmt {
	struct link *link;
	char *sql, name[32];
	unsigned long opened; /* pg_count_opens() when it was prepared; 0: it is
			       * not prepared */
	struct pg_args args;
	struct pg_answer *row;
	struct pg_answer **later;       /* rows in memory: [at..n) */
	size_t at, n, room;
	struct db_value *values;
	size_t columns, values_room;
	struct buf bytes;
	int64_t changed;
	bool ran;               /* at least once */
	bool alone;             /* with a pool: the statement has begun a
	                         * transaction for itself alone */
};

int
link_exec_copy(struct link *l, const char *sql, bool *copy_in_began,
    struct err *e)
{
	if (!l->begins)
		return pg_exec(l->pg, sql, copy_in_began, e);
	l->begins = false;
	buf_clear(&l->script);
	buf_printf(&l->script, PG_BEGIN "; %s", sql);
	if ((sql = buf_finish(&l->script, e)) == NULL)
		return -1;
	return pg_exec(l->pg, sql, copy_in_began, e);
}

int
link_exec(struct link *l, const char *sql, struct err *e)
{
	bool copies;

	return link_exec_copy(l, sql, &copies, e);
}

/* Sends the BEGIN that link_begin_delayed() has left to be sent, if any. */
static int
link_send_begin(struct link *l, struct err *e)
{
	return l->begins ? link_exec(l, "", e) : 0;
}

/* Called when all answers of a statement have arrived. If stmt_send_pooled()
 * has begun a transaction for this statement alone, ends it. */
static int
stmt_end_own(struct pg_stmt *s, struct err *e)
{
	if (!s->alone)
		return 0;
	s->alone = false;
	if (pg_can_run(s->link->pg))
		return link_exec(s->link, "COMMIT", e);
	pg_rollback(s->link->pg);
	return 0;
}

int
link_store_rows(struct link *l, struct err *e)
{
	struct pg_stmt *s = l->busy;
	struct pg_answer *a, **v;

	l->busy = NULL;
	while (s != NULL && (a = pg_next_answer(l->pg)) != NULL) {
		if (s->n == s->room) {
			s->room = s->room == 0 ? 16 : s->room * 2;
			v = realloc(s->later, s->room * sizeof(void *));
			if (v == NULL) {
				pg_answer_free(a);
				return err_nomem(e);
			}
			s->later = v;
		}
		s->later[s->n++] = a;
	}
	return s == NULL ? 0 : stmt_end_own(s, e);
}

static bool
stmt_is_prepared(const struct pg_stmt *s)
{
	return s->opened == pg_count_opens(s->link->pg);
}

/* Gives the statement a new name, so that it counts as not prepared. */
static void
stmt_rename(struct pg_stmt *s)
{
	s->opened = 0;
	(void)snprintf(s->name, sizeof(s->name), "etl_%lu",
	    ++s->link->serial);
}

int
pg_stmt_new(void *conn, void **stmt, const char *sql, struct err *e)
{
	struct pg_stmt *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->sql = strdup(sql)) == NULL) {
		free(s);
		return err_nomem(e);
	}
	s->link = conn;
	stmt_rename(s);
	pg_args_init(&s->args);
	buf_init(&s->bytes, SIZE_MAX / 4);
	*stmt = s;
	return 0;
}

void
pg_stmt_reset(void *stmt)
{
	struct pg_stmt *s = stmt;
	struct pg_answer *a;
	struct err ignored;

	pg_answer_free(s->row);
	s->row = NULL;
	while (s->at < s->n)
		pg_answer_free(s->later[s->at++]);
	s->at = s->n = 0;
	if (s->link->busy != s)
		return;
	while ((a = pg_next_answer(s->link->pg)) != NULL)
		pg_answer_free(a);
	s->link->busy = NULL;
	(void)stmt_end_own(s, &ignored);
}

void
pg_stmt_drop(void *stmt)
{
	struct pg_stmt *s = stmt;
	char sql[64];
	struct err ignored;

	pg_stmt_reset(s);
	(void)snprintf(sql, sizeof(sql), "DEALLOCATE %s", s->name);
	if (!s->link->closes && stmt_is_prepared(s) &&
	    link_store_rows(s->link, &ignored) == 0 &&
	    pg_can_run(s->link->pg))
		(void)link_exec(s->link, sql, &ignored);
	pg_args_release(&s->args);
	buf_release(&s->bytes);
	free(s->later);
	free(s->values);
	free(s->sql);
	free(s);
}

/* Used with a pool. A statement is not prepared, because the pool may run the
 * next transaction in another session. Outside a transaction begins one for
 * this statement alone, because BEGIN also sets the session's options. */
static int
stmt_send_pooled(struct pg_stmt *s, size_t n, struct err *e)
{
	struct link *l = s->link;

	s->alone = !pg_is_in_transaction(l->pg);
	if ((s->alone && link_exec(l, PG_BEGIN, e) == -1) ||
	    pg_send_unprepared(l->pg, s->sql, NULL, &s->args, n, e) == -1) {
		s->alone = false;
		return -1;
	}
	return 0;
}

/* Prepares the statement unless the session knows it already. */
static int
stmt_prepare(struct pg_stmt *s, struct err *e)
{
	struct link *l = s->link;

	if (stmt_is_prepared(s))
		return 0;
	if (pg_prepare(l->pg, s->name, s->sql, NULL, 0, e) == -1)
		return -1;
	s->opened = pg_count_opens(l->pg);
	return 0;
}

/* Does not prepare a statement that runs for the first time, which saves a
 * round trip: most statements run only once. */
static int
stmt_send(struct pg_stmt *s, size_t n, struct err *e)
{
	struct link *l = s->link;
	bool again = s->ran;

	s->ran = true;
	if (link_send_begin(l, e) == -1)
		return -1;
	if (!again && !stmt_is_prepared(s))
		return pg_send_unprepared(l->pg, s->sql, NULL, &s->args, n, e);
	return stmt_prepare(s, e) == -1 ? -1 :
	    pg_send_prepared(l->pg, s->name, &s->args, n, e);
}

int
pg_stmt_prepare(void *stmt, const char **name, struct err *e)
{
	struct pg_stmt *s = stmt;

	*name = s->name;
	return link_store_rows(s->link, e) == -1 ? -1 : stmt_prepare(s, e);
}

int
pg_stmt_start(void *stmt, const struct db_value *v, size_t n, bool ignored,
    struct err *e)
{
	struct pg_stmt *s = stmt;
	struct link *l = s->link;

	if (link_store_rows(l, e) == -1 ||
	    pg_args_set(&s->args, v, n, l->fault, e) == -1 ||
	    (pg_is_pooled(l->pg) ? stmt_send_pooled : stmt_send)(s, n, e) == -1)
		return -1;
	l->busy = s;
	return 0;
}

static int
convert_row(struct pg_stmt *s, struct err *e)
{
	size_t n = pg_count_columns(s->row), size = 1, len;
	struct db_value *v;
	const char *p;
	unsigned oid;

	if (n > s->values_room) {
		if ((v = realloc(s->values, n * sizeof(*v))) == NULL)
			return err_nomem(e);
		s->values = v;
		s->values_room = n;
	}
	s->columns = n;
	for (size_t i = 0; i < n; i++) {
		(void)pg_column_value(s->row, i, &len, &oid);
		size += len;
	}
	buf_clear(&s->bytes);
	if (!buf_reserve(&s->bytes, size))
		return buf_check(&s->bytes, e);
	for (size_t i = 0; i < n; i++) {
		p = pg_column_value(s->row, i, &len, &oid);
		s->values[i] = p == NULL ? db_text(NULL) :
		    pg_convert_value(oid, p, len, &s->bytes);
	}
	return 1;
}

/* SQLSTATE 0A000 may mean that a table has changed since the statement was
 * prepared. If so, a retry may succeed: the statement will be prepared again
 * under another name. Returns -1. */
static int
note_table_change(struct pg_stmt *s, struct err *e)
{
	if (stmt_is_prepared(s) &&
	    strcmp(s->link->fault->sqlstate, "0A000") == 0) {
		stmt_rename(s);
		s->link->fault->again = e->transient = true;
	}
	return -1;
}

int
pg_stmt_next(void *stmt, struct err *e)
{
	struct pg_stmt *s = stmt;
	struct link *l = s->link;
	int rc;

	do {
		pg_answer_free(s->row);
		s->row = NULL;
		if (s->at < s->n)
			s->row = s->later[s->at++];
		else if (l->busy == s)
			s->row = pg_next_answer(l->pg);
		if (s->row == NULL) {
			if (l->busy != s)
				return 0;
			l->busy = NULL;
			return stmt_end_own(s, e);
		}
		rc = pg_answer_status(l->pg, s->row, &s->changed, e);
	} while (rc == 0);
	if (rc == 1)
		return convert_row(s, e);
	s->row = NULL;
	return note_table_change(s, e);
}

size_t
pg_stmt_columns(const void *stmt)
{
	const struct pg_stmt *s = stmt;

	return s->columns;
}

struct db_value
pg_stmt_column(const void *stmt, size_t i)
{
	const struct pg_stmt *s = stmt;

	return i < s->columns ? s->values[i] : db_text(NULL);
}

int64_t
pg_stmt_changed(const void *stmt)
{
	const struct pg_stmt *s = stmt;

	return s->changed;
}
