#define SQL_POSTGRESQL_TEXTS
#include "db/driver.h"
#include "db/pg.h"
#include "db/pg_connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_PG = 63 };

/* A PostgreSQL connection, which runs one command at a time. If the server is
 * still sending the rows of one statement and the program wants to run another
 * command, the remaining rows are first read into memory. */
struct link {
	struct pg *pg;
	struct db_fault *fault;
	struct pg_stmt *busy;   /* the server is sending its rows */
	unsigned long serial;   /* for names of prepared statements */
};

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
};

static void
link_close(void *conn)
{
	struct link *l = conn;

	if (l == NULL)
		return;
	pg_close(l->pg);
	free(l);
}

static int
link_open(void **conn, const char *url, bool ignored, struct db_fault *fault,
    struct err *e)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return err_nomem(e);
	l->fault = fault;
	if (pg_open(&l->pg, url, sql_postgresql[SQL_CATALOG_FIRST], fault,
	    e) == -1) {
		link_close(l);
		return -1;
	}
	*conn = l;
	return 0;
}

static int
link_reopen(void *conn, struct err *e)
{
	struct link *l = conn;

	l->busy = NULL;
	return pg_reopen(l->pg, e);
}

static struct pg *
link_pg_connection(void *conn)
{
	struct link *l = conn;

	return l->pg;
}

static void
link_append_name_for_messages(void *conn, struct buf *b)
{
	struct link *l = conn;

	pg_append_name_for_messages(l->pg, b);
}

/* Reads the rows that the server is still sending into memory, so that the
 * connection can take a command. */
static int
link_read_pending_rows(struct link *l, struct err *e)
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
	return 0;
}

static int
link_copy_begin(void *conn, const char *sql, struct err *e)
{
	struct link *l = conn;
	bool copies;

	if (link_read_pending_rows(l, e) == -1)
		return -1;
	return pg_exec(l->pg, sql, &copies, e);
}

static int
link_run_script(void *conn, const char *sql, struct err *e)
{
	struct link *l = conn;
	bool copies;

	if (link_read_pending_rows(l, e) == -1 ||
	    pg_exec(l->pg, sql, &copies, e) == -1)
		return -1;
	if (!copies)
		return 0;
	pg_rollback(l->pg);
	return err_set(e, ERR_CONFIG, false, "COPY ... FROM STDIN: a script "
	    "has no data for it");
}

static void
link_rollback(void *conn)
{
	struct link *l = conn;
	struct err ignored;

	(void)link_read_pending_rows(l, &ignored);
	pg_rollback(l->pg);
}

static void
stmt_rename_and_forget_prepared(struct pg_stmt *s)
{
	s->opened = 0;
	(void)snprintf(s->name, sizeof(s->name), "etl_%lu",
	    ++s->link->serial);
}

static int
stmt_create_unprepared(void *conn, void **stmt, const char *sql, struct err *e)
{
	struct pg_stmt *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->sql = strdup(sql)) == NULL) {
		free(s);
		return err_nomem(e);
	}
	s->link = conn;
	stmt_rename_and_forget_prepared(s);
	pg_args_init(&s->args);
	buf_init(&s->bytes, SIZE_MAX / 4);
	*stmt = s;
	return 0;
}

static void
stmt_reset(void *stmt)
{
	struct pg_stmt *s = stmt;
	struct pg_answer *a;

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
}

static void
stmt_drop(void *stmt)
{
	struct pg_stmt *s = stmt;
	char sql[64];
	struct err ignored;

	stmt_reset(s);
	(void)snprintf(sql, sizeof(sql), "DEALLOCATE %s", s->name);
	if (s->opened == pg_count_opens(s->link->pg) &&
	    pg_can_run_command(s->link->pg))
		(void)link_run_script(s->link, sql, &ignored);
	pg_args_release(&s->args);
	buf_release(&s->bytes);
	free(s->later);
	free(s->values);
	free(s->sql);
	free(s);
}

static int
stmt_prepare_if_needed_and_send(
    void *stmt, const struct db_value *v, size_t n, bool ignored, struct err *e)
{
	struct pg_stmt *s = stmt;
	struct link *l = s->link;

	if (link_read_pending_rows(l, e) == -1 ||
	    pg_args_set(&s->args, v, n, l->fault, e) == -1)
		return -1;
	if (s->opened != pg_count_opens(l->pg)) {
		if (pg_prepare(l->pg, s->name, s->sql, NULL, 0, e) == -1)
			return -1;
		s->opened = pg_count_opens(l->pg);
	}
	if (pg_send_prepared(l->pg, s->name, &s->args, n, e) == -1)
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
		(void)pg_column(s->row, i, &len, &oid);
		size += len;
	}
	buf_clear(&s->bytes);
	if (!buf_reserve(&s->bytes, size))
		return buf_check(&s->bytes, e);
	for (size_t i = 0; i < n; i++) {
		p = pg_column(s->row, i, &len, &oid);
		s->values[i] = p == NULL ? db_text(NULL) :
		    pg_convert_value(oid, p, len, &s->bytes);
	}
	return 1;
}

/* SQLSTATE 0A000: a table has changed since the statement was prepared. The
 * statement is prepared again under another name, so a retry may succeed. */
static int
mark_transient_if_table_changed(struct pg_stmt *s, struct err *e)
{
	if (strcmp(s->link->fault->sqlstate, "0A000") == 0) {
		stmt_rename_and_forget_prepared(s);
		s->link->fault->again = e->transient = true;
	}
	return -1;
}

static int
stmt_next(void *stmt, struct err *e)
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
			if (l->busy == s)
				l->busy = NULL;
			return 0;
		}
		rc = pg_answer_check_or_free(l->pg, s->row, &s->changed, e);
	} while (rc == 0);
	if (rc == 1)
		return convert_row(s, e);
	s->row = NULL;
	return mark_transient_if_table_changed(s, e);
}

static size_t
stmt_count_columns(const void *stmt)
{
	const struct pg_stmt *s = stmt;

	return s->columns;
}

static struct db_value
stmt_column(const void *stmt, size_t i)
{
	const struct pg_stmt *s = stmt;

	return i < s->columns ? s->values[i] : db_text(NULL);
}

static int64_t
stmt_changed_rows(const void *stmt)
{
	const struct pg_stmt *s = stmt;

	return s->changed;
}

static int
link_copy_data(void *conn, const char *p, size_t n, struct err *e)
{
	struct link *l = conn;

	return pg_copy_data(l->pg, p, n, e);
}

static int
link_copy_end(void *conn, int64_t *rows, struct err *e)
{
	struct link *l = conn;

	return pg_copy_end(l->pg, rows, e);
}

const struct driver driver_pg = {
	.kind = DB_POSTGRESQL,
	.sql = sql_postgresql,
	.name_max = NAME_MAX_PG,
	.begin = "BEGIN ISOLATION LEVEL READ COMMITTED",
	.check = pg_check_url,
	.open = link_open,
	.close = link_close,
	.reopen = link_reopen,
	.pg_connection = link_pg_connection,
	.name = link_append_name_for_messages,
	.script = link_run_script,
	.rollback = link_rollback,
	.prepare = stmt_create_unprepared,
	.start = stmt_prepare_if_needed_and_send,
	.next = stmt_next,
	.columns = stmt_count_columns,
	.column = stmt_column,
	.changed = stmt_changed_rows,
	.reset = stmt_reset,
	.drop = stmt_drop,
	.copy_begin = link_copy_begin,
	.copy_data = link_copy_data,
	.copy_end = link_copy_end,
};
