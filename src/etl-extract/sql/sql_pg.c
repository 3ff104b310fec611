#include "base/stop.h"
#include "base/wait.h"
#include "sql/sql_pg_prepare.h"
#include "sql/sql_pg_value.h"
#include "stdout_reader.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SQL_MAX = 64 << 20 };

static void
pg_source_close(void *self)
{
	struct pg_source *s = self;

	if (s == NULL)
		return;
	pg_answer_free(s->row);
	pg_args_release(&s->args);
	sql_columns_release(&s->columns);
	sql_text_release(&s->text);
	buf_release(&s->sql);
	buf_release(&s->last);
	buf_release(&s->table);
	db_close(s->db);
	free(s);
}

static const char *
pg_source_name(const void *self)
{
	const struct pg_source *s = self;

	return db_name(s->db);
}

static const struct sql_columns *
pg_source_columns(const void *self)
{
	const struct pg_source *s = self;

	return &s->columns;
}

/* Checks that the server sorts the values of the cursor's column as etl-extract
 * compares them. Otherwise the last row would not have the highest value. */
static int
check_cursor_order(const struct pg_source *s, struct err *e)
{
	const struct sql_query *q = s->query;

	if (q->cursor == NULL)
		return 0;
	if (!q->cursor_is_inside && sql_pg_is_sorted(s->cursor_type))
		return 0;
	return err_set(e, ERR_CONFIG, false, "--table %.200s: the column "
	    "%.200s of --cursor-field is not a number, a time, a text or a "
	    "uuid, so its rows cannot be read in order: write the condition "
	    "yourself with --query", q->table, q->cursor);
}

/* Prepares the query in s->sql. */
static int
pg_prepare_text(struct pg_source *s, struct err *e)
{
	(void)buf_text(&s->sql);
	return buf_check(&s->sql, e) == -1 ? -1 :
	    pg_source_prepare(s, s->sql.data, e);
}

/* Prepares the query of all rows of the table, and checks the column of the
 * cursor. If `lower` is set, the name of the table is in lower case. */
static int
prepare_table(struct pg_source *s, bool lower, struct err *e)
{
	buf_clear(&s->table);
	if (sql_put_quoted_table(&s->table, s->query->table, lower, e) == -1)
		return -1;
	buf_clear(&s->sql);
	buf_printf(&s->sql, "SELECT * FROM %s", s->table.data);
	return pg_prepare_text(s, e) == -1 ? -1 : check_cursor_order(s, e);
}

/* Prepares the query of --table. If there is no table with this name, tries the
 * name in lower case, as the loader does. */
static int
prepare_any_case(struct pg_source *s, struct err *e)
{
	struct err later;

	s->query->has_since = s->query->has_until = true;
	if (prepare_table(s, false, e) == 0)
		return 0;
	if (strcmp(db_fault(s->db)->sqlstate, "42P01") != 0)
		return -1;
	return prepare_table(s, true, &later) == 0 ? 0 : -1;
}

static int
prepare_user_query(struct pg_source *s, struct err *e)
{
	if (pg_source_prepare(s, s->query->text, e) == -1)
		return -1;
	s->query->has_since = s->text.since > 0;
	s->query->has_until = s->text.until > 0;
	return 0;
}

static int
pg_source_open(void **self, const char *url, struct sql_query *q,
    struct err *e)
{
	struct pg_source *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return err_nomem(e);
	s->query = q;
	sql_text_init(&s->text);
	buf_init(&s->table, SQL_MAX);
	buf_init(&s->sql, SQL_MAX);
	buf_init(&s->last, SQL_MAX);
	pg_args_init(&s->args);
	rc = db_open(&s->db, url, e);
	if (rc == 0) {
		s->pg = db_pg_connection(s->db);
		rc = q->table != NULL ? prepare_any_case(s, e) :
		    prepare_user_query(s, e);
	}
	if (rc == -1) {
		pg_source_close(s);
		return -1;
	}
	*self = s;
	return 0;
}

/* Warns if the table has rows without a cursor value. */
static int
pg_warn_nulls(struct pg_source *s, struct err *e)
{
	int64_t found = 0;

	buf_clear(&s->sql);
	sql_put_null_query(&s->sql, s->query, buf_text(&s->table));
	(void)buf_text(&s->sql);
	if (buf_check(&s->sql, e) == -1 ||
	    db_query_int(s->db, s->sql.data, NULL, 0, 0, &found, e) == -1)
		return -1;
	if (found != 0)
		sql_warn_nulls(s->query);
	return 0;
}

/* Prepares the query of the rows between the bounds. */
static int
pg_prepare_bounds(struct pg_source *s, const char *since, const char *until,
    struct err *e)
{
	buf_clear(&s->sql);
	sql_put_table_query(&s->sql, s->query, buf_text(&s->table),
	    sql_pg_is_collated(s->cursor_type) ?
	    " COLLATE pg_catalog.\"C\"" : "", true, since != NULL,
	    until != NULL);
	return pg_prepare_text(s, e);
}

static int
send_query(struct pg_source *s, const char *since, const char *until,
    struct err *e)
{
	struct db_value v[SQL_PARAMS] = { 0 };
	size_t n = pg_source_count_params(s);
	struct db_fault ignored;

	if (s->text.since > 0)
		v[s->text.since - 1] = db_text(since);
	if (s->text.until > 0)
		v[s->text.until - 1] = db_text(until);
	if (pg_args_set(&s->args, v, n, &ignored, e) == -1)
		return -1;
	return pg_source_send_query(s, e);
}

/* Begins the transaction in which all rows are read, and sends the query. The
 * query was prepared before BEGIN, because a PREPARE that fails would abort the
 * transaction. */
static int
begin_query(void *self, const char *since, const char *until, struct err *e)
{
	struct pg_source *s = self;
	bool has_cursor = s->query->cursor != NULL;

	if (s->query->table != NULL && has_cursor &&
	    pg_prepare_bounds(s, since, until, e) == -1)
		return -1;
	if (db_script(s->db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
		e) == -1)
		return -1;
	if (s->query->table != NULL && has_cursor && pg_warn_nulls(s, e) == -1)
		return sql_prefix_place(s->query, -1, e);
	return send_query(s, since, until, e);
}

static bool
pg_source_is_ready(void *self)
{
	struct pg_source *s = self;

	return pg_answer_is_ready(s->pg);
}

/* Waits for the server. If meanwhile the reader of standard output has gone, or
 * a signal asks the program to stop, cancels the query and fails. */
static int
wait_for_answer(struct pg_source *s, struct err *e)
{
	struct pollfd p[] = { { .fd = pg_socket(s->pg), .events = POLLIN },
	    { .fd = STDOUT_FILENO } };

	while (!pg_answer_is_ready(s->pg))
		if (wait_fds(p, 2, -1) == -1 || p[1].revents != 0) {
			pg_cancel(s->pg);
			return fail_interrupted(e);
		}
	return 0;
}

/* True if libpq could not allocate the memory for a row because the memory is
 * limited (source/sql.c). If it is its buffer that cannot grow, libpq only says
 * that it has lost synchronization. */
static bool
has_hit_limit(const struct pg_source *s, const char *message)
{
	static const char row[] = "lost synchronization with server: got "
	    "message type \"D\", length ";
	const char *lost = strstr(message, row);

	if (lost != NULL)
		return strtoull(lost + sizeof(row) - 1, NULL, 10) >
		    s->query->most;
	return strstr(message, "out of memory") != NULL &&
	    sql_query_used_memory(s->query);
}

/* Sets the exit code for a query that fails while its rows are read: 65, or 75
 * if the server says that it may work later, or 77 if it is not allowed. A
 * statement that writes is a wrong option (78): the transaction is read-only.
 * Puts the place in the query before the message. */
static int
set_query_error(const struct pg_source *s, const struct sql_row *row,
    struct err *e)
{
	const char *state = db_fault(s->db)->sqlstate;

	if (stop_signal() != 0)
		return fail_interrupted(e);
	if (*state == '\0' && has_hit_limit(s, e->msg))
		return sql_row_refuse(row, s->query, e);
	if (strcmp(state, "25006") == 0)
		e->code = ERR_CONFIG;
	else if (!e->transient && *state != '\0' && e->code != ERR_DENIED)
		e->code = ERR_DATA;
	return pg_source_prefix(s, e);
}

/* Appends the row as a JSON object. */
static void
put_pg_row(struct pg_source *s, struct sql_row *row)
{
	struct buf *record = &row->text;
	const struct sql_column *c = s->columns.column;
	const char *p;
	size_t len;
	unsigned oid;

	for (size_t i = 0; i < s->columns.n; i++, c++) {
		buf_add(record, c->prefix, c->prefix_len);
		p = pg_column_value(s->row, i, &len, &oid);
		if (p == NULL)
			buf_add(record, "null", 4);
		else if (c->kind == SQL_PG_STRING)
			sql_row_put_string(row, p, len);
		else
			sql_pg_put_value(record, (enum sql_pg_kind)c->kind, p,
			    len);
		sql_row_trim(row);
	}
	buf_char(record, '}');
	sql_row_trim(row);
}

static bool
is_row_too_large(const struct pg_source *s)
{
	uint64_t all = 0;
	size_t len;
	unsigned oid;

	for (size_t i = 0; i < s->columns.n; i++) {
		(void)pg_column_value(s->row, i, &len, &oid);
		all += len;
	}
	return all > s->query->most;
}

static int
pg_source_next(void *self, struct sql_row *row, struct err *e)
{
	struct pg_source *s = self;
	int64_t changed;
	int rc;

	for (;;) {
		pg_answer_free(s->row);
		s->row = NULL;
		if (wait_for_answer(s, e) == -1)
			return -1;
		if ((s->row = pg_next_answer(s->pg)) == NULL)
			return 0;
		rc = pg_answer_status(s->pg, s->row, &changed, e);
		if (rc == 1 && is_row_too_large(s))
			return sql_row_refuse(row, s->query, e);
		if (rc == 1) {
			put_pg_row(s, row);
			return buf_check(&row->text, e) == -1 ? -1 : 1;
		}
		if (rc == -1) {
			s->row = NULL;
			return set_query_error(s, row, e);
		}
	}
}

const struct sql_database sql_database_pg = {
	.open = pg_source_open,
	.start = begin_query,
	.is_ready = pg_source_is_ready,
	.next = pg_source_next,
	.close = pg_source_close,
	.columns = pg_source_columns,
	.name = pg_source_name,
};
