#include "loader.h"

#include "base/hash.h"
#include "create/absent_table.h"
#include "nested/child_columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MOST = 200 };       /* bytes of the name of several tables */

const char *
loader_get_name(const struct loader *l)
{
	return l->tables_name != NULL ? l->tables_name :
	    l->tables[0].target.table->full;
}

bool
loader_has_target(const struct loader *l, const char *target)
{
	if (l->list.n > 0 && strcmp(target, l->o->table_from) == 0)
		return true;
	for (size_t i = 0; i < l->ntables; i++)
		if (strcmp(target, l->tables[i].target.table->full) == 0)
			return true;
	return false;
}

static int
compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Appends one name for all tables: their names, sorted, so that it does not
 * depend on their order in --tables. If this is longer than NAME_MOST, appends
 * a hash of it. */
static int
put_tables_name(struct buf *b, const char **names, size_t n, struct err *e)
{
	char hex[HASH_HEX];
	struct hash *h;

	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%s", i > 0 ? "," : "", names[i]);
	(void)buf_text(b);
	if (buf_check(b, e) == -1)
		return -1;
	if (b->len <= NAME_MOST)
		return 0;
	if ((h = hash_new()) == NULL)
		return err_nomem(e);
	hash_add(h, b->data, b->len);
	hash_finish(h, hex);
	buf_clear(b);
	buf_printf(b, "%zu tables %s", n, hex);
	(void)buf_text(b);
	return buf_check(b, e);
}

/* Fails if two entries of --tables name the same table. The names are
 * sorted. */
static int
check_twice(const struct loader *l, const char **names, struct err *e)
{
	for (size_t i = 1; i < l->ntables; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return err_set(e, ERR_USAGE, false, "--tables: table "
			    "%s is there twice; give its records one name",
			    names[i]);
	return 0;
}

/* A table of --nested can have the rows of one array only, because each record
 * deletes its old rows there: two arrays would delete the rows of each
 * other. */
static int
check_nested_twice(const struct loader *l, struct err *e)
{
	for (size_t i = l->ntables; i < loader_count_tables(l); i++)
		for (size_t k = 0; k < i; k++) {
			const char *name = l->tables[i].target.table->full;

			if (strcmp(l->tables[k].target.table->full, name) == 0)
				return err_set(e, ERR_USAGE, false,
				    "--nested: table %s is there twice: each "
				    "array needs a table of its own", name);
		}
	return 0;
}

int
loader_name_tables(struct loader *l, struct err *e)
{
	const char **names;
	struct buf b;
	int rc;

	if (check_nested_twice(l, e) == -1)
		return -1;
	if (l->list.n == 0)
		return 0;
	if ((names = calloc(l->ntables, sizeof(*names))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < l->ntables; i++)
		names[i] = l->tables[i].target.table->full;
	buf_init(&b, SIZE_MAX / 4);
	rc = put_tables_name(&b, names, l->ntables, e);
	if (rc == 0)
		rc = check_twice(l, names, e);
	if (rc == 0) {
		free(l->tables_name);
		if ((l->tables_name = strdup(b.data)) == NULL)
			rc = err_nomem(e);
	}
	buf_release(&b);
	free(names);
	return rc;
}

int
loader_read_target(const struct loader *l, const struct loaded_table *t,
    struct target *target, struct err *e)
{
	size_t i = (size_t)(t - l->tables);
	int rc = (l->absent ? target_open_absent : target_open)(
	    target, l->db, &t->o, e);

	if (loader_count_tables(l) > 1)
		(void)snprintf(
		    target->suffix, sizeof(target->suffix), "_%zu", i);
	if (rc == -1 || i < l->ntables)
		return rc;
	i = l->nested_list.v[i - l->ntables].parent;
	target->parent = l->tables[i].o.table;
	return l->absent ? 0 : child_set_columns(target, &l->tables[i].target,
	    l->db, e);
}

int
loader_start_chunk(struct loader *l, struct err *e)
{
	const uint16_t *table_of = NULL;

	if (l->list.n > 0) {
		if (route_find_tables(&l->route, &l->spool, e) == -1)
			return -1;
		table_of = l->route.table_of;
	}
	for (size_t i = 0; i < l->ntables; i++)
		outcome_start_chunk(
		    &l->tables[i].outcome, &l->spool, table_of);
	return 0;
}

void
loader_reset_sinks(struct loader *l)
{
	for (size_t i = 0; i < loader_count_tables(l); i++)
		l->sink->reset(l->tables[i].self);
}
