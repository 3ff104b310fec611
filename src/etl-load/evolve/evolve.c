#include "evolve/evolve.h"

#include "create/value_kinds.h"
#include "evolve/column_width.h"

#include <string.h>
#include <strings.h>

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

const struct column *
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

int
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

int
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
