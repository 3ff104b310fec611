#include "sqlite/sqlite_sink.h"

#include "base/stop.h"
#include "sqlite/sqlite_value.h"

#include <stdlib.h>
#include <string.h>

enum { STOP_EVERY = 256 };

/* The outcome of an item. */
enum put {
	PUT_FAILED = -1,
	PUT_DONE,               /* stored or rejected */
	PUT_LATER,              /* the row that it refers to may come later */
	PUT_REPEAT              /* the batch must be repeated */
};

static void
lite_sink_close(void *self)
{
	struct lite_sink *s = self;

	if (s == NULL)
		return;
	lite_scopes_release(&s->scopes);
	lite_written_release(s);
	lite_mirror_release(&s->mirror);
	lite_store_release(&s->store);
	keyset_release(&s->keys);
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
	    lite_store_init(&s->store, db, t, e) == -1) {
		lite_sink_close(s);
		return -1;
	}
	*self = s;
	return 0;
}

/* Finds the key of the record whose values are in s->store in the set s->keys.
 * If the set has the key, *holder points to the number of an item; else adds
 * the key with the number `item`, and *holder is NULL. */
static int
find_or_add_key(struct lite_sink *s, const struct shape *shape, size_t item,
    uint32_t **holder, struct err *e)
{
	const struct target *t = s->store.target;
	size_t at = s->keys.bytes.len;
	bool nomem;

	for (size_t k = 0, i = 0; k < t->nkey; k++, i = 0) {
		while (shape->columns[i] != t->key[k])
			i++;
		sqlite_put_value_bytes(
		    &s->keys.bytes, &s->store.values[i]);
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

/* True if a foreign key has refused the record, and a record that follows in
 * the chunk (the part of the batch that is in memory) may insert the row that
 * it refers to. */
static bool
may_succeed_later(const struct lite_store *st)
{
	return st->refers_to_itself && !st->target->mode->history &&
	    strcmp(st->why.msg, "FOREIGN KEY constraint failed") == 0;
}

static uint64_t *
count_of_result(struct sums *t, enum lite_result rc)
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

/* Counts record number i, which is stored. In --mode cdc each record counts for
 * itself. In other modes, if an earlier record with the same
 * key was stored in this chunk, the earlier one is counted as superseded, and
 * this record gets the outcome of both: the row was inserted, or else updated,
 * if one of them did that. */
static int
count_stored_item(struct lite_sink *s, struct outcome *o, size_t i,
    enum lite_result rc, struct err *e)
{
	const struct load_mode *mode = s->store.target->mode;
	uint32_t *holder = NULL;
	unsigned char before;

	if (mode->updates && !mode->changes &&
	    find_or_add_key(s, o->reader.shape, i, &holder, e) == -1)
		return -1;
	before = holder == NULL ? 0 : s->result[*holder];
	if (before != 0) {
		(*count_of_result(&o->sums, before))--;
		o->sums.superseded++;
		rc = before < rc ? before : rc;
	}
	if (holder != NULL)
		*holder = (uint32_t)i;
	s->result[i] = (unsigned char)rc;
	(*count_of_result(&o->sums, rc))++;
	return 0;
}

/* Returns 1 if a record that came after record number i has the same key and
 * was stored: record number i must not overwrite it. Else 0; -1 with *e. */
static int
later_item_was_stored(
    struct lite_sink *s, struct outcome *o, size_t i, struct err *e)
{
	uint32_t *holder = NULL;

	if (s->store.target->mode->updates &&
	    find_or_add_key(s, o->reader.shape, i, &holder, e) == -1)
		return -1;
	return holder != NULL && *holder > i && s->result[*holder] != 0;
}

static enum put
reject_item(struct lite_sink *s, struct outcome *o, size_t i, struct err *e)
{
	return outcome_reject_after_db_fault(o, i, &s->store.fault,
	    s->store.why.msg, e) == -1 ? PUT_FAILED : PUT_DONE;
}

static int
note_key_of_mirror(struct lite_sink *s, const struct shape *shape,
    struct err *e)
{
	return !s->store.target->mode->mirrors ? 0 : lite_mirror_note_stored(
	    &s->mirror, shape, s->store.values, e);
}

/* Tries to store record number i of the chunk (the part of the batch that is
 * in memory) in the table; rejects the record if the table refuses it. If a
 * later record may insert the row that it refers to, the function returns
 * PUT_LATER and does not reject it, unless last_try is true. `waited` is true
 * if this is not the first try. */
static enum put
store_or_reject_item(struct lite_sink *s, struct outcome *o, size_t i,
    bool waited, bool last_try, struct err *e)
{
	struct lite_store *st = &s->store;
	struct line l = spool_get_line(o->chunk, i);
	struct reject why;
	enum lite_result result;
	int rc = lite_convert_record(st, &o->reader, &l, &why, e);

	if (rc == 0)
		rc = outcome_add_reject(o, i, &why, e) == -1 ? -1 : 1;
	else if (rc == 2)
		o->sums.skipped++;
	else if (rc == 1)
		rc = outcome_reject_if_ending(o, i, e);
	if (rc != 0)
		return rc == -1 ? PUT_FAILED : PUT_DONE;
	if (waited && (rc = later_item_was_stored(s, o, i, e)) == -1)
		return PUT_FAILED;
	if (rc == 1) {
		lite_set_missing_reference(st);
		return reject_item(s, o, i, e);
	}
	result = lite_store_record(st, o->reader.shape, e);
	if (result == LITE_FAILED)
		return PUT_FAILED;
	if (result == LITE_REPEAT)
		return PUT_REPEAT;
	if (result == LITE_ENDED)
		return outcome_note_ending(o, i, st->why.msg, e) == -1
			   ? PUT_FAILED
			   : PUT_REPEAT;
	if (result == LITE_REFUSED)
		return !last_try && may_succeed_later(st)
			   ? PUT_LATER
			   : reject_item(s, o, i, e);
	return lite_written_note(s, o->reader.shape, result, e) == -1 ||
	    count_stored_item(s, o, i, result, e) == -1 ||
	    note_key_of_mirror(s, o->reader.shape, e) == -1 ? PUT_FAILED :
	    PUT_DONE;
}

/* Tries to store the records that a foreign key has refused once more: the row
 * that such a record refers to may be in the table by then. Repeats this as
 * long as at least one of the records is stored or rejected. When a round
 * changes nothing, one more round rejects each record that is refused again. */
static enum put
retry_waiting_items(struct lite_sink *s, struct outcome *o, struct err *e)
{
	bool last_try = false;

	while (s->nlater > 0) {
		size_t n = s->nlater, left = 0;

		for (size_t i = 0; i < n; i++) {
			enum put rc = store_or_reject_item(
			    s, o, s->later[i], true, last_try, e);

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

static enum put
store_items_in_order(struct lite_sink *s, struct outcome *o, struct err *e)
{
	enum put rc;

	for (size_t i = 0; i < o->chunk->n; i++) {
		if (i % STOP_EVERY == 0 && stop_signal() != 0) {
			(void)err_set(
			    e, ERR_RETRY, false, "stopped by a signal");
			return PUT_FAILED;
		}
		if (!outcome_has_record(o, i))
			continue;
		o->sums.in++;
		rc = store_or_reject_item(s, o, i, false, false, e);
		if (rc == PUT_LATER)
			rc = add_waiting_item(s, i, e) == -1 ? PUT_FAILED
							     : PUT_DONE;
		if (rc != PUT_DONE)
			return rc;
	}
	return retry_waiting_items(s, o, e);
}

/* Prepares the sink for a chunk (the part of the batch that is in memory). At
 * the first chunk of a batch also takes the time for --touch and --seen. */
static int
reset_sink_for_chunk(struct lite_sink *s, struct outcome *o, struct err *e)
{
	size_t n = o->chunk->n;

	if (reader_forget_shapes_if_many(&o->reader))
		lite_store_free_statements(&s->store);
	if (!o->begun)
		clock_format_utc_now(s->store.now);
	s->store.missing = db_missing_references(s->store.db);
	keyset_clear(&s->keys);
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

/* The records are stored one by one, in order, so the size of a batch changes
 * neither the rows nor the rejects. */
static enum sink_result
lite_sink_load_chunk(void *self, struct outcome *o, struct err *e)
{
	struct lite_sink *s = self;
	enum put rc;

	if (reset_sink_for_chunk(s, o, e) == -1)
		return SINK_FAILED;
	rc = store_items_in_order(s, o, e);
	if (s->store.scratch.cap > SPOOL_LARGE)
		buf_release(&s->store.scratch);
	return rc == PUT_DONE  ? SINK_DONE :
	    rc == PUT_REPEAT ? SINK_REPEAT : SINK_FAILED;
}

/* Checks the deferred foreign keys of a table that refers to itself, which
 * SQLite itself checks only at COMMIT. If a referenced row is missing, SQLite
 * does not say which row refers to it. So the result is SINK_REPEAT: the caller
 * repeats the batch, and because s->store.careful is set, the sink then checks
 * the foreign keys after each record. */
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

	return lite_scopes_delete_rows(&s->scopes, o, unreadable, e);
}

static int
lite_sink_finish_scopes(void *self, struct outcome *o, struct err *e)
{
	struct lite_sink *s = self;

	(void)o;
	return lite_scopes_check_references(&s->scopes, e);
}

/* --replace-by truncate and delete are the same here: SQLite has no TRUNCATE.
 * If the table has no trigger, SQLite deletes all rows at once when a DELETE
 * has no WHERE. */
static int
lite_sink_empty(void *self, uint64_t *removed, struct err *e)
{
	struct lite_sink *s = self;

	return lite_store_delete_all(&s->store, removed, e) == -1 ? -1 :
	    lite_scopes_check_references(&s->scopes, e);
}

static const struct sink_scopes scopes = {
    .check = lite_sink_start_scopes,
    .start = lite_sink_start_scopes,
    .add = lite_sink_add_scopes,
    .finish = lite_sink_finish_scopes,
};

const struct sink sink_sqlite = {
    .kind = DB_SQLITE,
    .open = lite_sink_open,
    .apply = lite_sink_load_chunk,
    .settle = lite_sink_check_deferred_at_end,
    .reset = lite_sink_reset,
    .close = lite_sink_close,
    .empty = lite_sink_empty,
    .scopes = &scopes,
    .written = &lite_written,
    .images = &lite_images,
    .mirror = &lite_mirror_calls,
};
