#include "emit/emit_row.h"

#include "images/image_sql.h"
#include "json/number.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

static bool
is_left_out(const struct column *c, bool generated)
{
	return c->generated && !c->identity && !generated;
}

/* Appends an expression with which PostgreSQL makes the JSON object, because
 * only PostgreSQL knows how to write each type as JSON. */
static void
put_pg_row(struct buf *b, const struct table *t, bool generated,
    const char *image)
{
	const char *comma = "";

	buf_str(b, "(SELECT pg_catalog.row_to_json(\"etl.x\") FROM (SELECT ");
	for (size_t i = 0; i < t->n; i++) {
		if (is_left_out(&t->columns[i], generated))
			continue;
		buf_str(b, comma);
		image_put_value(b, DB_POSTGRESQL, &t->columns[i], image, i);
		buf_printf(b, " AS %s", t->columns[i].quoted);
		comma = ", ";
	}
	buf_str(b, ") AS \"etl.x\")::text");
}

int
emit_check_column(const struct table *t, bool generated, struct err *e)
{
	size_t i = 0;

	while (i < t->n && is_left_out(&t->columns[i], generated))
		i++;
	if (i == t->n || strcmp(t->columns[i].name, "@etl") != 0)
		return 0;
	return err_set(e, ERR_CONFIG, false, "table %s: --emit rows cannot "
	    "write rows that begin with the column @etl: the next program "
	    "would take them for marks; give --emit changes, or another first "
	    "column to the table", t->name);
}

/* The query returns deleted rows first: a program that applies the changes in
 * this order can then insert rows with the same values in unique columns. */
void
emit_put_query(
    struct buf *b, enum db_kind kind, const struct table *t, bool generated)
{
	bool lite = kind == DB_SQLITE;

	buf_str(b, "SELECT CASE WHEN i.before IS NULL THEN 'INSERT' "
	    "WHEN i.after IS NULL THEN 'DELETE' ELSE 'UPDATE' END, ");
	if (lite) {
		buf_str(b, "i.after, i.before");
	} else {
		put_pg_row(b, t, generated, "i.after");
		buf_str(b, ", ");
		put_pg_row(b, t, generated, "i.before");
	}
	buf_printf(b, " FROM %s.etl_load_images AS i WHERE i.before %s "
	    "i.after ORDER BY CASE WHEN i.after IS NULL THEN 0 "
	    "WHEN i.before IS NULL THEN 2 ELSE 1 END, i.key",
	    lite ? "temp" : "pg_temp", lite ? "IS NOT" : "IS DISTINCT FROM");
}

/* Appends a value of an SQLite image as JSON. `text` begins with a letter for
 * the type (see db_add_image_sql()). A blob or a text that is not valid UTF-8
 * is written as hexadecimal digits. */
static void
put_tagged(struct buf *b, const struct buf *text)
{
	const char *p = text->data;

	if (*p == 'i')
		buf_add(b, p + 1, text->len - 1);
	else if (*p == 'r')
		number_put_real(b, strtod(p + 1, NULL));
	else if (*p == 't')
		json_put_string(b, p + 1, text->len - 1);
	else {
		buf_str(b, "\"\\\\x");
		buf_add(b, p + 1, text->len - 1);       /* hex digits */
		buf_char(b, '"');
	}
}

static int
put_sqlite_value(struct buf *b, const struct json *j, uint32_t i,
    struct buf *text, struct err *e)
{
	if (j->tok[i].type == JSON_NULL) {
		buf_str(b, "null");
		return 0;
	}
	buf_clear(text);
	json_unescape(text, j, i);
	(void)buf_text(text);
	if (buf_check(text, e) == -1)
		return -1;
	put_tagged(b, text);
	return 0;
}

static int
put_sqlite_row(struct buf *b, const struct table *t, bool generated,
    const struct json *j, struct err *e)
{
	const char *comma = "";
	struct buf text;
	int rc = 0;

	buf_init(&text, SIZE_MAX / 4);
	buf_char(b, '{');
	for (size_t i = 0; i < t->n && rc == 0; i++) {
		const struct column *c = &t->columns[i];

		if (is_left_out(c, generated))
			continue;
		buf_str(b, comma);
		json_put_string(b, c->name, strlen(c->name));
		buf_char(b, ':');
		rc = put_sqlite_value(b, j, (uint32_t)i + 1, &text, e);
		comma = ",";
	}
	buf_char(b, '}');
	buf_release(&text);
	return rc;
}

int
emit_put_row(struct buf *b, enum db_kind kind, const struct table *t,
    bool generated, struct db_value text, struct err *e)
{
	bool lite = kind == DB_SQLITE;
	struct json_fault f = { 0 };
	struct json j = { 0 };
	int rc = 0;

	if (json_scan(&j, text.p, text.len, lite ? 2 : 1, JSON_LAST, &f) == -1)
		rc = f.nomem ? err_nomem(e) : err_set(e, ERR_DATA, false,
		    "--emit: table %s: a row that the load has changed cannot "
		    "be written as JSON: %s; nothing of this batch was "
		    "loaded", t->name, f.why);
	else if (!lite)
		json_put_compact(b, &j, 0);
	else if (j.n != t->n + 1)
		rc = err_bug(e, "--emit: an image has other columns");
	else
		rc = put_sqlite_row(b, t, generated, &j, e);
	json_release(&j);
	return rc == -1 ? -1 : buf_check(b, e);
}
