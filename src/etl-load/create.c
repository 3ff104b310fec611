#include "create.h"

#include "base/text.h"
#include "children.h"
#include "db/table.h"
#include "history.h"
#include "json/pointer.h"
#include "json/write.h"
#include "loader.h"
#include "nested.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int
add_option_columns(struct sample *s, struct err *e)
{
	const struct load_opts *o = s->o;
	const struct history_names names = s->mode->history ?
	    history_get_names(o) : (struct history_names){ NULL, NULL, NULL };
	const struct {
		const char *name;
		unsigned kind;
	} columns[] = {
		{ mapping_has_extra(o) ? o->extra : NULL,
		    KIND_OPTION_JSON },
		{ o->touch, KIND_OPTION_TIME }, { o->seen, KIND_OPTION_TIME },
		{ o->soft_delete, KIND_OPTION_TIME },
		{ names.from, KIND_OPTION_TIME },
		{ names.to, KIND_OPTION_TIME },
		{ names.current, KIND_OPTION_BOOL },
	};

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (columns[i].name != NULL && sample_set_kinds(s,
		    columns[i].name, columns[i].kind, e) == -1)
			return -1;
	return 0;
}

static int
check_in_sample(const struct sample *s, const char *option, const char *name,
    size_t len, struct err *e)
{
	struct suggestion near = { 0 };
	struct buf typed, other;

	for (size_t i = 0, n; i < s->columns.n; i++) {
		const char *have = sample_get_name(s, i, &n);

		if (n == len && memcmp(have, name, n) == 0)
			return 0;
	}
	buf_init(&typed, SIZE_MAX / 4);
	buf_init(&other, SIZE_MAX / 4);
	buf_add(&typed, name, len);
	near.typed = buf_text(&typed);
	(void)err_set(e, ERR_CONFIG, false, "--create: no record of the sample "
	    "has the member \"%s\", which %s names", near.typed, option);
	for (size_t i = 0, n; i < s->columns.n; i++) {
		const char *have = sample_get_name(s, i, &n);

		buf_clear(&other);
		buf_add(&other, have, n);
		suggest_try(&near, buf_text(&other));
	}
	suggest_put(e, &near, "");
	buf_release(&typed);
	buf_release(&other);
	return -1;
}

static int
check_all_in_sample(const struct sample *s, const char *option,
    const char *list, struct err *e)
{
	const char *name;
	size_t len;

	while (name_list_next_trimmed(&list, &name, &len))
		if (check_in_sample(s, option, name, len, e) == -1)
			return -1;
	return 0;
}

/* Adds the columns that --columns and --map name: the table gets them even if
 * no record of the sample has a value for them. */
static int
add_named_columns(struct sample *s, struct err *e)
{
	const struct load_opts *o = s->o;
	const char *list = o->columns, *name;
	size_t len;

	while (name_list_next_trimmed(&list, &name, &len))
		if (sample_add_kinds(s, name, len, 0, e) == -1)
			return -1;
	for (size_t i = 0; i < o->map.n; i++) {
		name = o->map.v[i];
		len = (size_t)(strstr(name, "=/") - name);
		if (sample_add_kinds(s, name, len, 0, e) == -1)
			return -1;
	}
	return 0;
}

/* Adds the columns that options need to those of the sample. */
static int
create_add_columns(struct sample *s, struct err *e)
{
	const struct load_opts *o = s->o;

	if (s->mode->keyed && o->key == NULL)
		return err_set(e, ERR_CONFIG, false, "--create: table %s does "
		    "not exist: name the columns of its primary key with --key",
		    o->table);
	return add_named_columns(s, e) == -1 ||
	    add_option_columns(s, e) == -1 ||
	    check_all_in_sample(s, "--key", o->key, e) == -1 ||
	    check_all_in_sample(s, "--scope", o->scope, e) == -1 ||
	    check_all_in_sample(s, "--compare", o->compare, e) == -1 ||
	    check_all_in_sample(s, "--newer-by", o->newer_by, e) == -1 ?
	    -1 : 0;
}

/* Checks the names of the columns and their number. To SQLite two names are
 * equal if they differ only in the case of letters. */
static int
check_names(const struct sample *s, enum db_kind kind, struct err *e)
{
	const size_t most = max_columns(kind);
	const char *a, *b;
	size_t na, nb;

	if (s->columns.n > most)
		return err_set(e, ERR_CONFIG, false, "--create: the table "
		    "would have %zu columns, but the database allows %zu: "
		    "name the columns with --columns", s->columns.n, most);
	for (size_t i = 0; i < s->columns.n; i++) {
		a = sample_get_name(s, i, &na);
		if (kind == DB_POSTGRESQL && na >= 4 &&
		    memcmp(a, "etl.", 4) == 0)
			return err_set(e, ERR_CONFIG, false, "--create: "
			    "member \"%.*s\": etl-load uses names that begin "
			    "with etl. itself: name the columns with "
			    "--columns, or rename the member", (int)na, a);
		for (size_t k = 0; kind == DB_SQLITE && k < i; k++) {
			b = sample_get_name(s, k, &nb);
			if (na == nb && strncasecmp(a, b, na) == 0)
				return err_set(e, ERR_CONFIG, false,
				    "--create: the members \"%.*s\" and "
				    "\"%.*s\" differ only in case, and SQLite "
				    "takes both for one column: name one with "
				    "--columns, and the other with --map",
				    (int)nb, b, (int)na, a);
		}
	}
	return 0;
}

/* Returns the second column of the primary key, or NULL. In --mode scd2 a key
 * has several rows, so the start of their validity belongs to the primary key
 * too. */
static const char *
second_key_part(const struct sample *s)
{
	return s->mode->history ? history_get_names(s->o).from : NULL;
}

static int
put_definitions(struct buf *b, struct db *db, const struct sample *s,
    struct err *e)
{
	const char *from = second_key_part(s);
	enum db_kind kind = db_kind(db);

	for (size_t i = 0, n; i < s->columns.n; i++) {
		const char *name = sample_get_name(s, i, &n);
		bool key = name_list_has(s->o->key, name, n) ||
		    (from != NULL && strlen(from) == n &&
		    memcmp(from, name, n) == 0);

		buf_str(b, i == 0 ? "    " : ",\n    ");
		if (db_quote_name(db, b, name, n, e) == -1)
			return -1;
		buf_printf(b, " %s%s", sample_find_type(s, name, n,
			s->columns.v[i].value, kind),
		    key ? " NOT NULL" : "");
	}
	return 0;
}

static int
put_key_names(struct buf *b, struct db *db, const char *key, struct err *e)
{
	const char *name, *comma = "";
	size_t n;

	while (name_list_next_trimmed(&key, &name, &n)) {
		buf_str(b, comma);
		if (db_quote_name(db, b, name, n, e) == -1)
			return -1;
		comma = ", ";
	}
	return 0;
}

/* Appends a unique index that allows one current row for each key. In SQLite
 * the index needs a name; the schema then stands before this name, and not
 * before the name of the table. */
static int
put_current_index(struct buf *b, struct db *db,
    const struct sample *s, const struct table *t, struct err *e)
{
	const char *current = history_get_names(s->o).current;
	struct buf name;
	int rc = 0;

	buf_init(&name, SIZE_MAX / 4);
	buf_printf(&name, "%s_current", t->base);
	buf_str(b, "CREATE UNIQUE INDEX ");
	if (db_kind(db) == DB_SQLITE) {
		if (t->schema != NULL)
			rc = db_quote_name(
			    db, b, t->schema, strlen(t->schema), e);
		buf_str(b, t->schema != NULL ? "." : "");
		if (rc == 0)
			rc = db_quote_name(db, b, name.data, name.len, e);
		buf_str(b, " ON ");
		if (rc == 0)
			rc = db_quote_name(
			    db, b, t->base, strlen(t->base), e);
	} else {
		buf_printf(b, "ON %s", t->quoted);
	}
	buf_release(&name);
	buf_str(b, " (");
	if (rc == -1 || put_key_names(b, db, s->o->key, e) == -1)
		return -1;
	buf_str(b, ") WHERE ");
	if (db_quote_name(db, b, current, strlen(current), e) == -1)
		return -1;
	buf_str(b, ";\n");
	return 0;
}

static int
put_create_table(struct buf *b, struct db *db, const struct sample *s,
    const struct table *t, struct err *e)
{
	const char *from = second_key_part(s);

	buf_printf(b, "CREATE TABLE %s (\n", t->quoted);
	if (put_definitions(b, db, s, e) == -1)
		return -1;
	if (s->o->key != NULL) {
		buf_str(b, ",\n    PRIMARY KEY (");
		if (put_key_names(b, db, s->o->key, e) == -1)
			return -1;
		buf_str(b, from != NULL ? ", " : "");
		if (from != NULL &&
		    db_quote_name(db, b, from, strlen(from), e) == -1)
			return -1;
		buf_char(b, ')');
	}
	buf_str(b, "\n);\n");
	return s->mode->history ? put_current_index(b, db, s, t, e) : 0;
}

/* Refuses a temporary table: the database drops it at the end of the session,
 * and with it all loaded rows. */
static int
check_not_temp(const struct table *t, enum db_kind kind, struct err *e)
{
	const char *temp = kind == DB_SQLITE ? "temp" : "pg_temp";

	return t->schema == NULL || strcasecmp(t->schema, temp) != 0 ? 0 :
	    err_set(e, ERR_CONFIG, false, "a temporary table would be lost "
	    "when etl-load ends: leave %s. out of the name %s", t->schema,
	    t->name);
}

/* Refuses the name of a control table: the programs of etl would use such a
 * table as their own control table, and fail. PostgreSQL accepts the name with
 * a schema, because the control tables may be in another schema
 * (--control-schema). */
static int
check_not_control(const struct table *t, enum db_kind kind, struct err *e)
{
	static const char *const names[] = { "etl_control", "pipeline_runs",
		"dead_letters", "dead_letter_attempts", "etl_checkpoints",
		"etl_loads", "etl_files", "etl_before", "etl_before_runs",
		"etl_scopes" };

	if (kind == DB_POSTGRESQL && t->schema != NULL)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(t->base, names[i]) == 0)
			return err_set(e, ERR_CONFIG, false, "%s is the name "
			    "of a control table, which the programs make for "
			    "themselves: give the table another name",
			    t->name);
	return 0;
}

/* Appends CREATE TABLE and, for --mode scd2, CREATE UNIQUE INDEX. */
static int
create_put_sql(struct buf *b, struct db *db, const struct sample *s,
    struct err *e)
{
	struct table *t = NULL;
	int rc;

	if (check_names(s, db_kind(db), e) == -1 ||
	    table_new(&t, db, s->o->table, e) == -1)
		return -1;
	rc = check_not_temp(t, db_kind(db), e);
	if (rc == 0)
		rc = check_not_control(t, db_kind(db), e);
	if (rc == 0)
		rc = put_create_table(b, db, s, t, e);
	table_free(t);
	if (rc == -1)
		err_prefix(e, "--create");
	return rc == -1 ? -1 : buf_check(b, e);
}

/* Opens the target only to check that the options fit the new table. */
static int
try_target(struct db *db, const struct load_opts *o, struct err *e)
{
	struct target t;
	int rc = target_open(&t, db, o, e);

	target_close(&t);
	return rc;
}

int
create_table(struct sample *s, struct db *db, struct buf *ddl, struct err *e)
{
	size_t at = ddl->len;

	if (create_add_columns(s, e) == -1 ||
	    create_put_sql(ddl, db, s, e) == -1)
		return -1;
	if (db_script(db, buf_text(ddl) + at, e) == 0)
		return try_target(db, s->o, e);
	if (e->code == ERR_DATA)
		e->code = ERR_CONFIG;
	err_prefix(e, "--create: table %s", s->o->table);
	return -1;
}

/* Creates the table in a transaction of its own. */
static int
create_committed(struct sample *s, struct db *db, struct err *e)
{
	struct buf ddl;
	int rc = -1;

	buf_init(&ddl, SIZE_MAX / 4);
	if (db_begin(db, e) == 0) {
		rc = create_table(s, db, &ddl, e);
		if (rc == 0)
			rc = db_commit(db, e);
		if (rc == -1)
			db_rollback(db);
	}
	buf_release(&ddl);
	return rc;
}

/* If another program has made the table in the meantime, CREATE TABLE fails,
 * with several different errors. So any error counts as success if the table
 * exists now. */
static int
create_once(struct sample *s, struct db *db, struct err *e)
{
	struct err none;
	bool exists = false;

	if (create_committed(s, db, e) == 0)
		return 0;
	if (e->transient || db_fault(db)->lost ||
	    table_check_exists(db, s->o->table, &exists, &none) == -1)
		return -1;
	return exists ? 0 : -1;
}

static int
fail_no_columns(const struct sample *s, struct err *e)
{
	if (s->records == 0)
		return err_set(e, ERR_DATA, false, "--create: the first %d MiB "
		    "of the input have no record from which table %s could get "
		    "its columns: create the table yourself, or give --ddl "
		    "FILE",
		    SAMPLE_BYTES >> 20, s->o->table);
	return err_set(e, ERR_DATA, false, "--create: none of the first %llu "
	    "records is %s: table %s was not created; create it yourself, or "
	    "give --ddl FILE",
	    (unsigned long long)s->records, s->good == 0 && s->mode->changes ?
	    "a change with the members of a row" :
	    "a JSON object with members", s->o->table);
}

int
create_read_sample(struct sample *s, struct db *db, struct stage *stage,
    enum table_state *state, struct err *e)
{
	bool exists;

	if (table_check_exists(db, s->o->table, &exists, e) == -1 ||
	    (!exists && !s->read && sample_read(s, stage, e) == -1))
		return -1;
	*state = exists ? TABLE_EXISTS :
	    s->no_input ? TABLE_ABSENT : TABLE_MISSING;
	return *state == TABLE_MISSING &&
	    (s->good == 0 || s->columns.n == 0) ? fail_no_columns(s, e) : 0;
}

int
create_ensure_table(struct sample *s, struct db *db,
    struct stage *stage, bool *absent, struct err *e)
{
	enum table_state state;

	if (create_read_sample(s, db, stage, &state, e) == -1)
		return -1;
	*absent = state == TABLE_ABSENT;
	return state == TABLE_MISSING ? create_once(s, db, e) : 0;
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
