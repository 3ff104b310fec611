#include "sink.h"

#include "base/stop.h"
#include "sqlite/keyset.h"
#include "sqlite/sqlite_store.h"

#include <stdlib.h>
#include <string.h>

enum { STOP_EVERY = 256, NO_ITEM = -1 };

/* The outcome of an item. */
enum put {
	PUT_FAILED = -1,
	PUT_REJECTED, PUT_STORED,
	PUT_TWICE,              /* an earlier item has the same key */
	PUT_LATER               /* the row that it refers to may come later */
};

struct lite_sink {
	struct lite_store store;
	struct keyset keys;
	bool ahead;             /* equal keys came: look for equal keys in each
	                         * chunk before it is applied */
	size_t quiet;           /* batches since equal keys came */
	int32_t *earlier;       /* by item: the item before it with its key */
	bool *loses;            /* by item: a later item has its key */
	size_t room;
	uint32_t *later;        /* items that wait for the rows that they refer
	                         * to by a foreign key */
	size_t nlater, later_room;
};

enum { QUIET_MAX = 16 };        /* after so many batches without equal keys stop
                                 * looking for them before the load */

static void
lite_sink_close(void *self)
{
	struct lite_sink *s = self;

	if (s == NULL)
		return;
	lite_store_release(&s->store);
	keyset_release(&s->keys);
	free(s->earlier);
	free(s->loses);
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
	if (lite_store_init(&s->store, db, t, e) == -1) {
		lite_sink_close(s);
		return -1;
	}
	*self = s;
	return 0;
}

/* Appends the bytes of one value of a key. Different values give different
 * bytes. Of two integers or two texts the greater one gives bytes that memcmp()
 * orders later, which keyset.c needs to recognize keys in ascending order. The
 * NUL after a text marks its end: a text contains no NUL. */
static void
put_key_value(struct buf *b, const struct db_value *v)
{
	uint64_t u = (uint64_t)v->i ^ (uint64_t)1 << 63;
	char bytes[8];

	buf_char(b, (char)v->type);
	if (v->type == DB_REAL) {
		buf_add(b, &v->r, sizeof(v->r));
	} else if (v->type == DB_INT) {
		for (int i = 7; i >= 0; i--, u >>= 8)
			bytes[i] = (char)(u & 0xff);
		buf_add(b, bytes, sizeof(bytes));
	} else if (v->type == DB_TEXT) {
		buf_add(b, v->p, v->len);
		buf_char(b, '\0');
	} else {
		buf_add(b, &v->len, sizeof(v->len));
		buf_add(b, v->p, v->len);
	}
}

/* Adds the key of record number `item` of the chunk (the part of the batch that
 * is in memory) to the set s->keys, with the record's number as the value of
 * the key. If the set has this key already, sets *holder to point to the number
 * that is stored with the key; otherwise sets *holder to NULL. */
static int
add_key_to_set(struct lite_sink *s, const struct shape *shape, size_t item,
    uint32_t **holder, struct err *e)
{
	const struct target *t = s->store.target;
	size_t at = s->keys.bytes.len;
	bool nomem;

	for (size_t k = 0, i = 0; k < t->nkey; k++, i = 0) {
		while (shape->columns[i] != t->key[k])
			i++;
		put_key_value(&s->keys.bytes, &s->store.values[i]);
	}
	*holder = keyset_add_or_find(&s->keys, at, (uint32_t)item, &nomem);
	return nomem ? err_nomem(e) : 0;
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

/* True if a foreign key (or a trigger) may have refused the record: SQLite then
 * names no column and no constraint. Such a record may succeed after the
 * records that follow it in the chunk (the part of the batch that is in
 * memory), because one of them can insert the row that it refers to. */
static bool
may_succeed_later(const struct db_fault *f)
{
	return f->column[0] == '\0' && f->constraint[0] == '\0';
}

/* Tries to store record number i of the chunk (the part of the batch that is
 * in memory) in the table; rejects the record if the table refuses it. If a
 * foreign key may have refused it, the function returns PUT_LATER and does
 * not reject it, unless last_try is true: the caller then makes no later
 * try. first_try is true at the first try of this record: an upsert then
 * compares its key with the keys of the earlier records (unless
 * find_equal_keys() has done that), and returns PUT_TWICE without storing
 * the record if an earlier one has the same key. */
static enum put
store_or_reject_item(struct lite_sink *s, struct outcome *o, size_t i,
    bool first_try, bool last_try, struct err *e)
{
	struct lite_store *st = &s->store;
	struct line l = spool_get_line(o->chunk, i);
	struct reject why;
	uint32_t *holder = NULL;
	int rc = lite_convert_record(st, &o->reader, &l, &why, e);

	if (rc == 0)
		return outcome_add_reject(o, i, &why, e) == -1 ? PUT_FAILED :
		    PUT_REJECTED;
	if (rc == -1)
		return PUT_FAILED;
	if (first_try && st->target->upsert && !s->ahead &&
	    add_key_to_set(s, o->reader.shape, i, &holder, e) == -1)
		return PUT_FAILED;
	if (holder != NULL)
		return PUT_TWICE;
	rc = lite_store_record(st, o->reader.shape, &o->sums, e);
	if (rc != LITE_REFUSED)
		return rc == LITE_STORED ? PUT_STORED : PUT_FAILED;
	if (!last_try && may_succeed_later(&st->fault))
		return PUT_LATER;
	return outcome_reject_after_db_fault(
		   o, i, &st->fault, st->why.msg, e) == -1
		   ? PUT_FAILED
		   : PUT_REJECTED;
}

static int
replace_arrays_if_too_small(
    struct lite_sink *s, size_t total_items, struct err *e)
{
	if (total_items <= s->room)
		return 0;
	free(s->earlier);
	free(s->loses);
	s->earlier = calloc(total_items, sizeof(*s->earlier));
	s->loses = calloc(total_items, sizeof(*s->loses));
	s->room = s->earlier == NULL || s->loses == NULL ? 0 : total_items;
	return s->room == 0 ? err_nomem(e) : 0;
}

/* Finds the records of the chunk (the part of the batch that is in memory) that
 * have equal keys. For record number i, s->earlier[i] becomes the number of the
 * last record before it with the same key, or NO_ITEM; s->loses[i] becomes true
 * if a later record has the same key. Of the records with one key only the last
 * is stored. If the table refuses it, the caller tries the record before it. */
static int
find_equal_keys(struct lite_sink *s, struct outcome *o, struct err *e)
{
	const struct spool *c = o->chunk;
	bool twice = false;
	uint32_t *holder;

	if (replace_arrays_if_too_small(s, c->n, e) == -1)
		return -1;
	for (size_t i = c->n; i-- > 0;) {
		struct line l = spool_get_line(c, i);
		struct reject why;
		int rc = 0;

		s->earlier[i] = NO_ITEM;
		s->loses[i] = false;
		if (c->items[i].kind == ITEM_RECORD &&
		    (rc = lite_convert_record(
			 &s->store, &o->reader, &l, &why, e)) == -1)
			return -1;
		if (rc == 0)
			continue;
		if (add_key_to_set(s, o->reader.shape, i, &holder, e) == -1)
			return -1;
		if (holder == NULL)
			continue;
		twice = s->loses[i] = true;
		s->earlier[*holder] = (int32_t)i;
		*holder = (uint32_t)i;
	}
	if (o->ordinal == 0)
		s->quiet = twice ? 0 : s->quiet + 1;
	return 0;
}

/* Called after record number i of the chunk was stored or rejected (rc). If it
 * was rejected, tries the earlier records with the same key, from the last to
 * the first, until the table accepts one. The earlier records that are not
 * tried are counted as superseded (replaced by a later record with the same
 * key). */
static int
try_or_count_earlier_items(struct lite_sink *s, struct outcome *o, size_t i,
    enum put rc, struct err *e)
{
	int32_t k = s->ahead ? s->earlier[i] : NO_ITEM;

	for (; rc == PUT_REJECTED && k != NO_ITEM; k = s->earlier[k])
		rc = store_or_reject_item(s, o, (size_t)k, false, true, e);
	for (; k != NO_ITEM; k = s->earlier[k])
		o->sums.superseded++;
	return rc == PUT_FAILED ? -1 : 0;
}

/* Tries to store the records that a foreign key has refused once more: the row
 * that such a record refers to may be in the table by then. Repeats this as
 * long as at least one of the records is stored or rejected. When a round
 * changes nothing, one more round rejects each record that is refused again. */
static int
retry_waiting_items(struct lite_sink *s, struct outcome *o, struct err *e)
{
	bool last_try = false;

	while (s->nlater > 0) {
		size_t n = s->nlater, left = 0;

		for (size_t i = 0; i < n; i++) {
			enum put rc = store_or_reject_item(
			    s, o, s->later[i], false, last_try, e);

			if (rc == PUT_LATER)
				s->later[left++] = s->later[i];
			else if (rc == PUT_FAILED ||
				 try_or_count_earlier_items(
				     s, o, s->later[i], rc, e) == -1)
				return -1;
		}
		last_try = left == n;
		s->nlater = left;
	}
	return 0;
}

static enum sink_result
store_item_or_let_wait(
    struct lite_sink *s, struct outcome *o, size_t i, struct err *e)
{
	enum put rc = store_or_reject_item(s, o, i, true, false, e);

	if (rc == PUT_TWICE) {
		s->ahead = true;
		s->quiet = 0;
		return SINK_REPEAT;
	}
	if (rc == PUT_LATER)
		return add_waiting_item(s, i, e) == -1 ? SINK_FAILED
						       : SINK_DONE;
	return try_or_count_earlier_items(s, o, i, rc, e) == -1 ? SINK_FAILED
								: SINK_DONE;
}

/* Prepares the sink for a chunk (the part of the batch that is in memory). At
 * the first chunk of a batch also takes the time for --touch and --seen, and
 * stops looking for equal keys if the last 16 batches had none. */
static void
reset_sink_for_chunk(struct lite_sink *s, struct outcome *o)
{
	if (reader_forget_shapes_if_many(&o->reader))
		lite_store_free_statements(&s->store);
	if (o->ordinal == 0) {
		clock_format_utc_now(s->store.now);
		s->ahead = s->ahead && s->quiet < QUIET_MAX;
	}
	keyset_clear(&s->keys);
	s->nlater = 0;
}

static enum sink_result
lite_sink_load_chunk(void *self, struct outcome *o, struct err *e)
{
	struct lite_sink *s = self;
	enum sink_result rc;

	reset_sink_for_chunk(s, o);
	if (s->ahead && find_equal_keys(s, o, e) == -1)
		return SINK_FAILED;
	for (size_t i = 0; i < o->chunk->n; i++) {
		if (i % STOP_EVERY == 0 && stop_signal() != 0)
			return err_set(e, ERR_RETRY, false,
			    "stopped by a signal");
		if (o->chunk->items[i].kind != ITEM_RECORD)
			continue;
		o->sums.in++;
		if (s->ahead && s->loses[i])
			continue;
		if ((rc = store_item_or_let_wait(s, o, i, e)) != SINK_DONE)
			return rc;
	}
	rc = retry_waiting_items(s, o, e) == -1 ? SINK_FAILED : SINK_DONE;
	if (s->store.scratch.cap > SPOOL_LARGE)
		buf_release(&s->store.scratch);
	return rc;
}

/* Checks the deferred foreign keys, which SQLite itself checks only at COMMIT.
 * If a referenced row is missing, SQLite does not say which row refers to it.
 * So the result is SINK_REPEAT: the caller repeats the batch, and because
 * s->store.careful is set, the sink then checks the foreign keys after each
 * record. */
static enum sink_result
lite_sink_check_deferred_at_end(void *self, struct err *e)
{
	struct lite_sink *s = self;
	bool again =
	    !s->store.careful && db_missing_references(s->store.db) > 0;

	s->store.careful = again;
	return again ? SINK_REPEAT : SINK_DONE;
}

static void
lite_sink_reset(void *self)
{
}

const struct sink sink_sqlite = {
    .kind = DB_SQLITE,
    .open = lite_sink_open,
    .apply = lite_sink_load_chunk,
    .settle = lite_sink_check_deferred_at_end,
    .reset = lite_sink_reset,
    .close = lite_sink_close,
};
