#include "db/columns.h"

#include "base/buf.h"
#include "db/column.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 4096 };

char *
db_copy_text(struct db_value v)
{
	return strndup(v.p == NULL ? "" : v.p, v.p == NULL ? 0 : v.len);
}

/* Sets *out to a copy of the text. A value that is no text gives NULL. */
static int
copy_text(char **out, struct db_value v, struct err *e)
{
	*out = v.type == DB_TEXT ? db_copy_text(v) : NULL;
	return v.type == DB_TEXT && *out == NULL ? err_nomem(e) : 0;
}

bool
db_value_is_true(struct db_value v)
{
	return v.type == DB_INT && v.i != 0;
}

static int
fill_column(struct column *c, bool strict, struct db *db, struct db_rows *r,
    struct err *e)
{
	struct db_value type = db_column(r, 6), element = db_column(r, 7);
	struct buf b;
	int rc = -1;

	c->name = db_copy_text(db_column(r, 0));
	c->type = db_copy_text(db_column(r, 1));
	if (c->name == NULL || c->type == NULL)
		return err_nomem(e);
	c->not_null = db_value_is_true(db_column(r, 2));
	c->has_default = db_value_is_true(db_column(r, 3));
	c->generated = db_value_is_true(db_column(r, 4));
	c->identity = c->generated && db_kind(db) == DB_POSTGRESQL &&
	    db_column(r, 4).i == 2;
	c->key = (int)db_column(r, 5).i;
	if (db_kind(db) == DB_SQLITE) {
		column_set_kind_sqlite(c, c->type, strict);
	} else {
		column_set_kind_pg(c, type.p, element.p);
		column_set_change_pg(c, db_column(r, 10).p, db_column(r, 11).i);
		c->equal_as_bytes = db_value_is_true(db_column(r, 12));
		c->type_id = db_column(r, 15).i;
		if (copy_text(&c->composite_schema, db_column(r, 13),
		    e) == -1 ||
		    copy_text(&c->composite_name, db_column(r, 14), e) == -1)
			return -1;
		if (copy_text(&c->equal, db_column(r, 8), e) == -1 ||
		    copy_text(&c->equal_type, db_column(r, 9), e) == -1)
			return -1;
	}
	buf_init(&b, NAME_MAX_BYTES);
	if (db_quote_name(db, &b, c->name, strlen(c->name), e) == 0) {
		if ((c->quoted = strdup(buf_text(&b))) == NULL)
			(void)err_nomem(e);
		else
			rc = 0;
	}
	buf_release(&b);
	return rc;
}

/* Appends the columns of a table or composite type. Does not read the fields of
 * columns that are composite themselves. */
static int
append_columns(struct column **columns, size_t *n, struct db *db,
    const char *schema, const char *base, bool strict, struct err *e)
{
	struct db_value v[] = { db_text(schema), db_text(base) };
	struct db_rows *r;
	struct column *more;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_TABLE_COLUMNS), v, 2, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		more = realloc(*columns, (*n + 1) * sizeof(*more));
		if (more == NULL) {
			rc = err_nomem(e);
			break;
		}
		*columns = more;
		more[*n] = (struct column){ 0 };
		if ((rc = fill_column(&more[(*n)++], strict, db, r, e)) == -1)
			break;
	}
	db_end(r);
	return rc;
}

int
columns_read(struct column **columns, size_t *n, struct db *db,
    const char *schema, const char *base, bool strict, struct err *e)
{
	struct column *c;

	if (append_columns(columns, n, db, schema, base, strict, e) == -1)
		return -1;
	for (size_t i = 0; i < *n; i++) {
		c = &(*columns)[i];
		if (c->composite_name != NULL &&
		    columns_read(&c->fields, &c->nfields, db,
		    c->composite_schema, c->composite_name, false, e) == -1)
			return -1;
	}
	return 0;
}

void
columns_free(struct column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		columns_free(columns[i].fields, columns[i].nfields);
		free(columns[i].composite_schema);
		free(columns[i].composite_name);
		free(columns[i].name);
		free(columns[i].quoted);
		free(columns[i].type);
		free(columns[i].equal);
		free(columns[i].equal_type);
	}
	free(columns);
}
