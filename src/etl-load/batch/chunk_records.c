#include "batch/chunk_records.h"

#include "base/stop.h"
#include "batch/rejected_bytes.h"
#include "batch/route.h"

enum { STOP_EVERY = 256 };

struct visit {
	struct outcome *o;
	take_part *take;
	void *self;
	uint64_t *unreadable;
};

/* Called before record number i. Looks for a stop signal at every STOP_EVERY-th
 * record. */
static int
check_stop(size_t i, struct err *e)
{
	if (i % STOP_EVERY != 0 || stop_signal() == 0)
		return 0;
	return err_set(e, ERR_RETRY, false, "stopped by a signal");
}

/* Adds 1 to *unreadable if take() returns 0. */
static int
call_take(const struct visit *v, const struct line *l, struct err *e)
{
	int rc = v->take(v->self, &v->o->reader, l, e);

	*v->unreadable += rc == 0;
	return rc == -1 ? -1 : 0;
}

int
chunk_each_record(struct outcome *o, take_part *take, void *self,
    uint64_t *unreadable, struct err *e)
{
	const struct visit v = { o, take, self, unreadable };

	for (size_t i = 0; i < o->chunk->n; i++) {
		const struct line l = spool_get_line(o->chunk, i);

		if (check_stop(i, e) == -1)
			return -1;
		if (outcome_has_record(o, i) && call_take(&v, &l, e) == -1)
			return -1;
	}
	return 0;
}

/* Calls take() for the rejected record of a reject line. The reject line holds
 * the bytes of the record. Of a record that was too long it holds only the
 * beginning, which is not valid JSON: take() then finds no values in it. */
static int
take_rejected(const struct visit *v, const struct line *reject, struct err *e)
{
	struct json j = { 0 };
	struct json_fault f = { 0 };
	struct line l = { .data = "" };
	struct buf raw;
	int rc;

	buf_init(&raw, SIZE_MAX / 2);
	rc = json_scan(&j, reject->data, reject->len, 1, JSON_LAST, &f);
	if (rc == 0) {
		put_rejected_bytes(&raw, &j);
		l.data = buf_text(&raw);
		l.len = raw.len;
		rc = buf_check(&raw, e);
	} else if (f.nomem) {
		(void)err_nomem(e);
	} else {
		rc = 0;
	}
	if (rc == 0)
		rc = call_take(v, &l, e);
	json_release(&j);
	buf_release(&raw);
	return rc;
}

int
chunk_each_rejected(struct outcome *o, take_part *take, void *self,
    uint64_t *unreadable, struct err *e)
{
	const struct visit v = { o, take, self, unreadable };

	for (size_t i = 0; i < o->refused.n; i++) {
		const struct line l =
		    spool_get_line(o->chunk, o->refused.v[i].item);

		if (check_stop(i, e) == -1 ||
		    call_take(&v, &l, e) == -1)
			return -1;
	}
	for (size_t i = 0; i < o->chunk->n; i++) {
		const struct line l = spool_get_line(o->chunk, i);

		if (o->table_of != NULL && o->table_of[i] != o->table) {
			*unreadable += o->table_of[i] == NO_TABLE;
			continue;
		}
		if (o->chunk->items[i].kind == ITEM_REJECT &&
		    (check_stop(i, e) == -1 ||
		    take_rejected(&v, &l, e) == -1))
			return -1;
	}
	return 0;
}
