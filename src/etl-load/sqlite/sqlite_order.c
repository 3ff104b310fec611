#include "sqlite/sqlite_order.h"

#include "base/stop.h"
#include "sqlite/sqlite_value.h"

#include <stdlib.h>
#include <string.h>

enum { STOP_EVERY = 256 };

struct lite_ordered {
	size_t at, len;         /* place of the key in keys */
	const char *key;
	size_t item;
};

/* True if the unique constraint of the key is the only one of the table, and
 * compares texts by their bytes. With a second unique constraint, the order of
 * the records decides which record is rejected. An INTEGER PRIMARY KEY that is
 * not the key counts as a second constraint, although it has no index: its
 * numbers show the order in which the rows were inserted. */
static const char only_key_sql[] =
    "SELECT (SELECT count(*) FROM pragma_index_list($1) WHERE \"unique\")"
    " + (EXISTS (SELECT 1 FROM pragma_table_info($1) WHERE pk > 0) AND NOT"
    " EXISTS (SELECT 1 FROM pragma_index_list($1) WHERE origin = 'pk')) = 1"
    " AND NOT EXISTS (SELECT 1 FROM pragma_index_list($1) AS i,"
    " pragma_index_xinfo(i.name) AS c WHERE i.\"unique\" AND c.key"
    " AND c.coll <> 'BINARY')";

/* True if SQLite regards two keys as equal exactly when sqlite_put_bytes()
 * gives the same bytes for them. */
static bool
is_key_bytewise(const struct target *t)
{
	for (size_t i = 0; i < t->nkey; i++) {
		enum column_kind kind = t->table->columns[t->key[i]].kind;

		if (kind != COLUMN_TEXT && kind != COLUMN_INT)
			return false;
	}
	return t->nkey > 0;
}

int
lite_order_init(struct lite_order *o, struct db *db, const struct target *t,
    struct err *e)
{
	struct db_value v = db_text(t->table->base);
	int64_t only;

	*o = (struct lite_order){ 0 };
	buf_init(&o->keys, SIZE_MAX / 2);
	if (!t->mode->updates || t->mode->changes || t->mode->history ||
	    t->table->view || t->mapping.sets_values ||
	    !is_key_bytewise(t))
		return 0;
	if (db_query_int(db, only_key_sql, &v, 1, 0, &only, e) == -1)
		return -1;
	o->may = only == 1;
	o->columns = (struct shape){ .columns = t->key, .n = t->nkey };
	return lite_tuple_init(&o->key, &o->columns, e);
}

void
lite_order_release(struct lite_order *o)
{
	lite_tuple_release(&o->key);
	buf_release(&o->keys);
	free(o->v);
	*o = (struct lite_order){ 0 };
}

static int
grow_order(struct lite_order *o, size_t n, struct err *e)
{
	if (n <= o->room)
		return 0;
	free(o->v);
	o->v = calloc(n, sizeof(*o->v));
	o->room = o->v == NULL ? 0 : n;
	return o->v == NULL ? err_nomem(e) : 0;
}

/* Appends the key of record number i to o->keys, or nothing if the key cannot
 * be read. */
static int
add_key_of_record(struct lite_order *o, struct outcome *chunk, size_t i,
    struct err *e)
{
	const struct line l = spool_get_line(chunk->chunk, i);
	struct lite_ordered *to = &o->v[o->n++];
	int rc = 0;

	*to = (struct lite_ordered){ .at = o->keys.len, .item = i };
	if (outcome_has_record(chunk, i))
		rc = lite_tuple_read(&o->key, &chunk->reader, &l, e);
	for (size_t k = 0; rc == 1 && k < o->columns.n; k++)
		sqlite_put_bytes(&o->keys, &o->key.values[k]);
	to->len = o->keys.len - to->at;
	return rc == -1 ? -1 : buf_check(&o->keys, e);
}

static int
compare_keys(const void *a, const void *b)
{
	const struct lite_ordered *x = a, *y = b;
	int rc = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);

	if (rc == 0)
		rc = (x->len > y->len) - (x->len < y->len);
	return rc != 0 ? rc : (x->item > y->item) - (x->item < y->item);
}

/* Sorts the records by their keys. Sets o->wanted to false if they were in
 * order. */
static void
sort_keys(struct lite_order *o)
{
	const char *keys = buf_text(&o->keys);
	size_t i;

	for (i = 0; i < o->n; i++)
		o->v[i].key = keys + o->v[i].at;
	for (i = 1; i < o->n; i++)
		if (compare_keys(&o->v[i - 1], &o->v[i]) > 0)
			break;
	o->wanted = i < o->n;
	if (o->wanted)
		qsort(o->v, o->n, sizeof(*o->v), compare_keys);
}

int
lite_order_sort(struct lite_order *o, struct outcome *chunk, struct err *e)
{
	o->n = 0;
	buf_clear(&o->keys);
	if (!o->may || !o->wanted)
		return 0;
	if (grow_order(o, chunk->chunk->n, e) == -1)
		return -1;
	for (size_t i = 0; i < chunk->chunk->n; i++) {
		if (i % STOP_EVERY == 0 && stop_signal() != 0)
			return err_set(
			    e, ERR_RETRY, false, "stopped by a signal");
		if (add_key_of_record(o, chunk, i, e) == -1)
			return -1;
	}
	sort_keys(o);
	return 0;
}

size_t
lite_order_get_item(const struct lite_order *o, size_t position)
{
	return o->n == 0 ? position : o->v[position].item;
}
