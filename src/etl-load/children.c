#include "children.h"

#include "base/buf.h"
#include "base/errval.h"
#include "json/write.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>

/* Compares two types without their limits: numeric(9,2) is numeric. */
static bool
is_same_type(const char *a, const char *b)
{
	for (;;) {
		a += *a == '(' ? strcspn(a, ")") : 0;
		b += *b == '(' ? strcspn(b, ")") : 0;
		a += *a == ')';
		b += *b == ')';
		if (*a != *b || *a == '\0')
			return *a == *b;
		a++;
		b++;
	}
}

static bool
is_char(const struct column *c)
{
	return strncmp(c->type, "character(", 10) == 0;
}

static bool
same_equality(const struct column *c, const struct column *k, enum db_kind kind)
{
	bool ints = c->kind == COLUMN_INT && k->kind == COLUMN_INT;

	if (kind == DB_SQLITE)
		return c->kind == k->kind && c->numeric == k->numeric;
	if (ints && c->change == CHANGE_NONE && k->change == CHANGE_NONE)
		return true;
	if (c->equal_as_bytes || k->equal_as_bytes)
		return c->equal_as_bytes && k->equal_as_bytes &&
		    is_char(c) == is_char(k);
	return is_same_type(c->type, k->type);
}

static int
put_collation(struct buf *b, const struct table *p, const struct column *k,
    size_t nkey, struct db *db, struct err *e)
{
	const struct db_value v[] = { db_text(p->base), db_text(k->name),
		DB_I((int64_t)nkey) };
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_TABLE_KEY_COLLATION), v, 3, e) ==
	    -1)
		return -1;
	if ((rc = db_next(r, e)) == 1) {
		buf_str(b, " COLLATE \"");
		buf_add(b, db_column(r, 0).p, db_column(r, 0).len);
		buf_char(b, '"');
	}
	db_end(r);
	return rc == -1 ? -1 : 0;
}

/* IS finds NULL too. */
static int
set_scope_where(struct target *t, const struct target *parent, struct db *db,
    struct err *e)
{
	const struct table *p = parent->table;
	struct buf b;
	int rc = 0;

	buf_init(&b, SIZE_MAX / 4);
	for (size_t i = 0; i < parent->nkey && rc == 0; i++) {
		buf_printf(&b, "%s%s IS $%zu", i > 0 ? " AND " : "",
		    t->table->columns[t->scope.columns[i]].quoted, i + 1);
		rc = put_collation(&b, p, &p->columns[parent->key[i]],
		    parent->nkey, db, e);
	}
	if (rc == 0 && buf_finish(&b, e) == NULL)
		rc = -1;
	if (rc == 0 && (t->scope_where = strdup(b.data)) == NULL)
		rc = err_nomem(e);
	buf_release(&b);
	return rc;
}

/* Called when t->scope is known. On SQLite also sets t->scope_where, the
 * condition that finds the old rows with the collation of the parent's key. */
static int
key_equality_check(struct target *t,
    const struct target *parent, struct db *db, struct err *e)
{
	const struct table *p = parent->table;
	enum db_kind kind = db_kind(db);

	for (size_t i = 0; i < parent->nkey; i++) {
		const struct column *k = &p->columns[parent->key[i]],
		    *c = &t->table->columns[t->scope.columns[i]];

		if (!same_equality(c, k, kind))
			return err_set(e, ERR_CONFIG, false, "--nested: column "
			    "\"%s\" of table %s (%s) compares values in "
			    "another way than \"%s\" of table %s (%s), so old "
			    "rows of a record might stay: give it the same "
			    "type and collation", c->name, t->table->name,
			    c->type, k->name, p->name, k->type);
	}
	return kind == DB_SQLITE ? set_scope_where(t, parent, db, e) : 0;
}

struct foreign_key {
	const struct target *child, *parent;
	enum db_kind kind;
	size_t *columns;        /* by place in the parent's key */
	size_t n;               /* columns of the present foreign key that
	                         * refer to the parent's key */
	bool fits;              /* no column of it refers to another column */
	size_t found;           /* foreign keys to the whole key */
};

/* Returns true if the database takes the two names for the same. SQLite ignores
 * their case. */
static bool
is_same_name(enum db_kind kind, const char *name, struct db_value v)
{
	size_t n = strlen(name);

	return v.len == n && (kind == DB_SQLITE ? strncasecmp(name, v.p, n) :
	    memcmp(name, v.p, n)) == 0;
}

/* Finds the column of the parent that a column of a foreign key refers to.
 * Returns its place in the parent's key, or nkey if it is not in the key. */
static size_t
find_place_in_key(
    const struct foreign_key *f, int64_t place, struct db_value other)
{
	const struct target *p = f->parent;
	size_t i = 0;

	for (; i < p->nkey; i++) {
		const struct column *c = &p->table->columns[p->key[i]];

		if (other.type == DB_NULL ? c->key == place :
		    is_same_name(f->kind, c->name, other))
			break;
	}
	return i;
}

static void
note_key_column(struct foreign_key *f, const struct db_rows *r)
{
	size_t place = find_place_in_key(
	    f, db_column(r, 2).i, db_column(r, 3));
	const struct table *t = f->child->table;

	for (size_t c = 0; c < t->n && place < f->parent->nkey; c++)
		if (is_same_name(f->kind, t->columns[c].name,
		    db_column(r, 1))) {
			f->columns[place] = c;
			f->n++;
			return;
		}
	f->fits = false;
}

/* Called after the last column of a foreign key. If the foreign key refers to
 * the whole key of the parent, counts it in f->found; the first such foreign
 * key sets the columns of the scope. */
static void
use_foreign_key(struct foreign_key *f, struct shape *scope)
{
	size_t n = f->parent->nkey;

	if (f->fits && f->n == n && f->found++ == 0) {
		memcpy(scope->columns, f->columns, n * sizeof(*f->columns));
		scope->n = n;
	}
	f->n = 0;
	f->fits = true;
}

/* Reads the foreign keys of the child. Counts in f->found those to the whole
 * key of the parent, and sets the scope to the columns of the first one. */
static int
read_foreign_keys(struct foreign_key *f, struct shape *scope, struct db *db,
    struct err *e)
{
	bool pg = f->kind == DB_POSTGRESQL;
	const struct table *t = f->child->table, *p = f->parent->table;
	struct db_value v[] = { db_text(pg ? t->quoted : t->base),
		db_text(pg ? p->quoted : p->base) };
	int64_t id = -1;
	struct db_rows *r;
	int rc;

	if (db_query(db, &r, db_sql(db, SQL_TABLE_FOREIGN_KEYS), v, 2, e) == -1)
		return -1;
	while ((rc = db_next(r, e)) == 1) {
		if (db_column(r, 0).i != id)
			use_foreign_key(f, scope);
		id = db_column(r, 0).i;
		note_key_column(f, r);
	}
	db_end(r);
	use_foreign_key(f, scope);
	return rc;
}

/* Leaves the scope empty unless exactly one foreign key refers to the parent's
 * key. */
static int
set_scope_by_key(struct target *t, const struct target *parent, struct db *db,
    struct err *e)
{
	struct foreign_key f = { .child = t, .parent = parent,
		.kind = db_kind(db), .fits = true };
	int rc;

	f.columns = calloc(parent->nkey + 1, sizeof(*f.columns));
	if (f.columns == NULL)
		return err_nomem(e);
	rc = read_foreign_keys(&f, &t->scope, db, e);
	if (f.found != 1)
		t->scope.n = 0;
	free(f.columns);
	return rc;
}

void
child_put_key_name(struct buf *b, const struct target *parent, size_t number)
{
	const struct table *p = parent->table;

	buf_printf(b, "%s_%s", p->base, p->columns[parent->key[number]].name);
}

/* Adds the column with this name to the scope. Fails if the table has none. */
static int
add_scope_named(struct target *t, const struct target *parent, size_t i,
    const char *name, struct err *e)
{
	const struct table *p = parent->table;

	for (size_t c = 0; c < t->table->n; c++)
		if (strcmp(t->table->columns[c].name, name) == 0) {
			t->scope.columns[t->scope.n++] = c;
			return 0;
		}
	return err_set(e, ERR_CONFIG, false, "--nested: table %s has no column "
	    "for the key of its parent record (\"%s\" of table %s): add a "
	    "foreign key to the key of table %s, or a column \"%s\"",
	    t->table->name,
	    p->columns[parent->key[i]].name, p->name, p->name, name);
}

static int
set_scope_by_names(struct target *t, const struct target *parent, struct err *e)
{
	struct buf name;
	int rc = 0;

	buf_init(&name, SIZE_MAX / 4);
	for (size_t i = 0; i < parent->nkey && rc == 0; i++) {
		buf_clear(&name);
		child_put_key_name(&name, parent, i);
		(void)buf_text(&name);
		rc = buf_check(&name, e);
		if (rc == 0)
			rc = add_scope_named(t, parent, i, buf_text(&name), e);
	}
	buf_release(&name);
	return rc;
}

/* Fails if the database generates a column of t->scope, because then the loader
 * cannot set it. */
static int
check_scope_columns(const struct target *t, struct err *e)
{
	for (size_t i = 0; i < t->scope.n; i++) {
		const struct column *c =
		    &t->table->columns[t->scope.columns[i]];

		if (c->generated)
			return err_set(e, ERR_CONFIG, false, "--nested: column "
			    "\"%s\" of table %s is generated by the database, "
			    "so etl-load cannot write the key of the parent "
			    "record into it", c->name, t->table->name);
	}
	return 0;
}

/* Sets t->scope_has_index. Does nothing on SQLite. */
static int
read_scope_index(struct target *t, struct db *db, struct err *e)
{
	struct db_value v[3] = { db_text(t->table->quoted) };
	struct buf names;
	int64_t n = 0;
	int rc;

	if (db_kind(db) != DB_POSTGRESQL)
		return 0;
	buf_init(&names, SIZE_MAX / 4);
	for (size_t i = 0; i < t->scope.n; i++) {
		const char *name = t->table->columns[t->scope.columns[i]].name;

		buf_char(&names, i == 0 ? '[' : ',');
		json_put_string(&names, name, strlen(name));
	}
	buf_char(&names, ']');
	v[1] = db_text(buf_text(&names));
	v[2] = DB_I((int64_t)t->scope.n);
	rc = buf_check(&names, e);
	if (rc == 0)
		rc = db_query_int(db, db_sql(db, SQL_TABLE_COUNT_INDEXES), v, 3,
		    0, &n, e);
	t->scope_has_index = n > 0;
	buf_release(&names);
	return rc;
}

int
child_set_columns(struct target *t, const struct target *parent, struct db *db,
    struct err *e)
{
	if (set_scope_by_key(t, parent, db, e) == -1 ||
	    (t->scope.n == 0 &&
	    set_scope_by_names(t, parent, e) == -1) ||
	    check_scope_columns(t, e) == -1 ||
	    key_equality_check(t, parent, db, e) == -1)
		return -1;
	for (size_t c = 0; c < t->table->n; c++)
		if (strcmp(t->table->columns[c].name, CHILD_POSITION) == 0 &&
		    !t->table->columns[c].generated)
			t->position = (int)c;
	return read_scope_index(t, db, e);
}

bool
child_sets_column(const struct target *t, const char *name, size_t len)
{
	const struct column *c = t->table->columns;

	for (size_t i = 0; i < t->scope.n + (t->position != NO_COLUMN); i++) {
		size_t column = i < t->scope.n ? t->scope.columns[i] :
		    (size_t)t->position;

		if (strlen(c[column].name) == len &&
		    memcmp(c[column].name, name, len) == 0)
			return true;
	}
	return false;
}
