#include "sqlite/sqlite_sink.h"

#include "base/stop.h"
#include "columns_sql.h"
#include "sqlite/sqlite_codec.h"
#include "sqlite/sqlite_sql.h"

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

/* Finds out if the records may be stored in another order than that of the
 * input, and sets o->may. */
static int
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

static void
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

/* If o->may and o->wanted are true, sorts the records of the chunk by their
 * keys. Records with equal keys stay in the order in which they came. */
static int
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

/* Returns the number of the record that must be stored at place i of the
 * order. */
static size_t
lite_order_get_item(const struct lite_order *o, size_t position)
{
	return o->n == 0 ? position : o->v[position].item;
}

/* Running a statement takes SQLite about as long as inserting a short row. So
 * one statement inserts a group of short records. */
enum {
	RECORD_MAX = 4096,
	WORTH = 4               /* a group that stores this part of its records
	                         * has saved time */
};

/* True if one statement for several records has the same effect as one
 * statement for each record. False if the loader needs the state of the table
 * between two records. */
static bool
may_group(const struct lite_store *s)
{
	const struct target *t = s->target;

	return !t->mode->history && !t->mode->changes && !t->table->view &&
	    !t->mapping.sets_values && !s->may_leave_changes;
}

static int
lite_group_init(struct lite_sink *s, struct err *e)
{
	struct lite_group *g = &s->group;
	size_t n = s->store.group_records;

	if (n == 0 || !may_group(&s->store))
		return 0;
	if ((g->item = calloc(n, sizeof(*g->item))) == NULL)
		return err_nomem(e);
	g->full = n;
	g->pause = (struct doubling_pause){ .least = 32, .most = 8192 };
	return 0;
}

void
lite_group_clear(struct lite_sink *s)
{
	s->group.n = 0;
	s->store.values = s->store.slots;
}

/* True if a record of `len` bytes may wait in the group for other records.
 * Called once for each record, because it counts the records of a pause. */
static bool
lite_group_may_take(struct lite_sink *s, size_t record_len)
{
	struct lite_group *g = &s->group;

	if (g->full == 0 || record_len > RECORD_MAX || s->store.careful ||
	    s->store.group_is_unsafe || s->watched ||
	    s->written.insert != NULL)
		return false;
	if (!pause_tick(&g->pause))
		return false;
	/* The values of the group point into this buffer, so it must not be
	 * reallocated when the group grows. If there is no memory, the
	 * conversion of the record reports it. */
	return g->n > 0 ||
	    buf_reserve(&s->store.scratch, g->full * (RECORD_MAX + 1));
}

/* Adds record number i, whose values are in s->store, to the group. If the
 * other records of the group have other columns, adds nothing and returns
 * false. */
static bool
lite_group_add(struct lite_sink *s, const struct shape *shape, size_t item)
{
	struct lite_group *g = &s->group;

	if (shape->n == 0 || (g->n > 0 && shape != g->shape))
		return false;
	g->shape = shape;
	g->item[g->n++] = (uint32_t)item;
	if (g->n < g->full)
		s->store.values += sqlite_max_values(s->store.target);
	return true;
}

/* Makes s->store.values point to the values of record k of the group. */
static void
lite_group_select(struct lite_sink *s, size_t record)
{
	s->store.values = s->store.slots +
	    record * sqlite_max_values(s->store.target);
}

/* Called after a statement has inserted the first `stored` records of a full
 * group. If these are few, some of the next records are stored one by one. Each
 * time this happens, there are twice as many such records. */
static void
lite_group_pace(struct lite_sink *s, size_t stored)
{
	if (stored >= s->group.full / WORTH)
		pause_reset(&s->group.pause);
	else
		pause_begin(&s->group.pause);
}

static void
put_end(struct buf *b)
{
	buf_str(b, ";\n");
}

static void
put_history(struct buf *b, const struct target *t, const struct shape *s)
{
	static const enum lite_history_sql sql[] = { LITE_FIND_CURRENT,
		LITE_INSERT, LITE_END, LITE_INSERT_AFTER, LITE_CORRECT };

	for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++) {
		lite_put_history_sql(b, t, s, sql[i]);
		put_end(b);
	}
}

static void
put_rows(struct buf *b, const struct target *t, const struct shape *s)
{
	sqlite_put_insert(b, t, s);
	put_end(b);
	if (t->mode->updates && s->n > t->nkey) {
		sqlite_put_update(b, t, s);
		put_end(b);
	}
	if (t->mode->updates && t->seen != NO_COLUMN) {
		sqlite_put_seen(b, t, s);
		put_end(b);
	}
	if (!t->mode->changes)
		return;
	sqlite_put_find(b, t, s);
	put_end(b);
	sqlite_put_delete(b, t, s);
	put_end(b);
	sqlite_put_move(b, t, s);
	put_end(b);
}

void
sqlite_put_load(struct buf *b, const struct target *t, const struct shape *s)
{
	if (t->mode->replaces)
		buf_printf(b, "DELETE FROM %s;\n", t->table->quoted);
	else if (t->mode->by_scope)
		buf_str(b, "-- first deletes the rows of each scope that a "
		    "record names\n");
	else if (t->parent != NULL)
		buf_str(b, "-- first deletes the rows that have the key of a "
		    "record\n");
	if (t->mode->history)
		put_history(b, t, s);
	else
		put_rows(b, t, s);
	if (t->mode->mirrors)
		buf_printf(b, "-- at the end %s the rows whose keys did not "
		    "come\n", t->mode->history ? "ends" :
		    t->soft_delete != NO_COLUMN ? "marks" : "deletes");
}

#define WRITTEN "temp.etl_load_written"

static void
lite_written_release(struct lite_sink *s)
{
	db_stmt_free(s->written.insert);
	free(s->written.key);
	s->written = (struct lite_written){ 0 };
}

/* Returns true if the table of written rows has keys, and false if it has
 * rowids. */
static bool
notes_row_keys(const struct target *t)
{
	return t->mode->updates;
}

/* Returns NULL if the table is a view, has no rowid, or has columns with all
 * three names of the rowid. */
static const char *
find_rowid_name(const struct table *t)
{
	return t->without_rowid || t->view ? NULL : sqlite_find_rowid(t);
}

static int
check_has_rowid(void *self, struct err *e)
{
	const struct lite_sink *s = self;
	const struct target *t = s->store.target;

	if (notes_row_keys(t) || find_rowid_name(t->table) != NULL)
		return 0;
	return err_set(e, ERR_CONFIG, false, "--expect: %s %s has no rowid, "
	    "by which the load could find the rows that it has inserted: only "
	    "rows and rejected can be tested%s",
	    t->table->view ? "view" : "table", t->table->name,
	    t->table->view ? "" : ", or use --mode upsert");
}

static void
put_written_table(struct buf *b, const struct target *t)
{
	buf_printf(b, "DROP TABLE IF EXISTS " WRITTEN "%s; CREATE TEMP TABLE "
	    "etl_load_written%s", t->suffix, t->suffix);
	if (!notes_row_keys(t)) {
		buf_str(b, " (id INTEGER PRIMARY KEY)");
		return;
	}
	buf_str(b, " AS SELECT ");
	sql_put_key(b, t);
	buf_printf(b, " FROM %s WHERE false", t->table->quoted);
}

static void
put_insert_written(struct buf *b, const struct target *t)
{
	buf_printf(b, "INSERT OR IGNORE INTO " WRITTEN "%s VALUES (",
	    t->suffix);
	if (!notes_row_keys(t))
		buf_str(b, "last_insert_rowid()");
	for (size_t i = 0; notes_row_keys(t) && i < t->nkey; i++)
		buf_printf(b, "%s$%zu", i > 0 ? ", " : "", i + 1);
	buf_char(b, ')');
}

static int
prepare_written(struct lite_sink *s, struct buf *create, struct buf *insert,
    struct err *e)
{
	const struct target *t = s->store.target;

	put_written_table(create, t);
	put_insert_written(insert, t);
	(void)buf_text(create);
	(void)buf_text(insert);
	if (buf_check(create, e) == -1 || buf_check(insert, e) == -1 ||
	    db_script(s->store.db, create->data, e) == -1)
		return -1;
	s->written.key = calloc(t->nkey + 1, sizeof(*s->written.key));
	return s->written.key == NULL ? err_nomem(e) :
	    db_prepare(s->store.db, &s->written.insert, insert->data, e);
}

static int
start_written(void *self, struct err *e)
{
	struct lite_sink *s = self;
	struct buf create, insert;
	int rc;

	lite_written_release(s);
	buf_init(&create, SIZE_MAX / 4);
	buf_init(&insert, SIZE_MAX / 4);
	rc = prepare_written(s, &create, &insert, e);
	buf_release(&create);
	buf_release(&insert);
	return rc;
}

/* For --expect: notes the row of the record whose values are in s->store. */
static int
lite_written_note(struct lite_sink *s, const struct shape *shape,
    enum lite_result r, struct err *e)
{
	const struct target *t = s->store.target;
	struct lite_written *w = &s->written;
	size_t n = 0;

	if (w->insert == NULL ||
	    (r != LITE_INSERTED && !notes_row_keys(t)))
		return 0;
	for (size_t at = 0; notes_row_keys(t) && n < t->nkey; n++, at = 0) {
		while (shape->columns[at] != t->key[n])
			at++;
		w->key[n] = s->store.values[at];
	}
	return db_stmt_run(w->insert, w->key, n, NULL, NULL, e);
}

static void
put_written_where(void *self, struct buf *b)
{
	const struct lite_sink *s = self;
	const struct target *t = s->store.target;

	buf_printf(b, "FROM %s AS \"etl.t\" WHERE ", t->table->quoted);
	if (!notes_row_keys(t))
		buf_printf(b, "\"etl.t\".%s", find_rowid_name(t->table));
	for (size_t i = 0; notes_row_keys(t) && i < t->nkey; i++)
		buf_printf(b, "%s\"etl.t\".%s", i == 0 ? "(" : ", ",
		    t->table->columns[t->key[i]].quoted);
	buf_printf(b, "%s IN (SELECT * FROM " WRITTEN "%s)",
	    notes_row_keys(t) ? ")" : "", t->suffix);
}

const struct sink_written lite_written = {
	.check = check_has_rowid,
	.start = start_written,
	.put_rows = put_written_where,
	.compares_by_type = sqlite_compares_by_type,
};

/* Looks for the key of the record in the set s->keys. The record's values are
 * in s->store. If the set has the key, *holder points to the number of the item
 * that is stored with it. Otherwise adds the key with the number `item`, and
 * sets *holder to NULL. */
static int
add_item_key(struct lite_sink *s, const struct shape *shape, size_t item,
    uint32_t **holder, struct err *e)
{
	const struct target *t = s->store.target;
	size_t at = s->keys.bytes.len;
	bool nomem;

	for (size_t k = 0, i = 0; k < t->nkey; k++, i = 0) {
		while (shape->columns[i] != t->key[k])
			i++;
		sqlite_put_bytes(&s->keys.bytes, &s->store.values[i]);
	}
	*holder = keyset_add(&s->keys, at, (uint32_t)item, &nomem);
	return nomem ? err_nomem(e) : 0;
}

static uint64_t *
result_count(struct sums *t, enum lite_result rc)
{
	switch (rc) {
	case LITE_INSERTED:
		return &t->inserted;
	case LITE_UPDATED:
		return &t->updated;
	case LITE_SKIPPED:
		return &t->skipped;
	case LITE_DELETED:
		return &t->deleted;
	case LITE_MISSED:
		return &t->missed;
	default:
		return &t->unchanged;
	}
}

/* Counts the result rc of record number i, which was stored. Its values are in
 * s->store. In --mode cdc each record is counted by itself. In other modes, a
 * record of this chunk with the same key may have been stored before. Then that
 * record counts as superseded, and this record gets the outcome of both:
 * inserted if one of them was inserted, else updated if one was updated. */
static int
lite_count_stored(struct lite_sink *s, struct outcome *o,
    const struct shape *shape, size_t item, enum lite_result rc, struct err *e)
{
	const struct load_mode *mode = s->store.target->mode;
	uint32_t *holder = NULL;
	unsigned char before;

	if (mode->updates && !mode->changes &&
	    add_item_key(s, shape, item, &holder, e) == -1)
		return -1;
	before = holder == NULL ? 0 : s->result[*holder];
	if (before != 0) {
		(*result_count(&o->sums, before))--;
		o->sums.superseded++;
		rc = before < rc ? before : rc;
	}
	if (holder != NULL)
		*holder = (uint32_t)item;
	s->result[item] = (unsigned char)rc;
	(*result_count(&o->sums, rc))++;
	return 0;
}

/* Returns 1 if a record after record number i has the same key and was stored,
 * so that record number i must not overwrite its row. Otherwise returns 0, or
 * -1 with *e. If the key is new in this chunk, adds it to s->keys. */
static int
lite_stored_later(struct lite_sink *s, struct outcome *o,
    const struct shape *shape, size_t item, struct err *e)
{
	uint32_t *holder = NULL;

	if (s->store.target->mode->updates &&
	    add_item_key(s, shape, item, &holder, e) == -1)
		return -1;
	return holder != NULL && *holder > item && s->result[*holder] != 0;
}

static int
add_waiting_item(struct lite_sink *s, size_t item, struct err *e)
{
	size_t n = s->later_room ? s->later_room * 2 : 64;
	uint32_t *p;

	if (s->nlater == s->later_room) {
		if ((p = realloc(s->later, n * sizeof(*p))) == NULL)
			return err_nomem(e);
		s->later = p;
		s->later_room = n;
	}
	s->later[s->nlater++] = (uint32_t)item;
	return 0;
}

/* True if a foreign key has refused the record, and a later record of the chunk
 * (the part of the batch that is in memory) may insert the referenced row. */
static bool
may_succeed_later(const struct lite_store *st)
{
	return st->refers_to_itself && !st->target->mode->history &&
	    strcmp(st->why.msg, "FOREIGN KEY constraint failed") == 0;
}

static enum put
reject_item(struct lite_sink *s, struct outcome *o, size_t i, struct err *e)
{
	return outcome_reject_fault(o, i, &s->store.fault, s->store.why.msg,
	    e) == -1 ? PUT_FAILED : PUT_DONE;
}

/* Does nothing in modes other than mirror. */
static int
note_mirror_key(struct lite_sink *s, const struct shape *shape, struct err *e)
{
	return !s->store.target->mode->mirrors ? 0 :
	    lite_mirror_note(&s->mirror, shape, s->store.values,
	    e);
}

/* Converts record number i of the chunk (the part of the batch that is in
 * memory), or rejects the record. */
static enum put
convert_item(struct lite_sink *s, struct outcome *o, size_t i, struct err *e)
{
	struct line l = spool_get_line(o->chunk, i);
	struct reject why;
	int rc = lite_convert(&s->store, &o->reader, &l, &why, e);

	if (rc == 0)
		rc = outcome_add_reject(o, i, &why, e) == -1 ? -1 : 1;
	else if (rc == 2)
		o->sums.skipped++;
	else if (rc == 1)
		rc = outcome_reject_noted(o, i, e);
	return rc == -1 ? PUT_FAILED : rc == 0 ? PUT_CONVERTED : PUT_DONE;
}

static enum put
note_stored(struct lite_sink *s, struct outcome *o, const struct shape *shape,
    size_t i, enum lite_result result, struct err *e)
{
	return lite_written_note(s, shape, result, e) == -1 ||
	    lite_count_stored(s, o, shape, i, result, e) == -1 ||
	    note_mirror_key(s, shape, e) == -1 ? PUT_FAILED : PUT_DONE;
}

/* Stores record number i, whose values are in s->store, in the table, or
 * rejects the record if the table refuses it. If a later record may insert the
 * row that this record refers to, returns PUT_LATER and does not reject it,
 * unless last_try is true. */
static enum put
store_item(struct lite_sink *s, struct outcome *o, const struct shape *shape,
    size_t i, bool last_try, struct err *e)
{
	struct lite_store *st = &s->store;
	const struct reject why = { .code = "constraint",
		.message = st->why.msg };
	enum lite_result result = lite_store_record(st, shape, e);

	if (result == LITE_FAILED)
		return PUT_FAILED;
	if (result == LITE_REPEAT)
		return PUT_REPEAT;
	if (result == LITE_ENDED)
		return outcome_note_reject(o, i, &why, e) == -1 ?
		    PUT_FAILED : PUT_REPEAT;
	if (result == LITE_REFUSED)
		return !last_try && may_succeed_later(st)
		    ? PUT_LATER
		    : reject_item(s, o, i, e);
	return note_stored(s, o, shape, i, result, e);
}

/* If the record must wait for a later one, adds it to s->later. */
static enum put
store_new_item(struct lite_sink *s, struct outcome *o,
    const struct shape *shape, size_t i, struct err *e)
{
	enum put rc = store_item(s, o, shape, i, false, e);

	if (rc != PUT_LATER)
		return rc;
	return add_waiting_item(s, i, e) == -1 ? PUT_FAILED : PUT_DONE;
}

/* Stores the records of the group one by one, beginning with number k. */
static enum put
store_singly(struct lite_sink *s, struct outcome *o, size_t first,
    struct err *e)
{
	struct lite_group *g = &s->group;
	enum put rc = PUT_DONE;

	for (; first < g->n && rc == PUT_DONE; first++) {
		lite_group_select(s, first);
		rc = store_new_item(s, o, g->shape, g->item[first], e);
	}
	lite_group_clear(s);
	return rc;
}

/* Counts the first n records of the group as inserted. */
static enum put
count_inserted(struct lite_sink *s, struct outcome *o, size_t n, struct err *e)
{
	struct lite_group *g = &s->group;
	enum put rc = PUT_DONE;

	for (size_t k = 0; k < n && rc == PUT_DONE; k++) {
		lite_group_select(s, k);
		rc = note_stored(s, o, g->shape, g->item[k], LITE_INSERTED, e);
	}
	return rc;
}

/* Inserts the full group by one statement. If the table refuses a record, or
 * has a row with its key, the statement has inserted only the records before
 * this one, or none. The remaining records are stored one by one. */
static enum put
insert_full_group(struct lite_sink *s, struct outcome *o, struct err *e)
{
	size_t stored = 0;
	enum put rc;

	switch (lite_store_group(&s->store, s->group.shape, &stored, e)) {
	case LITE_INSERTED:
	case LITE_REFUSED:
		break;
	case LITE_REPEAT:
		return PUT_REPEAT;
	default:
		return PUT_FAILED;
	}
	rc = count_inserted(s, o, stored, e);
	lite_group_pace(s, stored);
	return rc == PUT_DONE ? store_singly(s, o, stored, e) : rc;
}

/* Stores or rejects record number i, or adds it to the group. */
static enum put
take_item(struct lite_sink *s, struct outcome *o, size_t i, struct err *e)
{
	bool waits = lite_group_may_take(s, o->chunk->items[i].len);
	enum put rc = waits ? PUT_DONE : store_singly(s, o, 0, e);

	if (rc != PUT_DONE || (rc = convert_item(s, o, i, e)) != PUT_CONVERTED)
		return rc;
	if (waits && lite_group_add(s, o->reader.shape, i))
		return s->group.n == s->group.full ?
		    insert_full_group(s, o, e) : PUT_DONE;
	if (waits && s->group.n > 0) {
		pause_begin(&s->group.pause);
		return take_item(s, o, i, e);
	}
	return store_new_item(s, o, o->reader.shape, i, e);
}

/* Tries record number i again, which a foreign key has refused before. If a
 * later record with the same key was stored in between, rejects record i. */
static enum put
store_waiting(struct lite_sink *s, struct outcome *o, size_t i, bool last_try,
    struct err *e)
{
	enum put rc = convert_item(s, o, i, e);
	int later;

	if (rc != PUT_CONVERTED)
		return rc;
	later = lite_stored_later(s, o, o->reader.shape, i, e);
	if (later == -1)
		return PUT_FAILED;
	if (later == 0)
		return store_item(s, o, o->reader.shape, i, last_try, e);
	lite_fail_reference(&s->store);
	return reject_item(s, o, i, e);
}

/* Tries the records again that a foreign key has refused: the rows that they
 * refer to may be in the table now. Repeats this as long as a round stores or
 * rejects at least one record. After a round that changes nothing, a last round
 * rejects each record that is refused again. */
static enum put
retry_items(struct lite_sink *s, struct outcome *o, struct err *e)
{
	bool last_try = false;

	while (s->nlater > 0) {
		size_t n = s->nlater, left = 0;

		for (size_t i = 0; i < n; i++) {
			enum put rc = store_waiting(s, o, s->later[i], last_try,
			    e);

			if (rc == PUT_LATER)
				s->later[left++] = s->later[i];
			else if (rc != PUT_DONE)
				return rc;
		}
		last_try = left == n;
		s->nlater = left;
	}
	return PUT_DONE;
}

/* Stores or rejects the records of the chunk. Returns PUT_DONE,
 * PUT_REPEAT or PUT_FAILED. */
static enum put
lite_store_items(struct lite_sink *s, struct outcome *o, struct err *e)
{
	enum put rc;

	if (lite_order_sort(&s->order, o, e) == -1)
		return PUT_FAILED;
	for (size_t k = 0; k < o->chunk->n; k++) {
		size_t i = lite_order_get_item(&s->order, k);

		if (k % STOP_EVERY == 0 && stop_signal() != 0) {
			(void)err_set(
			    e, ERR_RETRY, false, "stopped by a signal");
			return PUT_FAILED;
		}
		if (!outcome_has_record(o, i))
			continue;
		o->sums.in++;
		if ((rc = take_item(s, o, i, e)) != PUT_DONE)
			return rc;
	}
	rc = store_singly(s, o, 0, e);
	return rc == PUT_DONE ? retry_items(s, o, e) : rc;
}

static void
lite_sink_close(void *self)
{
	struct lite_sink *s = self;

	if (s == NULL)
		return;
	lite_scopes_release(&s->scopes);
	lite_written_release(s);
	lite_mirror_release(&s->mirror);
	lite_order_release(&s->order);
	lite_store_release(&s->store);
	keyset_release(&s->keys);
	free(s->group.item);
	free(s->result);
	free(s->later);
	free(s);
}

static int
lite_sink_open(void **self, struct db *db, const struct target *t,
    struct err *e)
{
	struct lite_sink *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	keyset_init(&s->keys);
	if (lite_scopes_init(&s->scopes, db, t, e) == -1 ||
	    lite_mirror_init(&s->mirror, db, t, s->store.now, e) == -1 ||
	    lite_store_init(&s->store, db, t, e) == -1 ||
	    lite_order_init(&s->order, db, t, e) == -1 ||
	    lite_group_init(s, e) == -1) {
		lite_sink_close(s);
		return -1;
	}
	*self = s;
	return 0;
}

/* Prepares the sink for a chunk (the part of the batch that is in memory). For
 * the first chunk of a batch, also reads the clock for --touch and --seen. */
static int
begin_chunk(struct lite_sink *s, struct outcome *o, struct err *e)
{
	size_t n = o->chunk->n;

	if (reader_forget_shapes(&o->reader))
		lite_free_statements(&s->store);
	if (!o->begun)
		clock_stamp(s->store.now);
	s->store.missing = db_count_orphans(s->store.db);
	s->order.wanted |= s->keys.hashed;
	s->order.may &= s->group.full > 0 && !s->store.refers_to_itself &&
	    !s->watched && s->written.insert == NULL;
	keyset_clear(&s->keys);
	lite_group_clear(s);
	s->nlater = 0;
	if (n > s->room) {
		free(s->result);
		s->result = malloc(n);
		s->room = s->result == NULL ? 0 : n;
		if (s->result == NULL)
			return err_nomem(e);
	}
	if (n > 0)
		memset(s->result, 0, n);
	return 0;
}

/* Stores the records in the order in which they came, or in another order that
 * gives the same rows and rejects. So the result does not depend on the size of
 * a batch. */
static enum sink_result
lite_sink_apply(void *self, struct outcome *o, struct err *e)
{
	struct lite_sink *s = self;
	enum put rc;

	if (begin_chunk(s, o, e) == -1)
		return SINK_FAILED;
	rc = lite_store_items(s, o, e);
	if (s->store.scratch.cap > SPOOL_LARGE)
		buf_release(&s->store.scratch);
	return rc == PUT_DONE  ? SINK_DONE :
	    rc == PUT_REPEAT ? SINK_REPEAT : SINK_FAILED;
}

/* Checks the deferred foreign keys of a table that refers to itself. SQLite
 * itself checks them only at COMMIT. If a referenced row is missing, SQLite
 * does not say which row refers to it. Then the result is SINK_REPEAT: the
 * caller loads the batch again. Because s->store.careful is set, the sink then
 * checks the foreign keys after each record. */
static enum sink_result
lite_sink_settle(void *self, struct err *e)
{
	struct lite_sink *s = self;
	bool again = !s->store.careful && db_count_orphans(s->store.db) > 0;

	s->store.careful = again;
	return again ? SINK_REPEAT : SINK_DONE;
}

static void
lite_sink_reset(void *self)
{
}

static int
lite_sink_start_scopes(void *self, struct err *e)
{
	struct lite_sink *s = self;

	return lite_scopes_start(&s->scopes, e);
}

static int
lite_sink_add_scopes(
    void *self, struct outcome *o, uint64_t *unreadable, struct err *e)
{
	struct lite_sink *s = self;

	return lite_scopes_delete(&s->scopes, o, unreadable, e);
}

static int
lite_sink_finish_scopes(void *self, struct outcome *o, struct err *e)
{
	struct lite_sink *s = self;

	(void)o;
	return lite_scopes_check(&s->scopes, e);
}

static int
lite_sink_put_scope_ids(void *self, struct scope_ids *ids, struct err *e)
{
	struct lite_sink *s = self;

	return lite_scopes_put_ids(&s->scopes, ids, e);
}

static int
lite_sink_add_rejected(void *self, struct outcome *o, struct err *e)
{
	struct lite_sink *s = self;

	return lite_scopes_add_rejected(&s->scopes, o, e);
}

static int
lite_sink_emptied(void *self, int64_t *n, struct err *e)
{
	struct lite_sink *s = self;

	(void)e;
	*n = lite_scopes_emptied(&s->scopes);
	return 0;
}

static int
lite_sink_recordless(void *self, const struct scope_ids *recorded, int64_t *n,
    struct err *e)
{
	struct lite_sink *s = self;

	(void)e;
	*n = lite_scopes_recordless(&s->scopes, recorded);
	return 0;
}

/* --replace-by truncate and --replace-by delete do the same here, because
 * SQLite has no TRUNCATE. If a DELETE has no WHERE and the table has no
 * trigger, SQLite deletes all rows at once. */
static int
lite_sink_empty(void *self, uint64_t *removed, struct err *e)
{
	struct lite_sink *s = self;

	return lite_delete_all(&s->store, removed, e) == -1 ? -1 :
	    lite_scopes_check(&s->scopes, e);
}

static const struct sink_scopes scopes = {
    .check = lite_sink_start_scopes,
    .start = lite_sink_start_scopes,
    .add = lite_sink_add_scopes,
    .put_ids = lite_sink_put_scope_ids,
    .finish = lite_sink_finish_scopes,
    .add_rejected = lite_sink_add_rejected,
    .count_emptied = lite_sink_emptied,
    .count_recordless = lite_sink_recordless,
};

const struct sink sink_sqlite = {
    .kind = DB_SQLITE,
    .open = lite_sink_open,
    .apply = lite_sink_apply,
    .settle = lite_sink_settle,
    .reset = lite_sink_reset,
    .close = lite_sink_close,
    .empty = lite_sink_empty,
    .scopes = &scopes,
    .written = &lite_written,
    .images = &lite_images,
    .late = &lite_late,
    .mirror = &lite_mirror_calls,
};
