#include "sqlite/sqlite_sink.h"

#include "base/stop.h"
#include "sqlite/sqlite_sql.h"

#include <stdlib.h>
#include <string.h>

enum { STOP_EVERY = 256 };

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

enum put
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
