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

static int
fail_if_script_would_make_table(struct loader *l, struct err *e)
{
	bool exists;

	if (l->o->ddl == NULL || l->o->create)
		return 0;
	for (size_t i = 0; i < loader_count_tables(l); i++) {
		const char *table = l->tables[i].o.table;

		if (table_check_if_exists(l->db, table, &exists, e) == -1)
			return -1;
		if (!exists)
			return err_set(e, ERR_CONFIG, false, "table %s does "
			    "not exist, and --plan does not run the script of "
			    "--ddl: run it first, or give --create", table);
	}
	return 0;
}

static int
make_tables_until_rollback(struct loader *l, bool parent_too, struct err *e)
{
	buf_clear(&l->plan.ddl);
	return db_begin(l->db, e) == -1 ||
	    (parent_too && create_table_and_check_options(&l->sample, l->db,
		&l->plan.ddl, e) == -1) ||
	    create_children_if_missing(l, &l->plan.ddl, e) == -1 ||
	    loader_open_tables(l, e) == -1 ? -1 :
	    l->absent ? 0 : workers_set_wanted_or_warn(l, e);
}

int
plan_open_database_and_tables(struct loader *l, struct err *e)
{
	enum table_state state = TABLE_EXISTS;
	bool child_missing = false;

	if (db_open_or_empty_if_missing(&l->db, l->o->db, &l->plan.no_file,
	    e) == -1 || time_limits_set_if_given(l, e) == -1 ||
	    fail_if_script_would_make_table(l, e) == -1)
		return -1;
	if (l->o->create && create_fail_if_child_has_no_columns(l, e) == -1)
		return -1;
	if (l->o->create && create_read_sample_if_missing(
		&l->sample, l->db, l->stage, &state, e) == -1)
		return -1;
	if (l->o->create &&
	    create_find_if_child_missing(l, &child_missing, e) == -1)
		return -1;
	if (state == TABLE_MISSING || (state == TABLE_EXISTS && child_missing))
		return make_tables_until_rollback(
		    l, state == TABLE_MISSING, e);
	l->absent = state == TABLE_ABSENT;
	if (loader_open_tables(l, e) == -1 || l->absent)
		return l->absent ? 0 : -1;
	return old_rows_check_before_load(l, e) == -1 ||
	    missing_rows_check_before_load(l, e) == -1 ||
	    expect_check_and_try_queries(l, e) == -1 ||
	    nested_check_before_load(l, e) == -1 ? -1 :
	    workers_set_wanted_or_warn(l, e);
}
