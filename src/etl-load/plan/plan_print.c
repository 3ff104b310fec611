#include "plan/plan.h"

#include "base/text.h"
#include "loader.h"
#include "pg/pg_plan.h"
#include "plan/plan_columns.h"
#include "sqlite/sqlite_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes the shape of a record that has a value for each column. */
static int
make_full_shape(struct shape *s, const struct target *t, struct err *e)
{
	*s = (struct shape){ .id = 0 };
	s->columns = calloc(t->table->n + 1, sizeof(*s->columns));
	if (s->columns == NULL)
		return err_nomem(e);
	for (size_t c = 0; c < t->table->n; c++)
		if (target_loads(t, c) && !history_sets(t, c))
			s->columns[s->n++] = c;
	return 0;
}

static void
put_database(struct buf *b, const struct loader *l)
{
	buf_printf(b, "database: %s%s\n", db_name(l->db),
	    l->plan.no_file ? " (a new file)" : "");
}

/* Appends the array and the parent from which a table of --nested gets its
 * rows. */
static void
put_array(struct buf *b, const struct loader *l, const struct nested_table *t)
{
	const char *parent = l->tables[t->parent].o.table;

	buf_str(b, " (elements of the array at ");
	text_show(b, t->pointer, strlen(t->pointer));
	buf_str(b, " in records of table ");
	text_show(b, parent, strlen(parent));
	buf_str(b, ")");
}

static void
put_table(struct buf *b, const struct loader *l, size_t i)
{
	const char *table = l->tables[i].o.table;

	buf_str(b, l->list.n > 0 || i > 0 ? "\ntable: " : "table: ");
	text_show(b, table, strlen(table));
	if (i >= l->ntables) {
		put_array(b, l, &l->nested_list.v[i - l->ntables]);
	} else if (l->list.n > 0) {
		buf_str(b, " (records that name ");
		text_show(b, l->list.v[i].name, l->list.v[i].len);
		buf_str(b, ")");
	}
	if (l->absent)
		buf_str(b, " (does not exist, and there is no record to make "
		    "it from)");
	else if (l->plan.ddl.len > 0 && i < l->ntables &&
	    l->sample.records == 1)
		buf_str(b, " (made by --create from the first record)");
	else if (l->plan.ddl.len > 0 && i < l->ntables && l->sample.read)
		buf_printf(b, " (made by --create from the first %llu records)",
		    (unsigned long long)l->sample.records);
	buf_char(b, '\n');
	if (l->o->ddl != NULL)
		buf_printf(b, "script: %s runs before the load, but not for "
		    "this plan\n", l->o->ddl);
}

/* Also appends the key, the connections and when the load commits. */
static void
put_mode(struct buf *b, const struct loader *l, const struct target *t)
{
	buf_printf(b, "mode: %s\n", l->mode->name);
	if (l->workers.wanted > 0)
		buf_printf(b, "connections: %zu\n", l->workers.wanted);
	if (t->nkey > 0)
		buf_str(b, "key: ");
	for (size_t i = 0; i < t->nkey; i++) {
		const char *name = t->table->columns[t->key[i]].name;

		text_show(b, name, strlen(name));
		buf_str(b, i + 1 < t->nkey ? ", " : "\n");
	}
	if (l->once)
		buf_str(b, "commits: once, at the end of the stream\n");
	else
		buf_printf(b, "commits: after %llu records, or %llu ms\n",
		    (unsigned long long)l->full_batch,
		    (unsigned long long)l->o->flush);
}

static int
put_statements(struct buf *b, const struct loader *l,
    const struct target *t, struct err *e)
{
	struct shape s;

	if (make_full_shape(&s, t, e) == -1)
		return -1;
	if (db_kind(l->db) == DB_SQLITE)
		sqlite_put_load(b, t, &s);
	else
		pg_put_load(b, t, &s);
	free(s.columns);
	return 0;
}

static int
put_table_changes(struct buf *b, const struct loader *l, struct err *e)
{
	const struct loaded_table *t = l->tables;

	if (!l->plan.evolves)
		return 0;
	buf_printf(b, "\nstatements of --evolve, as far as the first %llu "
	    "records show:\n", (unsigned long long)l->sample.records);
	if (evolve_has_changes(&t->evolve))
		return evolve_put_statements(
		    b, &t->evolve, l->db, t->target.table, e);
	buf_str(b, "none\n");
	return 0;
}

static int
put_plan(struct buf *b, const struct loader *l, struct err *e)
{
	put_database(b, l);
	for (size_t i = 0; i < loader_count_tables(l); i++) {
		const struct target *t = &l->tables[i].target;

		put_table(b, l, i);
		if (l->absent)
			break;
		if (i < l->ntables)
			put_mode(b, l, t);
		plan_put_columns(b, t, l->o->evolve);
		if (l->plan.ddl.len > 0 && i == 0) {
			buf_str(b, "\nstatements before the load:\n");
			buf_add(b, l->plan.ddl.data, l->plan.ddl.len);
		}
		if (i == 0 && put_table_changes(b, l, e) == -1)
			return -1;
		buf_str(b, "\nstatements for records with a value for each "
		    "column:\n");
		if (put_statements(b, l, t, e) == -1)
			return -1;
	}
	return buf_check(b, e);
}

/* Prints the lines with control characters made visible: a name in a statement
 * may contain some, and a terminal would act on them. */
static int
print_lines(const struct buf *text, struct err *e)
{
	const char *p = text->data, *end = p + text->len, *lf;
	struct buf line;
	int rc = 0;

	buf_init(&line, SIZE_MAX / 4);
	for (; p < end && rc == 0; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			lf = end;
		buf_clear(&line);
		text_show(&line, p, (size_t)(lf - p));
		buf_char(&line, '\n');
		if ((rc = buf_check(&line, e)) == 0)
			(void)fwrite(line.data, 1, line.len, stdout);
	}
	buf_release(&line);
	if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		return err_errno(e, ERR_IO, "standard output");
	return rc;
}

int
plan_print(struct loader *l, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	rc = plan_find_changes(l, e);
	if (rc == 0)
		rc = put_plan(&b, l, e);
	db_rollback(l->db);
	if (rc == 0)
		rc = print_lines(&b, e);
	buf_release(&b);
	return rc;
}
