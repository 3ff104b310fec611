#include "nested/child_rows.h"

#include "loader.h"

#include <stdlib.h>
#include <string.h>

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

enum sink_result
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
	const uint64_t line = l->spool.items[item].number;
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

enum sink_result
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
	    spool_add_appended(&c->keys, at, l->spool.items[item].number,
	    e) == -1)
		return SINK_FAILED;
	return rc == 0 ? SINK_DONE : add_child_rows(l, c, array, item, e);
}
