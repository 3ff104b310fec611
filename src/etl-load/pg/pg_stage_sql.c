#include "pg/pg_stage_sql.h"

#include "table/columns_sql.h"

const char pg_operation_letters[3] = {
	[OPERATION_INSERT] = 'I',
	[OPERATION_UPDATE] = 'U',
	[OPERATION_DELETE] = 'D',
};

void
pg_put_old_column(struct buf *b, size_t i)
{
	char name[CHANGE_NAME];

	change_old_name(name, i);
	buf_printf(b, "\"%s\"", name);
}

static void
put_change_columns(struct buf *b, const struct target *t)
{
	buf_str(b, ", ''::text AS \"etl.o\"");
	for (size_t i = 0; i < t->nkey; i++) {
		buf_printf(b, ", %s AS ", t->table->columns[t->key[i]].quoted);
		pg_put_old_column(b, i);
	}
}

static void
put_change_names(struct buf *b, const struct target *t)
{
	buf_str(b, "\"etl.o\", ");
	for (size_t i = 0; i < t->nkey; i++) {
		pg_put_old_column(b, i);
		buf_str(b, ", ");
	}
}

void
pg_put_stage_table(struct buf *b, const struct target *t, bool lasts)
{
	const char *x = t->suffix;

	buf_printf(b, "DROP TABLE IF EXISTS " PG_STAGE "%s, " PG_MERGED "%s, "
	    PG_PLAN "%s; CREATE TEMP TABLE etl_load_stage%s ", x, x, x, x);
	buf_printf(b, "%s AS SELECT 0 AS \"etl.n\", 0 AS \"etl.s\"",
	    db_on_commit_keep(lasts));
	for (size_t i = 0; i < t->table->n; i++)
		if (target_loads(t, i))
			buf_printf(b, ", %s", t->table->columns[i].quoted);
	if (t->mode->changes)
		put_change_columns(b, t);
	buf_printf(b, " FROM %s WITH NO DATA", t->table->quoted);
}

void
pg_put_copy(struct buf *b, const struct target *t, const struct shape *s,
    bool staged, bool binary)
{
	buf_printf(b, "COPY %s%s (", staged ? PG_STAGE : t->table->quoted,
	    staged ? t->suffix : "");
	if (staged)
		buf_str(b, s->n > 0 ? "\"etl.n\", \"etl.s\", " :
		    "\"etl.n\", \"etl.s\"");
	if (t->mode->changes)
		put_change_names(b, t);
	if (t->mode->history)
		buf_printf(b, "%s, ",
		    t->table->columns[t->history.from].quoted);
	sql_put_columns(b, t, s, !staged);
	buf_printf(b, ") FROM STDIN%s", binary ? " (FORMAT BINARY)" : "");
}
