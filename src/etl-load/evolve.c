#include "evolve.h"

#include "base/buf.h"
#include "base/text.h"
#include "db/table.h"
#include "json/number.h"
#include "sample.h"

#include <string.h>
#include <strings.h>

enum column_width { WIDTH_KEEP, WIDTH_BIGINT, WIDTH_NUMERIC, WIDTH_TEXT };

enum type_class { OTHER, SMALL_INTEGER, BIGINT, NUMERIC, NUMERIC_CUT, FLOAT,
	WORD };

static enum type_class
get_class_of_type(const char *type)
{
	static const struct {
		const char *type;
		enum type_class class;
	} types[] = {
		{ "smallint", SMALL_INTEGER }, { "integer", SMALL_INTEGER },
		{ "bigint", BIGINT }, { "numeric", NUMERIC },
		{ "real", FLOAT }, { "double precision", FLOAT },
		{ "boolean", WORD }, { "date", WORD },
		{ "timestamp with time zone", WORD },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].type) == 0)
			return types[i].class;
	return strncmp(type, "numeric(", 8) == 0 ? NUMERIC_CUT : OTHER;
}

/* Returns a wider type for a column that has refused a value; `kinds` is the
 * kind of this value (sample.h). WIDTH_KEEP: no wider type could
 * hold the value. */
static enum column_width
column_wider_type(const struct column *c, unsigned kinds)
{
	const unsigned integers = KIND_INT | KIND_WIDE;
	const unsigned numbers = integers | KIND_REAL | KIND_DECIMAL;
	enum type_class class = get_class_of_type(c->type);

	if (kinds == 0 || class == OTHER)
		return WIDTH_KEEP;
	if ((kinds & ~numbers) != 0 || class == WORD)
		return WIDTH_TEXT;
	switch (class) {
	case SMALL_INTEGER:
		return (kinds & ~integers) == 0 ? WIDTH_BIGINT :
		    WIDTH_NUMERIC;
	case BIGINT:
		return (kinds & ~integers) == 0 ? WIDTH_KEEP : WIDTH_NUMERIC;
	case NUMERIC:
		return WIDTH_KEEP;
	default:
		return WIDTH_NUMERIC;
	}
}

/* Returns the name of the type, as SQL. The width must not be WIDTH_KEEP. */
static const char *
column_width_type(enum column_width w)
{
	return w == WIDTH_BIGINT ? "bigint" : w == WIDTH_NUMERIC ? "numeric" :
	    "text";
}

/* Appends ALTER COLUMN ... TYPE. Numbers keep all their digits, and a time
 * becomes the text that etl-extract writes for it. A float becomes numeric by
 * way of its text: a direct cast of float8 to numeric would keep only 15
 * digits. */
static void
column_put_widening(
    struct buf *b, const struct column *c, enum column_width w)
{
	buf_printf(b, "ALTER COLUMN %s TYPE %s", c->quoted,
	    column_width_type(w));
	if (w == WIDTH_NUMERIC)
		buf_printf(b, " USING %s::pg_catalog.text::pg_catalog.numeric",
		    c->quoted);
	else if (w == WIDTH_TEXT)
		buf_printf(b, " USING pg_catalog.to_json(%s) "
		    "OPERATOR(pg_catalog.#>>) '{}'", c->quoted);
}

void
evolve_init(struct evolve *v, const struct load_opts *o,
    const struct load_mode *mode, enum json_members duplicates)
{
	*v = (struct evolve){ .total = 0 };
	sample_init(&v->record, o, mode, duplicates);
	keyset_init(&v->added);
	keyset_init(&v->widened);
}

void
evolve_release(struct evolve *v)
{
	sample_release(&v->record);
	keyset_release(&v->added);
	keyset_release(&v->widened);
}

void
evolve_forget(struct evolve *v)
{
	keyset_clear(&v->added);
	keyset_clear(&v->widened);
}

bool
evolve_has_changes(const struct evolve *v)
{
	return v->added.n > 0 || v->widened.n > 0;
}

/* Returns the column of this name, or NULL if the table has none. */
static const struct column *
evolve_find_column(const struct table *t, const char *name, size_t len)
{
	for (size_t i = 0; i < t->n; i++)
		if (strlen(t->columns[i].name) == len &&
		    memcmp(t->columns[i].name, name, len) == 0)
			return &t->columns[i];
	return NULL;
}

static bool
is_same_to_sqlite(const char *a, size_t na, const char *b, size_t nb)
{
	return na == nb && strncasecmp(a, b, na) == 0;
}

/* True if SQLite would mistake the name for that of another column: to SQLite
 * two names are equal if they differ only in the case of letters. */
static bool
is_taken_in_sqlite(const struct evolve *v, const struct table *t,
    const char *name, size_t len)
{
	const struct keyset *sets[] = { &v->added, &v->record.columns };

	for (size_t i = 0; i < t->n; i++)
		if (is_same_to_sqlite(t->columns[i].name,
			strlen(t->columns[i].name), name, len))
			return true;
	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < sets[s]->n; i++) {
			const struct keyset_entry *k = &sets[s]->v[i];
			const char *other = sets[s]->bytes.data + k->at;

			if (is_same_to_sqlite(other, k->len, name, len) &&
			    memcmp(other, name, len) != 0)
				return true;
		}
	return false;
}

static bool
is_reserved_in_pg(const char *name, size_t len)
{
	static const char *const names[] = { "tableoid", "cmax", "xmax",
		"cmin", "xmin", "ctid" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len &&
		    memcmp(names[i], name, len) == 0)
			return true;
	return len >= 4 && memcmp(name, "etl.", 4) == 0;
}

/* Returns 1 if a column can have this name; 0 if not; -1 with *e. */
static int
allows_name(const struct evolve *v, struct db *db, const struct table *t,
    const char *name, size_t len, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	rc = db_quote_name(db, &b, name, len, e);
	buf_release(&b);
	if (rc == -1)
		return e->code == ERR_CONFIG ? 0 : -1;
	return db_kind(db) == DB_SQLITE ?
	    !is_taken_in_sqlite(v, t, name, len) :
	    !is_reserved_in_pg(name, len);
}

/* Returns 1 if columns can be added for all members of the record that have no
 * column in the table; 0 if not; -1 with *e. */
static int
may_add_columns(const struct evolve *v, struct db *db, const struct table *t,
    struct err *e)
{
	const size_t most = max_columns(db_kind(db));
	size_t room = EVOLVE_COLUMNS_MAX - v->total - v->added.n, new = 0;
	int rc;

	if (t->n + v->added.n >= most)
		return 0;
	if (room > most - t->n - v->added.n)
		room = most - t->n - v->added.n;
	for (size_t i = 0, n; i < v->record.columns.n && new <= room; i++) {
		const char *name = sample_get_name(&v->record, i, &n);

		if (evolve_find_column(t, name, n) != NULL)
			continue;
		rc = allows_name(v, db, t, name, n, e);
		if (rc != 1)
			return rc;
		new++;
	}
	return new <= room;
}

/* The two parts of evolve_note_refused(). The first notes a new column for each
 * member of v->record that has none in the table; if one of them cannot be
 * added, it notes none. The second notes the wider type that the column needs
 * for a value of these kinds. */
static int
evolve_note_columns(struct evolve *v, struct db *db, const struct table *t,
    struct err *e)
{
	int rc = may_add_columns(v, db, t, e);

	if (rc != 1)
		return rc;
	for (size_t i = 0, n; i < v->record.columns.n; i++) {
		const char *name = sample_get_name(&v->record, i, &n);
		uint32_t *kinds;

		if (evolve_find_column(t, name, n) != NULL)
			continue;
		if ((kinds = keyset_value(&v->added, name, n, e)) == NULL)
			return -1;
		*kinds |= v->record.columns.v[i].value;
	}
	return 0;
}

static int
evolve_note_widening(struct evolve *v, const struct column *c, unsigned kinds,
    struct err *e)
{
	enum column_width width = column_wider_type(c, kinds);
	uint32_t *have;

	if (width == WIDTH_KEEP)
		return 0;
	have = keyset_value(&v->widened, c->name, strlen(c->name), e);
	if (have != NULL && *have < width)
		*have = width;
	return have == NULL ? -1 : 0;
}

/* A column has refused the value at `pointer`, the pointer of the reject. Notes
 * the wider type with which the column would accept the value. */
static int
note_widening(struct evolve *v, const struct target *t, const char *pointer,
    struct err *e)
{
	const struct column *c = NULL;
	unsigned kinds = 0;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	for (size_t i = 0; i < t->table->n && c == NULL; i++) {
		buf_clear(&b);
		if (target_put_pointer(&b, t, i) &&
		    strcmp(buf_text(&b), pointer) == 0)
			c = &t->table->columns[i];
	}
	rc = buf_check(&b, e);
	buf_release(&b);
	if (rc == -1)
		return -1;
	for (size_t i = 0, n; i < v->record.columns.n && c != NULL; i++) {
		const char *name = sample_get_name(&v->record, i, &n);

		if (strlen(c->name) == n && memcmp(c->name, name, n) == 0)
			kinds = v->record.columns.v[i].value;
	}
	return c == NULL ? 0 : evolve_note_widening(v, c, kinds, e);
}

/* Notes the columns or the wider type that the refused record needs. */
static int
note_refusal(struct evolve *v, const struct outcome *o, size_t i, struct db *db,
    struct err *e)
{
	const struct reject why = refusals_get(&o->refused, i);
	const struct line l = spool_get_line(o->chunk, o->refused.v[i].item);
	bool schema = strcmp(why.code, "schema") == 0 &&
	    o->target->mapping.extra == EXTRA_REJECT;
	bool type = db_kind(db) == DB_POSTGRESQL &&
	    (strcmp(why.code, "type") == 0 || strcmp(why.code, "range") == 0);

	if (why.pointer == NULL || (!schema && !type))
		return 0;
	sample_forget(&v->record);
	if (sample_note_record(&v->record, o->stage, &l, e) == -1)
		return -1;
	return schema ?
	    evolve_note_columns(v, db, o->target->table, e) :
	    note_widening(v, o->target, why.pointer, e);
}

int
evolve_note_refused(struct evolve *v, const struct outcome *o, struct db *db,
    struct err *e)
{
	for (size_t i = 0; i < o->refused.n; i++)
		if (note_refusal(v, o, i, db, e) == -1)
			return -1;
	return 0;
}

/* Returns the type for a STRICT table of SQLite, which allows only some types.
 * BOOLEAN and NUMERIC become ANY, because a column of the type ANY keeps each
 * number as it is. */
static const char *
find_strict_type(const char *type)
{
	return strcmp(type, "BOOLEAN") == 0 ||
	    strncmp(type, "NUMERIC", 7) == 0 ? "ANY" :
	    strcmp(type, "JSON") == 0 ? "TEXT" : type;
}

static const char *
find_new_type(const struct evolve *v, const struct keyset_entry *k,
    struct db *db, const struct table *t)
{
	const char *type = sample_find_type(&v->record,
	    v->added.bytes.data + k->at, k->len, k->value, db_kind(db));

	return t->strict ? find_strict_type(type) : type;
}

/* Finds the column of the table that entry number i names. Returns NULL if
 * there is none. */
static const struct column *
find_entry_column(const struct keyset *k, size_t i, const struct table *t)
{
	return evolve_find_column(t, k->bytes.data + k->v[i].at, k->v[i].len);
}

/* Appends one ALTER TABLE for each column on SQLite, which can add only one
 * column at a time. On PostgreSQL appends one ALTER TABLE with all changes: the
 * server then rewrites the table only once. */
int
evolve_put_statements(struct buf *b, const struct evolve *v, struct db *db,
    const struct table *t, struct err *e)
{
	bool lite = db_kind(db) == DB_SQLITE, any = false;
	const struct keyset_entry *k;
	const struct column *c;

	if (!lite)
		buf_printf(b, "ALTER TABLE %s ", t->quoted);
	for (size_t i = 0; i < v->added.n; i++, any = true) {
		k = &v->added.v[i];
		if (lite)
			buf_printf(b, "ALTER TABLE %s ADD COLUMN ", t->quoted);
		else
			buf_printf(b, "%sADD COLUMN IF NOT EXISTS ",
			    any ? ", " : "");
		if (db_quote_name(db, b, v->added.bytes.data + k->at, k->len,
			e) == -1)
			return -1;
		buf_printf(b, " %s%s", find_new_type(v, k, db, t), lite ?
		    ";\n" : "");
	}
	for (size_t i = 0; i < v->widened.n; i++) {
		if ((c = find_entry_column(&v->widened, i, t)) == NULL)
			continue;
		buf_str(b, any ? ", " : "");
		column_put_widening(b, c,
		    (enum column_width)v->widened.v[i].value);
		any = true;
	}
	if (!lite)
		buf_str(b, ";\n");
	(void)buf_text(b);
	return buf_check(b, e);
}

static int
lock_table(struct db *db, const struct table *t, struct err *e)
{
	const char *sql;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", t->quoted);
	sql = buf_finish(&b, e);
	rc = sql == NULL ? -1 : db_script(db, sql, e);
	buf_release(&b);
	return rc;
}

/* Locks the table and compares its columns with those that the loader has read:
 * a column that another program has widened since then must not become narrower
 * again. Returns 1: unchanged; 0: another program has altered it; -1 with
 * *e. */
static int
lock_unchanged(struct db *db, const struct table *t, struct err *e)
{
	bool changed = false;

	if (db_kind(db) == DB_POSTGRESQL && lock_table(db, t, e) == -1)
		return -1;
	return table_check_changed(db, t, NULL, 0, &changed, e) == -1 ? -1 :
	    !changed;
}

/* True if *e says that another program has added the column first. SQLite has
 * no ADD COLUMN IF NOT EXISTS, and only the text of its message tells this
 * error from others. On PostgreSQL the error cannot occur. */
static bool
was_added_before(struct db *db, const struct err *e)
{
	return db_kind(db) == DB_SQLITE &&
	    strstr(e->msg, "duplicate column name") != NULL;
}

/* Returns 1: altered; 0: another program has altered the table; -1 with *e. */
static int
alter_locked(struct db *db, const struct table *t, const char *sql,
    struct err *e)
{
	int rc;

	if (db_begin(db, e) == -1)
		return -1;
	rc = lock_unchanged(db, t, e);
	if (rc == 1 && db_script(db, sql, e) == -1)
		rc = was_added_before(db, e) ? 0 : -1;
	if (rc == 1 && db_commit(db, e) == -1)
		rc = -1;
	if (rc != 1)
		db_rollback(db);
	return rc;
}

/* Prints the text in b, and clears b. */
static void
print_line(struct buf *b)
{
	struct buf line;

	buf_init(&line, SIZE_MAX / 4);
	text_show(&line, b->data, b->len);
	err_note("etl-load", buf_text(&line));
	buf_release(&line);
	buf_clear(b);
}

static void
print_changes(const struct evolve *v, struct db *db, const struct table *t)
{
	const struct keyset_entry *k;
	const struct column *c;
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	for (size_t i = 0; i < v->added.n; i++) {
		k = &v->added.v[i];
		buf_printf(&b, "table %s: --evolve has added column \"%.*s\" "
		    "(%s)", t->name, (int)k->len, v->added.bytes.data + k->at,
		    find_new_type(v, k, db, t));
		print_line(&b);
	}
	for (size_t i = 0; i < v->widened.n; i++) {
		if ((c = find_entry_column(&v->widened, i, t)) == NULL)
			continue;
		buf_printf(&b, "table %s: --evolve has changed the type of "
		    "column \"%s\" from %s to %s", t->name, c->name, c->type,
		    column_width_type(
			(enum column_width)v->widened.v[i].value));
		print_line(&b);
	}
	buf_release(&b);
}

/* Adds advice to the error of an ALTER TABLE. SQLSTATE 0A000 means that another
 * object depends on the column, for example a view; the message names this
 * object. */
static void
advise_refused(const struct db *db, const struct table *t, struct err *e)
{
	const struct err why = *e;
	bool in_the_way = strcmp(db_fault(db)->sqlstate, "0A000") == 0;

	if (e->code == ERR_DATA)
		e->code = ERR_CONFIG;
	if (e->code == ERR_CONFIG)
		(void)err_set(e, ERR_CONFIG, false, "%s; %sload without "
		    "--evolve: such a record is then rejected", why.msg,
		    in_the_way ? "drop it and make it again after the load, "
		    "or " : "");
	err_prefix(e, "--evolve: table %s", t->name);
}

int
evolve_alter_table(struct evolve *v, struct db *db, const struct table *t,
    struct err *e)
{
	struct buf sql;
	int rc;

	buf_init(&sql, SIZE_MAX / 4);
	rc = evolve_put_statements(&sql, v, db, t, e);
	if (rc == 0)
		rc = alter_locked(db, t, sql.data, e);
	buf_release(&sql);
	if (rc == 1) {
		v->total += v->added.n;
		print_changes(v, db, t);
	} else if (rc == -1 && !e->transient) {
		advise_refused(db, t, e);
	}
	return rc == -1 ? -1 : 0;
}

/* True if the text is certainly not a number for PostgreSQL: it has no digit
 * and is neither NaN nor Infinity. */
static bool
is_no_number(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr("0123456789nN\\", p[i]) != NULL)
			return false;
	return true;
}

/* Returns true if the column is an integer column that cannot hold the
 * number. */
static bool
is_out_of_range(const struct column *c, const char *p, size_t n)
{
	int64_t v;

	return c->kind == COLUMN_INT && (!number_to_int64(p, n, &v) ||
	    v < c->min || v > c->max);
}

/* True if it is certain, without asking the server, that the column of
 * PostgreSQL refuses the value. */
static bool
is_refused(const struct column *c, const struct json *j, uint32_t tok)
{
	const struct json_tok *t = &j->tok[tok];
	const char *p = j->text + t->at;

	if (c->kind != COLUMN_INT && c->kind != COLUMN_REAL &&
	    c->kind != COLUMN_NUMERIC)
		return (c->kind == COLUMN_BOOL || c->kind == COLUMN_TIME) &&
		    (t->type == JSON_ARRAY || t->type == JSON_OBJECT);
	switch (t->type) {
	case JSON_NULL:
		return false;
	case JSON_NUMBER:
		return is_out_of_range(c, p, t->len);
	case JSON_STRING:
		return is_no_number(p, t->len);
	default:
		return true;
	}
}

static int
note_widenings(struct evolve *v, const struct reader *r, struct err *e)
{
	const struct table *t = r->target->table;

	for (size_t c = 0; c < t->n; c++) {
		const struct json *j = reader_json(r, c);
		uint32_t tok = r->value[c];

		if (tok != 0 && is_refused(&t->columns[c], j, tok) &&
		    evolve_note_widening(v, &t->columns[c],
			value_kind(j, tok), e) == -1)
			return -1;
	}
	return 0;
}

int
evolve_note_planned(struct evolve *v, struct reader *r, const struct line *l,
    bool adds_columns, struct db *db, struct err *e)
{
	struct reject why;
	int rc = reader_read(r, l, &why, e);

	if (rc != 1)
		return rc == -1 ? -1 : 0;
	if (db_kind(db) == DB_POSTGRESQL && note_widenings(v, r, e) == -1)
		return -1;
	if (!adds_columns)
		return 0;
	sample_forget(&v->record);
	return sample_note_record(&v->record, r->stage, l, e) == -1 ? -1 :
	    evolve_note_columns(v, db, r->target->table, e);
}
