#include "nested.h"

#include "base/stop.h"
#include "children.h"
#include "json/pointer.h"
#include "json/write.h"
#include "keys.h"
#include "loader.h"
#include "phase.h"
#include "target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
element_lines_init(struct element_lines *l, const struct target *child,
    const struct target *parent, const char *pointer)
{
	*l = (struct element_lines){ .child = child, .parent = parent,
		.pointer = pointer };
	buf_init(&l->key, SIZE_MAX / 4);
	buf_init(&l->name, SIZE_MAX / 4);
	buf_init(&l->place, SIZE_MAX / 4);
}

void
element_lines_release(struct element_lines *l)
{
	buf_release(&l->key);
	buf_release(&l->name);
	buf_release(&l->place);
}

unsigned
element_lines_levels(const struct element_lines *l)
{
	unsigned n = pointer_count(l->pointer) + 2;

	if (n < l->parent->mapping.levels)
		n = l->parent->mapping.levels;
	return n < JSON_LEVELS_ALL ? n : JSON_LEVELS_ALL;
}

static const char *
get_key_name(const struct element_lines *l, size_t i)
{
	const struct target *t = l->child;

	return t->table->columns[t->scope.columns[i]].name;
}

/* Returns the token of value number i of the record's key; 0 if it has none. */
static uint32_t
find_key_value(const struct element_lines *l, size_t i)
{
	const struct target *p = l->parent;

	return mapping_find_value(&p->mapping, p->table, l->json, p->key[i]);
}

int
element_lines_start(struct element_lines *l, struct json *record, struct err *e)
{
	l->json = record;
	buf_clear(&l->key);
	buf_char(&l->key, '{');
	for (size_t i = 0; i < l->child->scope.n; i++) {
		const struct json_tok *t =
		    &record->tok[find_key_value(l, i)];

		json_put_raw(&l->key, get_key_name(l, i), record->text + t->at,
		    t->len);
	}
	return buf_check(&l->key, e);
}

int
element_lines_find_array(
    struct element_lines *l, uint32_t *array, struct reject *why)
{
	const struct json_tok *tok = l->json->tok;

	if (!pointer_find(l->json, l->pointer, array) ||
	    tok[*array].type == JSON_NULL)
		return 0;
	if (tok[*array].type == JSON_ARRAY)
		return 1;
	(void)snprintf(l->message, sizeof(l->message), "the rows of table %s "
	    "come from an array here (--nested), but the value is %s",
	    l->child->table->name, json_type_name(tok[*array].type));
	*why = (struct reject){ .code = "type", .pointer = l->pointer,
		.message = l->message };
	return -1;
}

/* Appends a record that has only the members for the parent's key. */
static void
element_lines_put_key(const struct element_lines *l, struct buf *b)
{
	buf_add(b, l->key.data, l->key.len);
	buf_char(b, '}');
}

/* Returns the name that is token `tok`, with its escapes decoded. */
static const char *
get_member_name(struct element_lines *l, uint32_t tok, size_t *len)
{
	const struct json_tok *t = &l->json->tok[tok];

	if ((t->flags & JSON_ESCAPED) == 0) {
		*len = t->len - 2;
		return l->json->text + t->at + 1;
	}
	buf_clear(&l->name);
	json_unescape(&l->name, l->json, tok);
	*len = l->name.len;
	return buf_text(&l->name);
}

/* The member `name` of an element has the name of a column that the loader
 * sets. True if its value (token `tok`) has the same text as the value that the
 * loader sets. */
static bool
has_loader_value(const struct element_lines *l, const char *name, size_t len,
    uint32_t tok, uint64_t number)
{
	const struct json_tok *t = &l->json->tok[tok], *v;
	const char *text = l->json->text;
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, number);

	for (size_t i = 0; i < l->child->scope.n; i++) {
		const char *key = get_key_name(l, i);

		if (strlen(key) != len || memcmp(key, name, len) != 0)
			continue;
		v = &l->json->tok[find_key_value(l, i)];
		return v->len == t->len &&
		    memcmp(text + v->at, text + t->at, t->len) == 0;
	}
	return t->len == (size_t)n && memcmp(text + t->at, digits, t->len) == 0;
}

static int
reject_own_member(struct element_lines *l, const char *name, size_t len,
    uint64_t number, struct reject *why)
{
	(void)snprintf(l->message, sizeof(l->message), "table %s: --nested "
	    "sets column \"%.*s\", but this member has another value",
	    l->child->table->name, len < 200 ? (int)len : 200, name);
	buf_clear(&l->place);
	buf_printf(&l->place, "%s/%" PRIu64, l->pointer, number);
	pointer_put_part(&l->place, name, len);
	*why = (struct reject){ .code = "schema", .message = l->message,
		.pointer = buf_text(&l->place) };
	return 0;
}

/* Appends a member of the element. If the loader itself sets the column of this
 * name, such as the position, appends nothing; if the member then has another
 * value than the loader sets, rejects the record. Returns 1, or 0 if the record
 * must be rejected. */
static int
put_member(struct element_lines *l, struct buf *b, uint32_t tok,
    uint64_t number, struct reject *why)
{
	const struct json_tok *t = l->json->tok;
	const char *text = l->json->text, *name;
	size_t len;

	name = get_member_name(l, tok, &len);
	if (child_sets_column(l->child, name, len))
		return has_loader_value(l, name, len, tok + 1,
		    number) ? 1 : reject_own_member(l, name, len, number, why);
	buf_char(b, ',');
	buf_add(b, text + t[tok].at, t[tok].len);
	buf_char(b, ':');
	buf_add(b, text + t[tok + 1].at, t[tok + 1].len);
	return 1;
}

int
element_lines_put(struct element_lines *l, struct buf *b, uint32_t tok,
    uint64_t number, struct reject *why)
{
	const struct json_tok *t = l->json->tok;
	int rc = 1;

	buf_add(b, l->key.data, l->key.len);
	if (l->child->position != NO_COLUMN)
		json_put_int(b, CHILD_POSITION, (int64_t)number);
	if (t[tok].type != JSON_OBJECT)
		json_put_raw(b, CHILD_VALUE, l->json->text + t[tok].at,
		    t[tok].len);
	else
		for (uint32_t m = tok + 1; m < t[tok].next && rc == 1;
		    m = t[m + 1].next)
			rc = put_member(l, b, m, number, why);
	buf_char(b, '}');
	return rc;
}

/* `inner` is a pointer in the line that was made. True if it leads to a member
 * that the loader has put there, which the element itself does not have. */
static bool
is_own_pointer(struct element_lines *l, const char *inner)
{
	for (size_t i = 0; i < l->child->scope.n; i++) {
		const char *name = get_key_name(l, i);

		buf_clear(&l->name);
		pointer_put_part(&l->name, name, strlen(name));
		if (strcmp(buf_text(&l->name), inner) == 0)
			return true;
	}
	return strcmp(inner, "/" CHILD_POSITION) == 0;
}

/* The table has refused the row of element number `i`, and `inner` is the
 * pointer in its line to the wrong value, or NULL. Returns the pointer to the
 * same value in the parent's record: /items/3/price for /price. */
static const char *
element_lines_pointer(struct element_lines *l, uint64_t number, bool is_object,
    const char *inner, struct err *e)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 4);
	buf_printf(&b, "%s/%" PRIu64, l->pointer, number);
	if (inner != NULL && is_object && !is_own_pointer(l, inner))
		buf_str(&b, inner);
	buf_clear(&l->place);
	buf_add(&l->place, b.data, b.len);
	(void)buf_text(&l->place);
	l->place.failed |= b.failed | l->name.failed;
	buf_release(&b);
	return buf_check(&l->place, e) == -1 ? NULL : l->place.data;
}

enum { ROWS_MOST = 10000 };     /* that are written together */

/* Notes that the record must be rejected in the next try of the batch. */
static int
note_reject(struct loader *l, const struct child *c, size_t item,
    const struct reject *why, struct err *e)
{
	l->nested->repeat = true;
	return outcome_note_reject(
	    &c->parent->outcome, item, why, e);
}

/* The table has refused row number `row`, because of *why. Calls note_reject()
 * for the record that contains the row's element. */
static int
note_row_reject(struct loader *l, struct child *c, size_t row,
    struct reject why, struct err *e)
{
	const struct element *m = &c->elements[row];
	struct buf *b = &l->nested->scratch;

	why.pointer = element_lines_pointer(&c->lines, m->number, m->is_object,
	    why.pointer, e);
	if (why.pointer == NULL)
		return -1;
	buf_clear(b);
	if (strncmp(why.message, "table ", 6) != 0)
		buf_printf(b, "table %s: ", c->table->target.table->name);
	buf_str(b, why.message);
	why.message = buf_text(b);
	return buf_check(b, e) == -1 ? -1 : note_reject(l, c, m->item, &why, e);
}

/* Calls note_reject() for the records of all refused rows. */
static int
note_all_rejects(struct loader *l, struct child *c, const struct refusals *rows,
    uint64_t first, struct err *e)
{
	for (size_t i = 0; i < rows->n; i++)
		if (note_row_reject(l, c, rows->v[i].item - first,
		    refusals_get(rows, i), e) == -1)
			return -1;
	return 0;
}

/* Deletes the rows that the table has for the keys of the added records.
 * Ignores the number of unreadable keys: if the columns cannot hold a key, the
 * table has no rows for it. */
static int
delete_by_keys(struct loader *l, struct child *c, struct err *e)
{
	const struct sink_scopes *s = l->sink->scopes;
	struct outcome *o = &c->table->outcome;
	void *self = c->table->self;
	uint64_t unreadable = 0;
	int rc;

	if (c->keys.n == 0)
		return 0;
	outcome_start_chunk(o, &c->keys, NULL);
	rc = s->start(self, e) == -1 || s->add(self, o, &unreadable, e) == -1 ||
	    s->finish(self, o, e) == -1 ? -1 : 0;
	spool_clear(&c->keys);
	if (rc == -1)
		err_prefix(e, "table %s: the rows that elements replace cannot "
		    "be deleted", c->table->target.table->name);
	return rc;
}

/* Deletes the old rows of the records that were added since the last call, then
 * writes the rows of their elements. */
static enum sink_result
child_flush(struct loader *l, struct child *c, struct err *e)
{
	struct outcome *o = &c->table->outcome;
	enum sink_result rc;

	if (delete_by_keys(l, c, e) == -1)
		return SINK_FAILED;
	if (c->rows.n == 0)
		return SINK_DONE;
	outcome_start_chunk(o, &c->rows, NULL);
	rc = l->sink->apply(c->table->self, o, e);
	if (rc == SINK_REPEAT && note_all_rejects(l, c, &o->ending, o->ordinal,
	    e) == -1)
		rc = SINK_FAILED;
	refusals_clear(&o->ending);
	if (rc != SINK_DONE)
		return rc;
	o->begun = true;
	if (note_all_rejects(l, c, &o->refused, 0, e) == -1)
		return SINK_FAILED;
	outcome_end_chunk(o);
	spool_clear(&c->rows);
	return SINK_DONE;
}

static int
make_room_for_row(struct child *c, struct err *e)
{
	size_t room = c->room ? c->room * 2 : 256;
	struct element *p;

	if (c->rows.n < c->room)
		return 0;
	if ((p = realloc(c->elements, room * sizeof(*p))) == NULL)
		return err_nomem(e);
	c->elements = p;
	c->room = room;
	return 0;
}

/* Adds the row for element m->number of the array of record m->item. Returns 1;
 * 0: the element cannot be a row, and the record was refused; -1 with *e. */
static int
add_child_row(struct loader *l, struct child *c, uint32_t tok,
    const struct element *m, uint64_t line, struct err *e)
{
	struct buf *b = &c->rows.data;
	struct reject why;
	size_t at = b->len;

	if (make_room_for_row(c, e) == -1)
		return -1;
	c->elements[c->rows.n] = *m;
	if (element_lines_put(&c->lines, b, tok, m->number, &why) == 0) {
		b->len = at;
		return note_reject(l, c, m->item, &why, e);
	}
	return buf_check(b, e) == -1 || buf_check(&c->lines.name, e) == -1 ||
	    spool_add_appended(&c->rows, at, line, e) == -1 ? -1 : 1;
}

/* Adds rows for all elements of the record's array. Whenever ROWS_MOST rows are
 * waiting, writes them. */
static enum sink_result
add_child_rows(struct loader *l, struct child *c, uint32_t array, size_t item,
    struct err *e)
{
	const uint64_t line = l->batch.spool.items[item].number;
	const struct json_tok *tok = l->nested->json.tok;
	struct element m = { .item = item };
	enum sink_result rc = SINK_DONE;
	int added;

	for (uint32_t t = array + 1; t < tok[array].next && rc == SINK_DONE;
	    t = tok[t].next, m.number++) {
		m.is_object = tok[t].type == JSON_OBJECT;
		if ((added = add_child_row(l, c, t, &m, line, e)) != 1)
			return added == -1 ? SINK_FAILED : SINK_DONE;
		if (spool_is_full(&c->rows, ROWS_MOST))
			rc = child_flush(l, c, e);
	}
	return rc;
}

/* Adds the elements of record `item` of the chunk, which was scanned into
 * l->nested->json. Calls child_flush() when many rows are waiting. */
static enum sink_result
child_add_record(struct loader *l, struct child *c, size_t item, struct err *e)
{
	size_t at = c->keys.data.len;
	struct reject why;
	uint32_t array;
	int rc;

	if (element_lines_start(&c->lines, &l->nested->json, e) == -1)
		return SINK_FAILED;
	if ((rc = element_lines_find_array(&c->lines, &array, &why)) == -1)
		return note_reject(l, c, item, &why,
		    e) == -1 ? SINK_FAILED : SINK_DONE;
	c->found |= rc == 1;
	element_lines_put_key(&c->lines, &c->keys.data);
	if (buf_check(&c->keys.data, e) == -1 ||
	    spool_add_appended(&c->keys, at, l->batch.spool.items[item].number,
	    e) == -1)
		return SINK_FAILED;
	return rc == 0 ? SINK_DONE : add_child_rows(l, c, array, item, e);
}

enum { STOP_EVERY = 256 };

static void
init_child(struct loader *l, size_t i)
{
	const struct nested_table *t = &l->nested_list.v[i];
	struct child *c = &l->nested->v[i];

	*c = (struct child){ .table = &l->tables[l->ntables + i],
		.parent = &l->tables[t->parent], .pointer = t->pointer };
	element_lines_init(&c->lines, &c->table->target, &c->parent->target,
	    t->pointer);
	spool_init(&c->keys);
	spool_init(&c->rows);
}

int
nested_open(struct loader *l, struct err *e)
{
	struct nested *n;

	if (l->nested_list.n == 0)
		return 0;
	if ((n = l->nested = calloc(1, sizeof(*n))) == NULL)
		return err_nomem(e);
	keyset_init(&n->keys);
	buf_init(&n->scratch, SIZE_MAX / 4);
	if ((n->v = calloc(l->nested_list.n, sizeof(*n->v))) == NULL)
		return err_nomem(e);
	for (; n->n < l->nested_list.n; n->n++)
		init_child(l, n->n);
	return 0;
}

void
nested_close(struct loader *l)
{
	struct nested *n = l->nested;

	if (n == NULL)
		return;
	for (size_t i = 0; i < n->n; i++) {
		element_lines_release(&n->v[i].lines);
		spool_release(&n->v[i].keys);
		spool_release(&n->v[i].rows);
		free(n->v[i].elements);
	}
	json_release(&n->json);
	keyset_release(&n->keys);
	buf_release(&n->scratch);
	free(n->v);
	free(n);
	l->nested = NULL;
}

static bool
wants(const struct loader *l)
{
	return l->nested_list.n > 0;
}

/* Fails if rows of a table of --nested cannot be deleted, for example because
 * another table refers to them. */
static int
check(struct loader *l, struct err *e)
{
	for (size_t i = l->ntables; i < loader_count_tables(l); i++) {
		const struct loaded_table *t = &l->tables[i];

		if (check_referring(&t->target, l->db, e) == -1 ||
		    l->sink->scopes->check(t->self, e) == -1)
			return -1;
	}
	return 0;
}

void
nested_reset(struct loader *l)
{
	struct nested *n = l->nested;

	if (n == NULL)
		return;
	n->repeat = false;
	for (size_t i = 0; i < n->n; i++) {
		spool_clear(&n->v[i].keys);
		spool_clear(&n->v[i].rows);
	}
}

/* Writes the rows that wait for the tables of this parent. */
static enum sink_result
flush_parent(struct loader *l, const struct loaded_table *parent, struct err *e)
{
	enum sink_result rc = SINK_DONE;
	struct nested *n = l->nested;

	keyset_clear(&n->keys);
	n->unhashed = false;
	for (size_t i = 0; i < n->n && rc == SINK_DONE; i++)
		if (n->v[i].parent == parent)
			rc = child_flush(l, &n->v[i], e);
	return rc;
}

/* If two records have the same key, the rows of the first must be in the table
 * when those of the second are written, so that the second record deletes them.
 * So, before a record is added, writes all waiting rows if one of them may have
 * its key. If k is NULL, equal keys cannot be found, and the rows of each
 * record are written separately. On SQLite this costs no time, so k is always
 * NULL there. */
static enum sink_result
flush_equal_key(struct loader *l, struct loaded_table *parent,
    const struct key_hash *k, const struct line *line, struct err *e)
{
	struct nested *n = l->nested;
	enum key_hash_result made = KEY_HASH_NONE;
	enum sink_result rc = SINK_DONE;
	const char *p;
	uint64_t hash = 0;
	uint32_t *known;

	if (k != NULL)
		made = key_hash_make(k, &parent->outcome.reader, line,
		    &n->scratch, &hash, e);
	if (made == KEY_HASH_FAILED)
		return SINK_FAILED;
	if (made != KEY_HASH_MADE || n->unhashed) {
		rc = flush_parent(l, parent, e);
		n->unhashed = made != KEY_HASH_MADE;
	}
	if (rc != SINK_DONE || made != KEY_HASH_MADE)
		return rc;
	p = (const char *)&hash;
	known = keyset_value(&n->keys, p, sizeof(hash), e);
	if (known != NULL && *known != 0) {
		rc = flush_parent(l, parent, e);
		known = keyset_value(&n->keys, p, sizeof(hash), e);
	}
	if (known == NULL)
		return SINK_FAILED;
	*known = 1;
	return rc;
}

/* Scans the record as deep as the pointers of --nested lead. */
static int
scan_record(struct loader *l, const struct loaded_table *parent,
    const struct line *line, struct err *e)
{
	struct nested *n = l->nested;
	struct json_fault f = { 0 };
	unsigned levels = 0, need;

	for (size_t i = 0; i < n->n; i++) {
		if (n->v[i].parent != parent)
			continue;
		need = element_lines_levels(&n->v[i].lines);
		levels = need > levels ? need : levels;
	}
	if (json_scan(&n->json, line->data, line->len, levels, JSON_LAST, &f) ==
	    0)
		return 0;
	return f.nomem ? err_nomem(e) :
	    err_bug(e, "a record cannot be read a second time");
}

static enum sink_result
add_to_children(struct loader *l, struct loaded_table *parent,
    const struct key_hash *k, size_t item, struct err *e)
{
	const struct line line = spool_get_line(&l->batch.spool, item);
	struct nested *n = l->nested;
	enum sink_result rc = flush_equal_key(l, parent, k, &line, e);

	if (rc == SINK_DONE && scan_record(l, parent, &line, e) == -1)
		return SINK_FAILED;
	for (size_t i = 0; i < n->n && rc == SINK_DONE; i++)
		if (n->v[i].parent == parent)
			rc = child_add_record(l, &n->v[i], item, e);
	return rc;
}

static enum sink_result
write_children(struct loader *l, struct loaded_table *parent,
    const struct key_hash *k, struct err *e)
{
	struct outcome *o = &parent->outcome;
	enum sink_result rc = SINK_DONE;

	outcome_sort_rejects(o);
	for (size_t i = 0; i < l->batch.spool.n && rc == SINK_DONE; i++) {
		if (i % STOP_EVERY == 0 && stop_signal() != 0) {
			(void)err_set(
			    e, ERR_RETRY, false, "stopped by a signal");
			return SINK_FAILED;
		}
		if (outcome_has_record(o, i) &&
		    refusals_find(&o->refused, i) == NULL)
			rc = add_to_children(l, parent, k, i, e);
	}
	return rc == SINK_DONE ? flush_parent(l, parent, e) : rc;
}

/* Opens the hash of the parent's key. Returns 1; 0: there is no hash, on SQLite
 * or if no column of the key has a type whose equality is known; -1 with *e. */
static int
open_key_hash(struct loader *l, struct key_hash *k,
    const struct loaded_table *parent, struct err *e)
{
	if (db_kind(l->db) == DB_SQLITE)
		return 0;
	if (key_hash_open(k, &parent->target, e) == 0)
		return 1;
	if (e->code != ERR_CONFIG)
		return -1;
	*e = (struct err){ 0 };
	return 0;
}

static bool
may_have_arrays(const struct loader *l, const struct loaded_table *parent)
{
	return parent->o.nested_at.n > 0 &&
	    (l->list.n == 0 || l->route.records[parent - l->tables] > 0);
}

/* Called when the records of the chunk are in their tables. */
static enum sink_result
write_chunk(struct loader *l, struct err *e)
{
	enum sink_result rc = SINK_DONE;
	struct key_hash k = { 0 };
	int hashed;

	for (size_t i = 0; i < l->ntables && rc == SINK_DONE; i++) {
		struct loaded_table *parent = &l->tables[i];

		if (!may_have_arrays(l, parent))
			continue;
		hashed = open_key_hash(l, &k, parent, e);
		if (hashed == -1)
			return SINK_FAILED;
		rc = write_children(l, parent, hashed == 1 ? &k : NULL, e);
		key_hash_close(&k);
	}
	return rc;
}

const struct phase nested_phase = {
	.wants = wants, .check = check, .chunk = write_chunk,
};

void
nested_warn_empty(const struct loader *l)
{
	for (size_t i = 0; l->nested != NULL && i < l->nested->n; i++) {
		const struct child *c = &l->nested->v[i];
		const struct sums *t = &c->parent->sums;

		if (!c->found && t->in > t->rejected)
			err_warnf("etl-load", "--nested: no record had a value "
			    "at %s, so table %s got no rows; the pointer may "
			    "be mistyped", c->pointer,
			    c->table->target.table->name);
	}
}
