#include "pg/pg_way.h"

/* A chunk with more records or bytes is large: its rows are copied while they
 * are made. */
enum { SMALL_RECORDS = 1000, SMALL_BYTES = 1 << 20 };

/* The most rounds and statements for a chunk. Each statement reads the staging
 * table. If more are needed, merging the rows one by one is faster. */
enum { UPSERTS_MAX = 32, CHANGES_MAX = 64, HISTORY_ROUNDS_MAX = 16 };

static bool
was_tried(const struct chunk_facts *c, enum pg_way way)
{
	return (c->tried & 1U << way) != 0;
}

static bool
expects_new_keys(const struct pg_facts *f, const struct pg_mood *m,
    const struct chunk_facts *c)
{
	return f->copies_new_keys && m->all_new && !f->straight &&
	    !c->judge_all && !c->notes_keys && !f->too_wide;
}

static bool
is_small(const struct pg_facts *f, const struct pg_mood *m,
    const struct chunk_facts *c)
{
	return f->fits_script && c->stage_lasts && !c->notes_keys &&
	    !m->deferred && c->records <= SMALL_RECORDS &&
	    c->bytes <= SMALL_BYTES;
}

/* True if one statement may merge many rows. It may not if equal keys are
 * expected, because one statement cannot update a row twice. */
static bool
may_merge_many(const struct pg_facts *f, const struct pg_mood *m,
    const struct chunk_facts *c)
{
	return !f->one_by_one &&
	    (!m->twice || c->distinct || !f->updates);
}

/* True if one statement for the whole chunk gives the same result as merging
 * the rows one by one. */
static bool
may_merge_at_once(const struct pg_facts *f, const struct pg_mood *m,
    const struct chunk_facts *c)
{
	return c->shapes == 1 && may_merge_many(f, m, c) &&
	    (!c->updates_first || (!c->order_matters &&
	    (c->distinct || !f->updates)));
}

/* True if the chunk may have equal keys, and a few statements, each for many
 * rows, give the same result as merging the rows one by one. If a table has a
 * foreign key to itself, a refused row may have to wait for the row that it
 * refers to. It must be dropped if a later row of its own key was merged
 * meanwhile. Only the merge row by row can do this. */
static bool
may_merge_equal(const struct pg_facts *f, const struct pg_mood *m,
    const struct chunk_facts *c)
{
	return m->twice && !c->distinct && f->updates &&
	    !f->one_by_one && !f->refers_to_itself && !c->order_matters;
}

/* True if the changes of different keys may be applied together, in any order.
 * Their order matters to triggers FOR EACH ROW (in_order). It also matters if
 * the table has a second unique index: a deleted row frees its values there for
 * a later insert. */
static bool
may_merge_changes(const struct pg_facts *f, const struct chunk_facts *c)
{
	return !f->strict && !f->in_order && !f->refers_to_itself &&
	    !f->other_unique && !c->moves_rows;
}

/* Called if a merge in rounds gives the right result. */
static enum pg_way
choose_rounds(const struct chunk_facts *c, uint64_t each, uint64_t most)
{
	if (was_tried(c, PG_MERGE_ROUNDS))
		return PG_MERGE_SINGLY;
	if (c->most == NOT_COUNTED)
		return PG_COUNT_MOST;
	return (uint64_t)c->most * each <= most ? PG_MERGE_ROUNDS :
	    PG_MERGE_SINGLY;
}

/* One statement for each shape gives the same result as merging the rows one by
 * one if may_merge_at_once() says so, or if neither the order of different keys
 * nor that of equal keys matters. */
static enum pg_way
choose_upsert(const struct pg_facts *f, const struct pg_mood *m,
    const struct chunk_facts *c)
{
	if (!was_tried(c, PG_MERGE_SHAPES)) {
		if (may_merge_at_once(f, m, c))
			return PG_MERGE_SHAPES;
		if (may_merge_many(f, m, c) && !c->order_matters) {
			if (!f->keyed ||
			    (uint64_t)c->keys == c->staged)
				return PG_MERGE_SHAPES;
			if (c->keys == NOT_COUNTED)
				return PG_COUNT_KEYS;
		}
	}
	if (!may_merge_equal(f, m, c))
		return PG_MERGE_SINGLY;
	if (!c->last_counts)
		return choose_rounds(c, c->shapes, UPSERTS_MAX);
	return was_tried(c, PG_MERGE_LAST) ? PG_MERGE_SINGLY : PG_MERGE_LAST;
}

/* In --mode scd2 the rows of each key are counted even if they are merged one
 * by one: a warning tells the count. */
static enum pg_way
choose_history(const struct pg_facts *f, const struct chunk_facts *c)
{
	if (c->most == NOT_COUNTED)
		return PG_COUNT_MOST;
	if (f->one_by_one || c->order_matters)
		return PG_MERGE_SINGLY;
	return choose_rounds(c, 1, HISTORY_ROUNDS_MAX);
}

static enum pg_way
choose_merge(const struct pg_facts *f, const struct pg_mood *m,
    const struct chunk_facts *c)
{
	if (f->history)
		return choose_history(f, c);
	if (!f->changes)
		return choose_upsert(f, m, c);
	return may_merge_changes(f, c) ?
	    choose_rounds(c, c->shapes + 1, CHANGES_MAX) : PG_MERGE_SINGLY;
}

/* Copying the rows shape by shape changes their order. If two rows have the
 * same value in a unique index, the index accepts the row that comes first. */
static bool
may_copy_by_shape(const struct pg_facts *f, const struct chunk_facts *c)
{
	if (c->shapes == 1)
		return true;
	if (f->other_unique)
		return false;
	return !f->in_order;
}

/* What to do with rows that were sent to a COPY directly into the table. */
static enum pg_way
choose_copy(const struct pg_facts *f, const struct pg_mood *m,
    const struct chunk_facts *c)
{
	if (!was_tried(c, PG_COPY))
		return PG_COPY;
	if (f->too_wide)
		return PG_COPY_WIDE;
	if (f->straight && !c->has_empty && !f->refers_to_itself &&
	    !m->deferred && may_copy_by_shape(f, c))
		return PG_COPY_AROUND;
	return PG_TO_STAGE;
}

enum pg_way
pg_choose_way(const struct pg_facts *f, const struct pg_mood *m,
    const struct chunk_facts *c)
{
	switch (c->state) {
	case CHUNK_READ:
		if (f->straight ||
		    (expects_new_keys(f, m, c) && m->pause.left == 0))
			return PG_COPY;
		return is_small(f, m, c) ? PG_SCRIPT : PG_TO_STAGE;
	case CHUNK_SENT:
		return choose_copy(f, m, c);
	case CHUNK_MADE:
		if (!was_tried(c, PG_SCRIPT) && is_small(f, m, c) &&
		    may_merge_at_once(f, m, c))
			return PG_SCRIPT;
		return PG_TO_STAGE;
	case CHUNK_STAGING:
		return PG_TO_STAGE;
	default:
		return choose_merge(f, m, c);
	}
}

void
pg_mood_use(struct pg_mood *m, const struct pg_facts *f,
    const struct chunk_facts *c)
{
	if (expects_new_keys(f, m, c))
		(void)pause_tick(&m->pause);
	m->all_new = false;
}

void
pg_mood_note_keys(struct pg_mood *m, bool equal)
{
	enum { QUIET_MAX = 16 };

	m->quiet = equal ? 0 : m->quiet + 1;
	if (m->quiet >= QUIET_MAX)
		m->twice = false;
}
