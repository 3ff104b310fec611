#include "db/table.h"

#include "base/buf.h"
#include "base/text.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void
put_key_json(struct buf *b, const struct table *t, const struct table_key *k)
{
	buf_str(b, "{\"columns\":[");
	for (size_t i = 0; i < k->n; i++) {
		const char *name = t->columns[k->columns[i]].name;

		buf_str(b, i > 0 ? "," : "");
		json_put_string(b, name, strlen(name));
	}
	buf_printf(b, "],\"primary\":%s,\"condition\":",
	    k->primary ? "true" : "false");
	if (k->condition != NULL)
		json_put_string(b, k->condition, strlen(k->condition));
	else
		buf_str(b, "null");
	buf_char(b, '}');
}

int
table_check_changed(struct db *db, const struct table *t,
    const struct table_key *keys, size_t nkeys, bool *changed, struct err *e)
{
	struct db_value v[] = { db_text(t->schema), db_text(t->base),
	    { .type = DB_TEXT }, { .type = DB_TEXT } };
	struct buf columns, list;
	int64_t same = 0;
	int rc = -1;

	buf_init(&columns, SIZE_MAX / 2);
	buf_init(&list, SIZE_MAX / 2);
	for (size_t i = 0; i < t->n; i++)
		buf_printf(&columns, "%s %s,", t->columns[i].name,
		    t->columns[i].type);
	buf_char(&list, '[');
	for (size_t i = 0; i < nkeys; i++) {
		buf_str(&list, i > 0 ? "," : "");
		put_key_json(&list, t, &keys[i]);
	}
	buf_char(&list, ']');
	v[2].p = buf_text(&columns);
	v[2].len = columns.len;
	v[3].p = buf_text(&list);
	v[3].len = list.len;
	if (buf_check(&columns, e) == 0 && buf_check(&list, e) == 0)
		rc = db_query_int(db, db_sql(db, SQL_TABLE_HAS_COLUMNS), v, 4,
		    0, &same, e);
	buf_release(&columns);
	buf_release(&list);
	*changed = same != 1;
	return rc;
}

/* Finds the table that a user probably meant with a mistyped name. Searches the
 * schema that the name has, or the search path. */

struct db;
struct err;
struct table;

/* Appends "; did you mean NAME?" to the error if the database has a table or
 * view whose name is similar to t->base. */
static void
table_suggest(struct db *db, const struct table *t, struct err *e)
{
	struct suggestion near = { .typed = t->base };
	struct db_value schema = db_text(t->schema);
	struct db_rows *r;
	struct err ignored;

	if (db_query(db, &r, db_sql(db, SQL_TABLE_NAMES), &schema, 1,
	    &ignored) == -1)
		return;
	while (db_next(r, &ignored) == 1)
		suggest_try(&near, db_column(r, 0).p);
	db_end(r);
	suggest_put(e, &near, "");
}

enum { SECOND_DIGITS = 6 };      /* that PostgreSQL stores */

struct named {
	const char *name;
	enum column_kind kind;
	int64_t min, max;
};

static void
set_kind(struct column *c, const struct named *n)
{
	c->kind = n->kind;
	c->min = n->min;
	c->max = n->max;
}

static bool
contains_nocase(const char *text, const char *part)
{
	size_t n = strlen(part);

	for (; *text != '\0'; text++)
		if (strncasecmp(text, part, n) == 0)
			return true;
	return false;
}

/* Returns true if a column of this type has SQLite's numeric affinity: if a
 * text looks like a number, SQLite then stores it as a number. A declared type
 * has this affinity if SQLite's rules do not name it, for example DATE or
 * JSON. */
static bool
has_numeric_affinity(const struct column *c, const char *declared)
{
	return *declared != '\0' && (c->kind == COLUMN_ANY ||
	    c->kind == COLUMN_JSON || c->kind == COLUMN_TIME);
}

/* For SQLite. `declared` is the type in the column's declaration, in upper or
 * lower case. `strict` is true for a STRICT table: its columns have types but
 * no affinity. */
static void
column_set_kind_sqlite(struct column *c, const char *declared, bool strict)
{
	/* SQLite searches the declared type for these words to find out which
	 * type of value the column prefers (its affinity). The rows from INT
	 * to DOUB have the same order as SQLite's rules ("Datatypes In
	 * SQLite", section 3.1), so that the kind agrees with the affinity. */
	static const struct named parts[] = {
		{ "INT", COLUMN_INT, INT64_MIN, INT64_MAX },
		{ "CHAR", COLUMN_TEXT, 0, 0 }, { "CLOB", COLUMN_TEXT, 0, 0 },
		{ "TEXT", COLUMN_TEXT, 0, 0 }, { "BLOB", COLUMN_BYTES, 0, 0 },
		{ "REAL", COLUMN_REAL, 0, 0 }, { "FLOA", COLUMN_REAL, 0, 0 },
		{ "DOUB", COLUMN_REAL, 0, 0 },
		{ "BOOL", COLUMN_BOOL, 0, 0 },
		{ "NUMERIC", COLUMN_NUMERIC, 0, 0 },
		{ "DECIMAL", COLUMN_NUMERIC, 0, 0 },
		{ "JSON", COLUMN_JSON, 0, 0 },
		{ "BYTEA", COLUMN_BYTES, 0, 0 },
		{ "DATE", COLUMN_TIME, 0, 0 }, { "TIME", COLUMN_TIME, 0, 0 },
	};

	c->kind = COLUMN_ANY;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (contains_nocase(declared, parts[i].name)) {
			set_kind(c, &parts[i]);
			break;
		}
	c->numeric = !strict && has_numeric_affinity(c, declared);
}

/* Returns NULL for any other type. */
static const struct named *
find_pg_type(const char *type)
{
	static const struct named types[] = {
		{ "int2", COLUMN_INT, INT16_MIN, INT16_MAX },
		{ "int4", COLUMN_INT, INT32_MIN, INT32_MAX },
		{ "int8", COLUMN_INT, INT64_MIN, INT64_MAX },
		{ "oid", COLUMN_INT, 0, UINT32_MAX },
		{ "float4", COLUMN_REAL, 0, 0 },
		{ "float8", COLUMN_REAL, 0, 0 },
		{ "numeric", COLUMN_NUMERIC, 0, 0 },
		{ "bool", COLUMN_BOOL, 0, 0 },
		{ "text", COLUMN_TEXT, 0, 0 },
		{ "varchar", COLUMN_TEXT, 0, 0 },
		{ "bpchar", COLUMN_TEXT, 0, 0 },
		{ "name", COLUMN_TEXT, 0, 0 },
		{ "citext", COLUMN_TEXT, 0, 0 },
		{ "timestamptz", COLUMN_TIME, 0, 0 },
		{ "timestamp", COLUMN_TIME, 0, 0 },
		{ "date", COLUMN_TIME, 0, 0 },
		{ "time", COLUMN_TIME, 0, 0 },
		{ "timetz", COLUMN_TIME, 0, 0 },
		{ "json", COLUMN_JSON, 0, 0 },
		{ "jsonb", COLUMN_JSON, 0, 0 },
		{ "bytea", COLUMN_BYTES, 0, 0 },
		{ "range", COLUMN_RANGE, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].name) == 0)
			return &types[i];
	return NULL;
}

/* For PostgreSQL. `type` is typname of pg_type; for a domain it is the type on
 * which the domain is based. If the column is an array, `element` is the same
 * for its elements, else NULL. */
static void
column_set_kind_pg(struct column *c, const char *type, const char *element)
{
	const struct named *n = find_pg_type(element != NULL ? element : type);

	c->kind = c->element = COLUMN_ANY;
	if (n != NULL)
		set_kind(c, n);
	if (element != NULL) {
		c->element = c->kind;
		c->kind = COLUMN_ARRAY;
	}
}

/* PostgreSQL stores the two numbers of numeric(6,2) as one number, the typmod.
 * Its lowest 11 bits are the scale, the digits after the point. The scale may
 * be negative: numeric(6,-2) rounds to hundreds. */
static int
get_numeric_scale(int64_t typmod)
{
	enum { VARHDRSZ = 4, SCALE_BITS = 0x7ff, SCALE_SIGN = 0x400 };

	return (int)(((typmod - VARHDRSZ) & SCALE_BITS) ^ SCALE_SIGN) -
	    SCALE_SIGN;
}

/* The lowest 16 bits of the typmod of an interval are the digits of a second.
 * The bits above them stand for the fields that the declaration names, such as
 * DAY in `interval day`. If seconds are not among the fields, sets change_limit
 * to the finest field. */
static void
set_interval(struct column *c, int64_t typmod)
{
	enum { NO_PRECISION = 0xffff, SECOND = 1 << 12, ALL = 0x7fff };
	static const struct {
		unsigned bit;
		enum interval_field field;
	} fields[] = {
		{ 1U << 11, FIELD_MINUTE }, { 1U << 10, FIELD_HOUR },
		{ 1U << 3, FIELD_DAY }, { 1U << 1, FIELD_MONTH },
		{ 1U << 2, FIELD_YEAR },
	};
	uint64_t named = (uint64_t)typmod >> 16 & ALL;
	size_t i = 0;

	if (typmod == -1 || named == ALL || (named & SECOND) != 0) {
		c->change = CHANGE_INTERVAL;
		c->change_limit = typmod == -1 ||
		    (typmod & NO_PRECISION) == NO_PRECISION ? SECOND_DIGITS :
		    (int)(typmod & NO_PRECISION);
		return;
	}
	while (i < 4 && (named & fields[i].bit) == 0)
		i++;
	c->change = CHANGE_FIELDS;
	c->change_limit = (int)fields[i].field;
}

/* For PostgreSQL. Sets change and change_limit, from the two values that the
 * statement table_columns (sql/postgresql/catalog.sql) returns for a column. */
static void
column_set_change_pg(struct column *c, const char *type, int64_t typmod)
{
	enum { VARHDRSZ = 4 };
	static const struct {
		const char *type;
		enum column_change change;
		int limit;
	} types[] = {
		{ "char", CHANGE_CHAR, 0 }, { "date", CHANGE_DATE, 0 },
		{ "float4", CHANGE_FLOAT, 24 }, { "float8", CHANGE_FLOAT, 53 },
		{ "oid", CHANGE_SIGN, 0 }, { "xid", CHANGE_SIGN, 0 },
		{ "xid8", CHANGE_SIGN, 0 }, { "cid", CHANGE_SIGN, 0 },
		{ "time", CHANGE_TIME, SECOND_DIGITS },
		{ "timetz", CHANGE_TIMETZ, SECOND_DIGITS },
		{ "timestamp", CHANGE_TIMESTAMP, SECOND_DIGITS },
		{ "timestamptz", CHANGE_TIMESTAMPTZ, SECOND_DIGITS },
		{ "macaddr8", CHANGE_MACADDR8, 0 },
	};

	c->change = CHANGE_NONE;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].type) == 0) {
			c->change = types[i].change;
			c->change_limit = typmod >= 0 ? (int)typmod :
			    types[i].limit;
			return;
		}
	c->change_limit = (int)typmod;
	if (strcmp(type, "interval") == 0) {
		set_interval(c, typmod);
	} else if (strcmp(type, "name") == 0) {
		c->change = CHANGE_BYTES;
	} else if (strcmp(type, "money") == 0) {
		c->change = typmod == -1 ? CHANGE_POINT : CHANGE_DECIMALS;
	} else if (strcmp(type, "record") == 0) {
		c->change = typmod > 0 ? CHANGE_UNKNOWN : CHANGE_NONE;
	} else if (strcmp(type, "varchar") == 0 && typmod != -1) {
		c->change = CHANGE_BLANKS;
		c->change_limit = (int)typmod - VARHDRSZ;
	} else if (strcmp(type, "numeric") == 0 && typmod != -1) {
		c->change = CHANGE_DECIMALS;
		c->change_limit = get_numeric_scale(typmod);
	}
}

enum { NAME_MAX_BYTES = 4096 };

/* Copies a text that the catalog returned; NULL becomes "". The caller frees
 * the copy. Returns NULL if memory is out. */
static char *
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

/* Returns true for an integer other than 0. */
static bool
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

/* Reads the columns of a table or composite type, and the fields of composite
 * columns. `strict` is true for a STRICT table of SQLite. */
static int
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

static void
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
