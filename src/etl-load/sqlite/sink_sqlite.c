#include "sqlite/sqlite_sink.h"

#include <stdlib.h>
#include <string.h>

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
