#include "nested/key_equality.h"

#include "base/buf.h"
#include "base/errval.h"

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

int
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
