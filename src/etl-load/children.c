#include "children.h"

#include "base/buf.h"
#include "base/errval.h"
#include "base/text.h"
#include "create.h"
#include "json/pointer.h"
#include "json/write.h"
#include "loader.h"
#include "nested.h"
#include "sample.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* Appends the name of the column for part `number` of the parent's key: the
 * name of the parent, an underscore, and the name of the key column, such as
 * orders_id. */
static void
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

/* The state while one table is made. The table does not exist yet, so `child`
 * is a substitute for its target: it has only the columns that the loader
 * sets. */
struct making {
	struct loader *l;
	struct load_opts o;             /* as if the table was loaded by itself,
	                                 * with its primary key */
	struct sample sample;
	struct target parent, child;
	struct table table;
	struct element_lines lines;
	struct json json;
	struct buf key, line;
	struct sample_type *types;      /* of the columns of the key */
	uint64_t elements;              /* in the sample */
	struct suggestion near;         /* the nearest member with an array */
};

int
create_find_missing(struct loader *l, bool *missing, struct err *e)
{
	bool exists = true;

	for (size_t i = 0; i < l->nested_list.n && exists; i++)
		if (table_check_exists(l->db, l->nested_list.v[i].table,
		    &exists, e) == -1)
			return -1;
	*missing = !exists;
	return 0;
}

/* Adds the line that was made of an element to the sample. */
static int
note_made_line(struct making *m, struct stage *stage, const struct line *l,
    struct err *e)
{
	const struct line made = { .data = m->line.data, .len = m->line.len,
		.number = l->number };

	return buf_check(&m->line, e) == -1 ? -1 :
	    sample_note_record(&m->sample, stage, &made, e);
}

/* Adds to the sample the columns that the loader sets. So the table gets them
 * even if no record has an element. */
static int
note_key_columns(struct making *m, struct stage *stage, const struct line *l,
    struct err *e)
{
	buf_clear(&m->line);
	buf_add(&m->line, m->lines.key.data, m->lines.key.len);
	json_put_int(&m->line, CHILD_POSITION, 0);
	buf_char(&m->line, '}');
	return note_made_line(m, stage, l, e);
}

/* Adds the elements of the array to the sample, up to SAMPLE_RECORDS. */
static int
note_elements(struct making *m, struct stage *stage, const struct line *l,
    uint32_t array, struct err *e)
{
	const struct json_tok *tok = m->json.tok;
	struct reject why;
	uint64_t i = 0;

	for (uint32_t t = array + 1; t < tok[array].next; t = tok[t].next) {
		buf_clear(&m->line);
		m->elements++;
		if (element_lines_put(&m->lines, &m->line, t, i++, &why) == 1 &&
		    note_made_line(m, stage, l, e) == -1)
			return -1;
		if (m->sample.records >= SAMPLE_RECORDS)
			break;
	}
	return buf_check(&m->lines.name, e);
}

/* Keeps the name of the member with an array that is most similar to the
 * pointer, for the error message. */
static void
note_nearest(struct suggestion *near, const struct json *j)
{
	const struct json_tok *tok = j->tok;
	char name[SUGGEST_LONGEST + 1];

	for (uint32_t t = 1; t < tok[0].next; t = tok[t + 1].next) {
		size_t n = tok[t].len - 2;

		if (tok[t + 1].type != JSON_ARRAY || n + 2 > sizeof(name))
			continue;
		name[0] = '/';
		memcpy(name + 1, j->text + tok[t].at + 1, n);
		name[n + 1] = '\0';
		suggest_try(near, name);
	}
}

static bool
has_whole_key(const struct making *m)
{
	const struct target *p = &m->parent;
	struct json j = m->json;
	uint32_t v;

	for (size_t i = 0; i < p->nkey; i++) {
		v = mapping_find_value(&p->mapping, p->table, &j, p->key[i]);
		if (v == 0 || j.tok[v].type == JSON_NULL)
			return false;
	}
	return true;
}

/* Notes the elements of one record. A record that the load will reject is
 * treated as a record without elements. */
static int
note_parent_record(void *self, struct stage *stage, const struct line *l,
    struct err *e)
{
	struct making *m = self;
	struct reject why;
	uint32_t array;
	int rc = stage_parse_only(stage, l, &m->json,
	    element_lines_levels(&m->lines), m->l->duplicates, &why, e);

	if (rc != 1 || !has_whole_key(m)) {
		m->sample.records++;
		return rc == -1 ? -1 : 0;
	}
	note_nearest(&m->near, &m->json);
	if (element_lines_start(&m->lines, &m->json, e) == -1 ||
	    note_key_columns(m, stage, l, e) == -1)
		return -1;
	return element_lines_find_array(&m->lines, &array, &why) != 1 ? 0 :
	    note_elements(m, stage, l, array, e);
}

static int
fail_no_elements(const char *pointer, const char *table,
    const struct suggestion *near, struct err *e)
{
	(void)err_set(e, ERR_DATA, false, "--create: none of the first "
	    "records has an element in an array at %s, so table %s would have "
	    "no columns: create the table, or give --ddl FILE", pointer, table);
	suggest_put(e, near, "");
	return -1;
}

/* Gives m->child the columns for the parent's key. They have the types that the
 * key has in the parent. */
static int
set_child_key(struct making *m, struct err *e)
{
	const struct target *p = &m->parent;
	size_t n = p->nkey;

	m->child.table = &m->table;
	m->table = (struct table){ .name = (char *)(uintptr_t)m->o.table };
	m->table.columns = calloc(n + 1, sizeof(*m->table.columns));
	m->child.scope.columns = calloc(n, sizeof(size_t));
	m->types = calloc(n, sizeof(*m->types));
	if (m->table.columns == NULL || m->child.scope.columns == NULL ||
	    m->types == NULL)
		return err_nomem(e);
	m->table.columns[n].name = (char *)(uintptr_t)CHILD_POSITION;
	m->table.n = n + 1;
	m->child.position = (int)n;
	for (size_t i = 0; i < n; i++) {
		struct buf b;

		buf_init(&b, SIZE_MAX / 4);
		child_put_key_name(&b, p, i);
		m->table.columns[i].name = strdup(buf_text(&b));
		buf_printf(&m->key, "%s,", buf_text(&b));
		buf_release(&b);
		if (m->table.columns[i].name == NULL)
			return err_nomem(e);
		m->child.scope.columns[i] = i;
		m->child.scope.n++;
		m->types[i] = (struct sample_type){
			.column = m->table.columns[i].name,
			.type = p->table->columns[p->key[i]].type };
	}
	buf_str(&m->key, CHILD_POSITION);
	m->o.key = buf_text(&m->key);
	return buf_check(&m->key, e);
}

static int
open_making(struct making *m, struct loader *l, size_t i, struct err *e)
{
	const struct nested_table *t = &l->nested_list.v[i];

	*m = (struct making){ .l = l, .o = l->tables[l->ntables + i].o,
		.near = { .typed = t->pointer } };
	buf_init(&m->key, SIZE_MAX / 4);
	buf_init(&m->line, SIZE_MAX / 4);
	element_lines_init(&m->lines, &m->child, &m->parent, t->pointer);
	m->o.mode = "upsert";
	m->o.nested = (struct opt_list){ 0 };
	if (target_open(&m->parent, l->db, &l->tables[t->parent].o, e) == -1 ||
	    set_child_key(m, e) == -1)
		return -1;
	sample_init(&m->sample, &m->o, m->parent.mode, l->duplicates);
	m->sample.note = note_parent_record;
	m->sample.note_self = m;
	m->sample.types = m->types;
	m->sample.ntypes = m->parent.nkey;
	return 0;
}

static void
close_making(struct making *m)
{
	for (size_t i = 0; i < m->child.scope.n; i++)
		free(m->table.columns[i].name);
	free(m->table.columns);
	free(m->child.scope.columns);
	free(m->types);
	target_close(&m->parent);
	element_lines_release(&m->lines);
	sample_release(&m->sample);
	json_release(&m->json);
	buf_release(&m->key);
	buf_release(&m->line);
}

/* Does nothing if the table exists. */
static int
create_child(struct making *m, struct buf *ddl, struct err *e)
{
	struct loader *l = m->l;
	struct sample *s = &m->sample;
	enum table_state state;
	bool absent;

	if (create_read_sample(s, l->db, l->stage, &state, e) == -1)
		return -1;
	if (state != TABLE_MISSING) {
		l->absent |= state == TABLE_ABSENT;
		return 0;
	}
	if (m->elements == 0)
		return fail_no_elements(
		    m->lines.pointer, m->o.table, &m->near, e);
	if (sample_set_kinds(s, CHILD_POSITION, KIND_INT, e) == -1)
		return -1;
	return ddl != NULL ? create_table(s, l->db, ddl, e) :
	    create_ensure_table(s, l->db, l->stage, &absent, e);
}

int
create_children(struct loader *l, struct buf *ddl, struct err *e)
{
	struct making m;
	int rc = 0;

	for (size_t i = 0; i < l->nested_list.n && rc == 0 && !l->absent; i++) {
		rc = open_making(&m, l, i, e);
		if (rc == 0)
			rc = create_child(&m, ddl, e);
		close_making(&m);
	}
	return rc;
}

/* The state of a search for any element in the array at this pointer, in the
 * records of the sample. */
struct look {
	const char *pointer;
	struct json json;
	struct sample sample;
	struct suggestion near;
	bool found;
};

static int
look_in_record(void *self, struct stage *stage, const struct line *l,
    struct err *e)
{
	struct look *k = self;
	struct reject why;
	uint32_t v;
	int rc = stage_parse_only(stage, l, &k->json, JSON_LEVELS_ALL,
	    JSON_LAST, &why, e);

	k->sample.records++;
	if (rc != 1)
		return rc;
	note_nearest(&k->near, &k->json);
	k->found |= pointer_find(&k->json, k->pointer, &v) &&
	    k->json.tok[v].type == JSON_ARRAY && k->json.tok[v].members > 0;
	return 0;
}

/* Fails if the table does not exist and no record of the sample has an element
 * for it. */
static int
check_child_array(struct loader *l, const struct nested_table *t, struct err *e)
{
	struct look k = { .pointer = t->pointer,
		.near = { .typed = t->pointer } };
	bool exists;
	int rc;

	if (table_check_exists(l->db, t->table, &exists, e) == -1)
		return -1;
	if (exists)
		return 0;
	sample_init(&k.sample, l->o, l->mode, l->duplicates);
	k.sample.note = look_in_record;
	k.sample.note_self = &k;
	rc = sample_read(&k.sample, l->stage, e);
	if (rc == 0 && !k.found && !k.sample.no_input)
		rc = fail_no_elements(k.pointer, t->table, &k.near, e);
	sample_release(&k.sample);
	json_release(&k.json);
	return rc;
}

int
create_check_children(struct loader *l, struct err *e)
{
	for (size_t i = 0; i < l->nested_list.n; i++)
		if (check_child_array(l, &l->nested_list.v[i], e) == -1)
			return -1;
	return 0;
}
