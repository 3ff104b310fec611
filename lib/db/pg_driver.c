#define SQL_POSTGRESQL_TEXTS
#include "db/driver.h"
#include "db/pg.h"
#include "db/pg_connect.h"
#include "db/pg_statement.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_PG = 63 };

static void
link_start_close(void *conn)
{
	struct link *l = conn;

	l->closes = true;
}

static void
link_close(void *conn)
{
	struct link *l = conn;

	if (l == NULL)
		return;
	pg_close(l->pg);
	buf_release(&l->script);
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
	buf_init(&l->script, SIZE_MAX / 4);
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
	l->begins = false;
	return pg_reopen(l->pg, e);
}

static struct pg *
link_pg(void *conn)
{
	struct link *l = conn;

	return l->pg;
}

static void
link_put_name(void *conn, struct buf *b)
{
	struct link *l = conn;

	pg_put_name(l->pg, b);
}

static int
link_set_limits(void *conn, const struct db_limits *limits, struct err *e)
{
	struct link *l = conn;

	return link_store_rows(l, e) == -1 ? -1 :
	    pg_set_limits(l->pg, limits, e);
}

static int
link_copy_begin(void *conn, const char *sql, struct err *e)
{
	struct link *l = conn;

	return link_store_rows(l, e) == -1 ? -1 : link_exec(l, sql, e);
}

static int
link_run_script(void *conn, const char *sql, struct err *e)
{
	struct link *l = conn;
	bool copies = false;

	if (link_store_rows(l, e) == -1)
		return -1;
	if (strcmp(sql, "COMMIT") == 0 && l->begins) {
		l->begins = false;      /* nothing was done */
		return 0;
	}
	if (link_exec_copy(l, sql, &copies, e) == -1)
		return -1;
	if (!copies)
		return 0;
	pg_rollback(l->pg);
	return err_set(e, ERR_CONFIG, false, "COPY ... FROM STDIN cannot be "
	    "used in a script, which has no data for it: use INSERT");
}

/* A pool may begin the transaction in any session, and pg_exec() sets the
 * options of that session together with BEGIN. So with a pool, BEGIN is sent at
 * once. */
static int
link_begin_delayed(void *conn, struct err *e)
{
	struct link *l = conn;

	if (link_store_rows(l, e) == -1)
		return -1;
	if (pg_is_pooled(l->pg))
		return link_exec(l, PG_BEGIN, e);
	l->begins = true;
	return 0;
}

static void
link_rollback(void *conn)
{
	struct link *l = conn;
	struct err ignored;

	(void)link_store_rows(l, &ignored);
	l->begins = false;
	pg_rollback(l->pg);
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

static int
link_copy_end_script(void *conn, int64_t *numbers, size_t n, struct err *e)
{
	struct link *l = conn;

	return pg_copy_end_script(l->pg, numbers, n, e);
}

const struct driver driver_pg = {
	.kind = DB_POSTGRESQL,
	.sql = sql_postgresql,
	.name_max = NAME_MAX_PG,
	.begin = PG_BEGIN,
	.begin_with_next = link_begin_delayed,
	.check = pg_check_url,
	.open = link_open,
	.start_close = link_start_close, .close = link_close,
	.reopen = link_reopen,
	.set_limits = link_set_limits,
	.pg_connection = link_pg,
	.name = link_put_name,
	.script = link_run_script,
	.rollback = link_rollback,
	.prepare = pg_stmt_new,
	.start = pg_stmt_start,
	.next = pg_stmt_next,
	.columns = pg_stmt_columns,
	.column = pg_stmt_column,
	.changed = pg_stmt_changed,
	.reset = pg_stmt_reset,
	.drop = pg_stmt_drop,
	.copy_begin = link_copy_begin,
	.copy_data = link_copy_data,
	.copy_end = link_copy_end,
	.copy_end_script = link_copy_end_script,
	.prepare_for_script = pg_stmt_prepare,
};
