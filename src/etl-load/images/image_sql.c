#include "images/image_sql.h"

#include "json/write.h"

#include <string.h>

/* A call of etl_image() gets at most so many values: SQLite allows at most 127
 * arguments of a function. */
enum { LITE_ARGUMENTS = 100 };

static const struct column *
get_column(const struct table *t, const size_t *columns, size_t i)
{
	return &t->columns[columns == NULL ? i : columns[i]];
}

static void
put_sqlite_image(struct buf *b, const struct table *t, const size_t *columns,
    size_t n, const char *from)
{
	buf_str(b, "('['");
	for (size_t i = 0; i < n; i++) {
		if (i % LITE_ARGUMENTS == 0)
			buf_str(b, i == 0 ? " || etl_image(" :
			    ") || ',' || etl_image(");
		buf_printf(b, "%s%s.%s", i % LITE_ARGUMENTS == 0 ? "" : ", ",
		    from, get_column(t, columns, i)->quoted);
	}
	buf_str(b, n > 0 ? ") || ']')" : " || ']')");
}

/* Appends the image of n columns: those with the numbers in `columns`, or all
 * if it is NULL. */
static void
put_image(struct buf *b, enum db_kind kind, const struct table *t,
    const size_t *columns, size_t n, const char *from)
{
	if (kind == DB_SQLITE) {
		put_sqlite_image(b, t, columns, n, from);
		return;
	}
	buf_str(b, "pg_catalog.to_json(ARRAY[");
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%s.%s::text", i > 0 ? ", " : "", from,
		    get_column(t, columns, i)->quoted);
	buf_str(b, "]::text[])::text");
}

void
image_put_row(struct buf *b, enum db_kind kind, const struct table *t,
    const char *from)
{
	put_image(b, kind, t, NULL, t->n, from);
}

void
image_put_columns(struct buf *b, enum db_kind kind, const struct table *t,
    const size_t *columns, size_t n, const char *from)
{
	put_image(b, kind, t, columns, n, from);
}

void
image_put_names(struct buf *b, const struct table *t, const size_t *columns,
    size_t n)
{
	buf_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		const char *name = get_column(t, columns, i)->name;

		if (i > 0)
			buf_char(b, ',');
		json_put_string(b, name, strlen(name));
	}
	buf_char(b, ']');
}

void
image_put_value(struct buf *b, enum db_kind kind, const struct column *c,
    const char *image, size_t i)
{
	if (kind == DB_SQLITE)
		buf_printf(b, "etl_value(%s, %zu)", image, i);
	else
		buf_printf(b, "(%s::json OPERATOR(pg_catalog.->>) %zu)::%s",
		    image, i, c->type);
}

/* Compares each column of the key first, so that the database can use an index,
 * and then the whole image of the key, which must be the same text. */
void
image_put_has_key(struct buf *b, enum db_kind kind, const struct table *t,
    const size_t *columns, size_t n, const char *from, const char *image)
{
	for (size_t i = 0; i < n; i++) {
		const struct column *c = &t->columns[columns[i]];
		const char *equal = c->equal != NULL ? c->equal :
		    "OPERATOR(pg_catalog.=)";

		buf_printf(b, "%s.%s", from, c->quoted);
		if (c->equal_type != NULL)
			buf_printf(b, "::%s", c->equal_type);
		buf_printf(b, " %s ", kind == DB_SQLITE ? "IS" : equal);
		image_put_value(b, kind, c, image, i);
		if (c->equal_type != NULL)
			buf_printf(b, "::%s", c->equal_type);
		buf_str(b, " AND ");
	}
	put_image(b, kind, t, columns, n, from);
	buf_printf(b, kind == DB_SQLITE ? " = %s" :
	    " OPERATOR(pg_catalog.=) %s", image);
}
