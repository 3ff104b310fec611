#include "db/table.h"

#include "base/buf.h"
#include "db/columns.h"
#include "db/table_suggest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PATH_MAX_BYTES = 4096, PARTS = 2 };

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	columns_free(t->columns, t->n);
	free(t->name);
	free(t->schema);
	free(t->base);
	free(t->quoted);
	free(t->full);
	free(t);
}

/* Appends one part of a table name, such as the schema, to b. A part in SQL
 * quotes is appended without the quotes; any other part ends at a dot. Returns
 * the position after the part, or NULL if the closing quote is missing. */
static const char *
put_name_part(struct buf *b, const char *p)
{
	if (*p != '"') {
		size_t n = strcspn(p, ".\"");

		buf_add(b, p, n);
		return p + n;
	}
	for (p++; *p != '\0'; p++) {
		if (*p == '"' && *++p != '"')
			return p;
		buf_char(b, *p);
	}
	return NULL;
}

int
table_split_name(struct table *t, struct err *e)
{
	char *part[PARTS] = { NULL, NULL };
	const char *p = t->name;
	struct buf b;
	size_t n = 0;
	int rc = -1;

	buf_init(&b, PATH_MAX_BYTES);
	while (n < PARTS) {
		buf_clear(&b);
		if ((p = put_name_part(&b, p)) == NULL || b.len == 0)
			break;
		if ((part[n++] = strdup(buf_text(&b))) == NULL)
			break;
		if (*p != '.')
			break;
		p++;
	}
	if ((n > 0 && part[n - 1] == NULL) || (b.failed && !b.full))
		(void)err_nomem(e);
	else if (b.full || n == 0 || p == NULL || *p != '\0' ||
	    p[-1] == '.')
		(void)err_set(e, ERR_CONFIG, false, "%s: not the name of a "
		    "table: write TABLE or SCHEMA.TABLE, and put a part that "
		    "has dots or quotes into SQL quotes", t->name);
	else
		rc = 0;
	buf_release(&b);
	t->base = part[n > 0 ? n - 1 : 0];
	t->schema = n == PARTS ? part[0] : NULL;
	return rc;
}

/* Appends a name, in quotes only if it has a dot or a quote. */
static int
put_table_name(struct buf *b, struct db *db, const char *name, struct err *e)
{
	if (strpbrk(name, ".\"") != NULL)
		return db_quote_name(db, b, name, strlen(name), e);
	buf_str(b, name);
	return buf_check(b, e);
}

/* Sets t->full, the name for messages. Leaves out the default schema. */
static int
set_full_name(struct table *t, struct db *db, struct err *e)
{
	const char *usual = db_kind(db) == DB_SQLITE ? "main" : "public";
	struct buf b;
	int rc = 0;

	buf_init(&b, PATH_MAX_BYTES);
	if (t->schema != NULL && strcmp(t->schema, usual) != 0) {
		rc = put_table_name(&b, db, t->schema, e);
		buf_char(&b, '.');
	}
	if (rc == 0 &&
	    (rc = put_table_name(&b, db, t->base, e)) == 0 &&
	    (t->full = strdup(buf_text(&b))) == NULL)
		rc = err_nomem(e);
	buf_release(&b);
	return rc;
}

/* Replaces the schema and table name that the user wrote by the names in the
 * database's catalog, which may differ in case, and sets the names for SQL and
 * for messages. Fails if the name belongs to something else, such as a
 * sequence. */
static int
set_names(struct table *t, struct db *db, struct db_rows *r, struct err *e)
{
	struct db_value schema = db_column(r, 0), base = db_column(r, 1),
	    type = db_column(r, 2);
	struct buf b;
	int rc = -1;

	if (type.len == 5 && strncmp(type.p, "other", 5) == 0)
		return err_set(e, ERR_CONFIG, false, "%s: neither a table nor "
		    "a view that takes rows: name a table", t->name);
	t->view = type.len == 4 && strncmp(type.p, "view", 4) == 0;
	t->without_rowid = db_value_is_true(db_column(r, 3));
	t->strict = db_value_is_true(db_column(r, 4));
	free(t->schema);
	free(t->base);
	t->schema = db_copy_text(schema);
	t->base = db_copy_text(base);
	if (t->schema == NULL || t->base == NULL)
		return err_nomem(e);
	buf_init(&b, PATH_MAX_BYTES);
	if (db_quote_name(db, &b, t->schema, strlen(t->schema), e) == -1)
		goto out;
	buf_char(&b, '.');
	if (db_quote_name(db, &b, t->base, strlen(t->base), e) == -1)
		goto out;
	if ((t->quoted = strdup(buf_text(&b))) == NULL)
		(void)err_nomem(e);
	else
		rc = set_full_name(t, db, e);
out:
	buf_release(&b);
	return rc;
}

/* Fails if the server would cut one of the names. */
static int
check_name_lengths(const struct table *t, struct db *db, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, PATH_MAX_BYTES);
	rc = db_quote_name(db, &b, t->base, strlen(t->base), e);
	if (rc == 0 && t->schema != NULL)
		rc = db_quote_name(
		    db, &b, t->schema, strlen(t->schema), e);
	buf_release(&b);
	return rc;
}

/* Finds the table in the catalog and sets its names. If there is none, the
 * message ends with the advice. */
static int
read_catalog(struct table *t, struct db *db, const char *advice_if_missing,
    struct err *e)
{
	struct db_value v[] = { db_text(t->schema), db_text(t->base) };
	struct db_rows *r;
	bool missing;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_TABLE_FIND), v, 2, e) == -1)
		return -1;
	rc = db_next(r, e);
	missing = rc == 0;
	if (rc == 1)
		rc = set_names(t, db, r, e);
	db_end(r);
	if (!missing)
		return rc;
	if (check_name_lengths(t, db, e) == -1)
		return -1;
	(void)err_set(e, ERR_CONFIG, false, "no such table: %s in %s%s",
	    t->name, db_name(db), advice_if_missing);
	table_suggest(db, t, e);
	return -1;
}

/* Returns NULL with *e if this is not the name of a table. */
static struct table *
new_table(const char *name, struct err *e)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->name = strdup(name)) == NULL) {
		free(t);
		(void)err_nomem(e);
		return NULL;
	}
	if (table_split_name(t, e) == 0)
		return t;
	table_free(t);
	return NULL;
}

int
table_check_exists(struct db *db, const char *name, bool *exists, struct err *e)
{
	struct table *t = new_table(name, e);
	struct db_value v[2];
	struct db_rows *r;
	int rc = -1;

	if (t == NULL)
		return -1;
	v[0] = db_text(t->schema);
	v[1] = db_text(t->base);
	if (db_query(db, &r, db_sql(db, SQL_TABLE_FIND), v, 2, e) == 0) {
		rc = db_next(r, e);
		db_end(r);
	}
	table_free(t);
	*exists = rc == 1;
	return rc == -1 ? -1 : 0;
}

/* Sets t->quoted. It has a schema only if the user gave one. */
static int
set_quoted_name(struct table *t, struct db *db, struct err *e)
{
	struct buf b;
	int rc = 0;

	buf_init(&b, PATH_MAX_BYTES);
	if (t->schema != NULL) {
		rc = db_quote_name(db, &b, t->schema, strlen(t->schema), e);
		buf_char(&b, '.');
	}
	if (rc == 0)
		rc = db_quote_name(db, &b, t->base, strlen(t->base), e);
	if (rc == 0 && (t->quoted = strdup(buf_text(&b))) == NULL)
		rc = err_nomem(e);
	buf_release(&b);
	return rc;
}

int
table_new(struct table **out, struct db *db, const char *name, struct err *e)
{
	struct table *t = new_table(name, e);

	if (t == NULL)
		return -1;
	if (set_quoted_name(t, db, e) == -1 || set_full_name(t, db, e) == -1) {
		table_free(t);
		return -1;
	}
	*out = t;
	return 0;
}

/* Corrects two facts that SQLite's catalog does not show. If the primary key is
 * a single INTEGER column, this column is the rowid: SQLite assigns a value if
 * none is given. The primary key of a WITHOUT ROWID table cannot be NULL. */
static void
correct_keys(struct table *t)
{
	struct column *only = NULL;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->columns[i].key == 0)
			continue;
		n++;
		only = &t->columns[i];
		if (t->without_rowid)
			only->not_null = true;
	}
	if (n == 1 && !t->without_rowid &&
	    strcasecmp(only->type, "INTEGER") == 0) {
		only->has_default = true;
		only->not_null = false;
	}
}

int
table_read(struct table **out, struct db *db, const char *name,
    const char *advice_if_missing, struct err *e)
{
	struct table *t = new_table(name, e);

	if (t == NULL)
		return -1;
	if (read_catalog(t, db, advice_if_missing, e) == -1 ||
	    columns_read(&t->columns, &t->n, db, t->schema, t->base, t->strict,
	    e) == -1) {
		table_free(t);
		return -1;
	}
	if (db_kind(db) == DB_SQLITE)
		correct_keys(t);
	*out = t;
	return 0;
}

size_t
table_find_key(const struct table *t, int place)
{
	size_t i = 0;

	while (i < t->n && t->columns[i].key != place)
		i++;
	return i;
}

/* Returns true if the n columns are all columns of the primary key, and no
 * other. */
static bool
is_primary_key(const struct table *t, const size_t *columns, size_t n)
{
	size_t keys = 0;

	for (size_t i = 0; i < t->n; i++)
		keys += t->columns[i].key > 0;
	for (size_t i = 0; i < n; i++)
		if (t->columns[columns[i]].key == 0)
			return false;
	return n > 0 && n == keys;
}

static bool
has_column_name(const struct table *t, const size_t *columns, size_t n,
    struct db_value name)
{
	const char *have;

	for (size_t i = 0; i < n && name.type == DB_TEXT; i++) {
		have = t->columns[columns[i]].name;
		if (strlen(have) == name.len &&
		    memcmp(have, name.p, name.len) == 0)
			return true;
	}
	return false;
}

/* Sets *unique to true if a unique index that ON CONFLICT can use has exactly
 * the given columns. The query returns a row for each column of an index; the
 * rows of an index follow each other. */
static int
find_unique_index(struct db_rows *r, const struct table *t,
    const size_t *columns, size_t n, bool *unique, struct err *e)
{
	int64_t last = -1;
	size_t in = 0, out = 0;
	int rc;

	while ((rc = db_next(r, e)) == 1) {
		if (db_column(r, 2).i == 0)
			continue;
		if (db_column(r, 0).i != last) {
			*unique = *unique || (in == n && out == 0);
			in = out = 0;
			last = db_column(r, 0).i;
		}
		if (has_column_name(t, columns, n, db_column(r, 1)))
			in++;
		else
			out++;
	}
	*unique = *unique || (in == n && out == 0);
	return rc;
}

int
table_check_unique(struct db *db, const struct table *t, const size_t *columns,
    size_t n, bool *unique, struct err *e)
{
	struct db_value v[] = { db_text(t->schema), db_text(t->base) };
	struct db_rows *r;
	int rc;

	*unique = db_kind(db) == DB_SQLITE && is_primary_key(t, columns, n);
	if (*unique || n == 0)
		return 0;
	if (db_query(db, &r, db_sql(db, SQL_TABLE_UNIQUE), v, 2, e) == -1)
		return -1;
	rc = find_unique_index(r, t, columns, n, unique, e);
	db_end(r);
	return rc;
}
