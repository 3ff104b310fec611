#include "table/soft_delete.h"

#include <string.h>
#include <strings.h>

/* True if the column holds a date, alone or with a time of day: not the types
 * `time` and `time with time zone`. */
static bool
holds_a_date(const struct column *c)
{
	return c->kind == COLUMN_TIME && strcasecmp(c->type, "time") != 0 &&
	    strncasecmp(c->type, "time ", 5) != 0 &&
	    strncasecmp(c->type, "time(", 5) != 0;
}

int
soft_delete_choose(struct target *t, enum db_kind kind, struct err *e)
{
	const struct column *c;
	bool lite = kind == DB_SQLITE;

	if (t->soft_delete == NO_COLUMN)
		return 0;
	c = &t->table->columns[t->soft_delete];
	if (c->kind == COLUMN_BOOL)
		t->mark = MARK_TRUE;
	else if (lite && strcasecmp(c->type, "date") == 0)
		t->mark = MARK_DATE;
	else if (holds_a_date(c) || (lite && c->kind == COLUMN_TEXT))
		t->mark = MARK_TIME;
	else
		return err_set(e, ERR_CONFIG, false, "--soft-delete: column "
		    "\"%s\" of table %s has the type \"%s\": name a column of "
		    "type timestamp%s, date or boolean", c->name,
		    t->table->name, c->type, lite ? ", text" : "");
	if (t->mark != MARK_TRUE && c->not_null)
		return err_set(e, ERR_CONFIG, false, "--soft-delete: column "
		    "\"%s\" of table %s is NOT NULL, but a row that is not "
		    "deleted has NULL there: drop NOT NULL, or name a boolean "
		    "column", c->name, t->table->name);
	return 0;
}

const char *
soft_delete_live(const struct target *t)
{
	return t->mark == MARK_TRUE ? "false" : "NULL";
}

void
soft_delete_put_marked(struct buf *b, const struct target *t, const char *row)
{
	buf_printf(b, "%s%s IS %s", row,
	    t->table->columns[t->soft_delete].quoted,
	    t->mark == MARK_TRUE ? "TRUE" : "NOT NULL");
}

void
soft_delete_put_live(struct buf *b, const struct target *t, const char *before,
    const char *row)
{
	if (t->mode->history)
		buf_printf(b, "%s%s%s", before, row,
		    t->table->columns[t->history.current].quoted);
	if (t->soft_delete == NO_COLUMN)
		return;
	buf_printf(b, "%sNOT (", before);
	soft_delete_put_marked(b, t, row);
	buf_str(b, ")");
}
