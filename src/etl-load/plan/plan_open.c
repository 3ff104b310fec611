#include "plan/plan.h"

#include "commit/expect_check.h"
#include "commit/missing_rows.h"
#include "commit/old_rows.h"
#include "create/create_table.h"
#include "loader.h"
#include "nested/create_children.h"
#include "nested/nested.h"
#include "open/time_limits.h"

void
plan_init(struct plan *p)
{
	*p = (struct plan){ .no_file = false };
	buf_init(&p->ddl, SIZE_MAX / 4);
}

void
plan_release(struct plan *p)
{
	buf_release(&p->ddl);
}

/* Fails if a table does not exist that the script of --ddl may make, because
 * --plan does not run it. */
static int
check_tables_exist(struct loader *l, struct err *e)
{
	bool exists;

	if (l->o->ddl == NULL || l->o->create)
		return 0;
	for (size_t i = 0; i < loader_count_tables(l); i++) {
		const char *table = l->tables[i].o.table;

		if (table_check_exists(l->db, table, &exists, e) == -1)
			return -1;
		if (!exists)
			return err_set(e, ERR_CONFIG, false, "table %s does "
			    "not exist, and --plan does not run the script of "
			    "--ddl: run it first, or give --create", table);
	}
	return 0;
}

/* Makes the missing tables in a transaction that the caller rolls back. */
static int
make_tables(struct loader *l, bool parent_too, struct err *e)
{
	buf_clear(&l->plan.ddl);
	return db_begin(l->db, e) == -1 ||
	    (parent_too && create_table(&l->sample, l->db, &l->plan.ddl,
	    e) == -1) ||
	    create_children(l, &l->plan.ddl, e) == -1 ||
	    loader_open_tables(l, e) == -1 ? -1 :
	    l->absent ? 0 : workers_set_wanted(l, e);
}

int
plan_open(struct loader *l, struct err *e)
{
	enum table_state state = TABLE_EXISTS;
	bool child_missing = false;

	if (db_open_plan(&l->db, l->o->db, &l->plan.no_file,
	    e) == -1 || time_limits_init(l, e) == -1 ||
	    check_tables_exist(l, e) == -1)
		return -1;
	if (l->o->create && create_check_children(l, e) == -1)
		return -1;
	if (l->o->create && create_read_sample(&l->sample, l->db, l->stage,
	    &state, e) == -1)
		return -1;
	if (l->o->create && create_find_missing(l, &child_missing, e) == -1)
		return -1;
	if (state == TABLE_MISSING || (state == TABLE_EXISTS && child_missing))
		return make_tables(l, state == TABLE_MISSING, e);
	l->absent = state == TABLE_ABSENT;
	if (loader_open_tables(l, e) == -1 || l->absent)
		return l->absent ? 0 : -1;
	return old_rows_check(l, e) == -1 ||
	    missing_rows_check(l, e) == -1 ||
	    expect_check(l, e) == -1 ||
	    nested_check(l, e) == -1 ? -1 : workers_set_wanted(l, e);
}
