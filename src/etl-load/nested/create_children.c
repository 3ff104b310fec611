#include "nested/create_children.h"

#include "base/suggest.h"
#include "create/create_table.h"
#include "create/value_kinds.h"
#include "json/pointer.h"
#include "json/write.h"
#include "loader.h"
#include "nested/child_columns.h"
#include "nested/element_lines.h"

#include <stdlib.h>
#include <string.h>

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
