#include "sqlite/sqlite_plan.h"

#include "sqlite/sqlite_history_sql.h"
#include "sqlite/sqlite_sql.h"

static void
put_end(struct buf *b)
{
	buf_str(b, ";\n");
}

static void
put_history(struct buf *b, const struct target *t, const struct shape *s)
{
	static const enum lite_history_sql sql[] = { LITE_FIND_CURRENT,
		LITE_INSERT, LITE_END, LITE_INSERT_AFTER, LITE_CORRECT };

	for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++) {
		lite_put_history_sql(b, t, s, sql[i]);
		put_end(b);
	}
}

static void
put_rows(struct buf *b, const struct target *t, const struct shape *s)
{
	sqlite_put_insert(b, t, s);
	put_end(b);
	if (t->mode->updates && s->n > t->nkey) {
		sqlite_put_update(b, t, s);
		put_end(b);
	}
	if (t->mode->updates && t->seen != NO_COLUMN) {
		sqlite_put_seen(b, t, s);
		put_end(b);
	}
	if (!t->mode->changes)
		return;
	sqlite_put_find(b, t, s);
	put_end(b);
	sqlite_put_delete(b, t, s);
	put_end(b);
	sqlite_put_move(b, t, s);
	put_end(b);
}

void
sqlite_put_load(struct buf *b, const struct target *t, const struct shape *s)
{
	if (t->mode->replaces)
		buf_printf(b, "DELETE FROM %s;\n", t->table->quoted);
	else if (t->mode->by_scope)
		buf_str(b, "-- first deletes the rows of each scope that a "
		    "record names\n");
	else if (t->parent != NULL)
		buf_str(b, "-- first deletes the rows that have the key of a "
		    "record\n");
	if (t->mode->history)
		put_history(b, t, s);
	else
		put_rows(b, t, s);
	if (t->mode->mirrors)
		buf_printf(b, "-- at the end %s the rows whose keys did not "
		    "come\n", t->mode->history ? "ends" :
		    t->soft_delete != NO_COLUMN ? "marks" : "deletes");
}
