#include "nested/nested.h"

#include "base/stop.h"
#include "loader.h"
#include "nested/child_rows.h"
#include "table/key_hash.h"
#include "table/referring.h"

#include <stdio.h>
#include <stdlib.h>

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

int
nested_check(struct loader *l, struct err *e)
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
	const struct line line = spool_get_line(&l->spool, item);
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
	for (size_t i = 0; i < l->spool.n && rc == SINK_DONE; i++) {
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

enum sink_result
nested_write_chunk(struct loader *l, struct err *e)
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
