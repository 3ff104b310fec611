#include "batch/route.h"

#include "base/stop.h"
#include "base/text.h"
#include "batch/rejected_bytes.h"
#include "json/pointer.h"
#include "json/write.h"
#include "table/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STOP_EVERY = 256 };

int
route_open(struct route *r, struct stage *s, const struct table_list *list,
    const char *pointer, struct err *e)
{
	*r = (struct route){ .stage = s, .list = list, .pointer = pointer,
		.levels = pointer_count(pointer) };
	if (r->levels > JSON_LEVELS_ALL)
		r->levels = JSON_LEVELS_ALL;
	buf_init(&r->text, SIZE_MAX / 4);
	buf_init(&r->raw, SIZE_MAX / 4);
	refusals_init(&r->refused);
	r->records = calloc(list->n + 1, sizeof(*r->records));
	return r->records == NULL ? err_nomem(e) : 0;
}

void
route_release(struct route *r)
{
	json_release(&r->json);
	buf_release(&r->text);
	buf_release(&r->raw);
	refusals_release(&r->refused);
	free(r->table_of);
	free(r->records);
	*r = (struct route){ 0 };
}

void
route_reset(struct route *r)
{
	r->sums = (struct sums){ 0 };
	refusals_clear(&r->refused);
}

static int
refuse_record(struct route *r, size_t i, const char *reason, struct err *e)
{
	const struct reject why = { .code = "schema", .pointer = r->pointer,
		.message = reason };

	return refusals_add(&r->refused, i, &why, e);
}

static int
refuse_name(struct route *r, size_t i, const char *name, size_t len,
    struct err *e)
{
	size_t shown = text_cut_length(name, len, 200);

	buf_clear(&r->raw);
	text_show(&r->raw, name, shown);
	(void)snprintf(r->message, sizeof(r->message),
	    "--tables has no table of the name \"%s\"", buf_text(&r->raw));
	return buf_check(&r->raw, e) == -1 ? -1 :
	    refuse_record(r, i, r->message, e);
}

/* Finds the name in the scanned record r->json. Returns its token, or 0 if the
 * record has none; *reason then says why. */
static uint32_t
find_table_name(struct route *r, const char **reason)
{
	uint32_t v;

	if (!pointer_find(&r->json, r->pointer, &v)) {
		(void)snprintf(r->message, sizeof(r->message), "the record "
		    "has no value at %.200s, which says which table it belongs "
		    "to (--table-from)", r->pointer);
		*reason = r->message;
		return 0;
	}
	if (r->json.tok[v].type == JSON_STRING)
		return v;
	*reason = "the value says which table the record belongs to "
	    "(--table-from), but it is not a string";
	return 0;
}

/* Finds the number of the table whose NAME is the value at token v of r->json.
 * Returns r->list->n if --tables lacks this NAME. Sets *name and *len to it. */
static size_t
find_table(struct route *r, uint32_t v, const char **name, size_t *len)
{
	const struct json_tok *t = &r->json.tok[v];

	*name = r->json.text + t->at + 1;
	*len = t->len - 2;
	if (t->flags & JSON_ESCAPED) {
		buf_clear(&r->text);
		json_unescape(&r->text, &r->json, v);
		*name = buf_text(&r->text);
		*len = r->text.len;
	}
	return table_list_find(r->list, *name, *len, r->last);
}

/* Finds the table of the record. Refuses a record without a table, and skips a
 * tombstone. */
static int
route_record(struct route *r, const struct line *l, size_t item, struct err *e)
{
	struct reject why = { 0 };
	const char *name, *reason = NULL;
	size_t len, table;
	uint32_t v;
	int rc;

	r->table_of[item] = NO_TABLE;
	if (r->tombstones && change_is_tombstone(l)) {
		r->skipped++;
		return 0;
	}
	/* A member may come twice here (JSON_LAST). When the record is read for
	 * its table, --duplicate-members decides about it. */
	rc = stage_parse_only(r->stage, l, &r->json, r->levels, JSON_LAST, &why,
	    e);
	if (rc != 1)
		return rc == -1 ? -1 : refusals_add(&r->refused, item, &why, e);
	if (r->tombstones && change_has_null_payload(&r->json)) {
		r->skipped++;
		return 0;
	}
	if ((v = find_table_name(r, &reason)) == 0)
		return refuse_record(r, item, reason, e);
	table = find_table(r, v, &name, &len);
	if (buf_check(&r->text, e) == -1)
		return -1;
	if (table == r->list->n)
		return refuse_name(r, item, name, len, e);
	r->table_of[item] = (uint16_t)table;
	r->records[table]++;
	r->last = table;
	return 0;
}

/* Finds the table of a record that an earlier stage has rejected, by the bytes
 * of the record in the reject line. Finds none if the line holds only a part of
 * the record. */
static int
route_rejected(struct route *r, const struct line *l, size_t item,
    struct err *e)
{
	struct json_fault f = { 0 };
	const char *name, *reason = NULL;
	size_t len, table;
	uint32_t v;

	r->table_of[item] = NO_TABLE;
	if (!r->rejects_too)
		return 0;
	buf_clear(&r->raw);
	if (json_scan(&r->json, l->data, l->len, 1, JSON_LAST, &f) == -1)
		return f.nomem ? err_nomem(e) : 0;
	put_rejected_bytes(&r->raw, &r->json);
	(void)buf_text(&r->raw);
	if (buf_check(&r->raw, e) == -1)
		return -1;
	if (json_scan(&r->json, buf_text(&r->raw), r->raw.len, r->levels,
		JSON_LAST, &f) == -1)
		return f.nomem ? err_nomem(e) : 0;
	if ((v = find_table_name(r, &reason)) == 0)
		return 0;
	table = find_table(r, v, &name, &len);
	if (table < r->list->n)
		r->table_of[item] = (uint16_t)table;
	return buf_check(&r->text, e);
}

static int
grow_table_of(struct route *r, size_t n, struct err *e)
{
	uint16_t *p;

	if (n <= r->room)
		return 0;
	if ((p = realloc(r->table_of, n * sizeof(*p))) == NULL)
		return err_nomem(e);
	r->table_of = p;
	r->room = n;
	return 0;
}

int
route_find_tables(struct route *r, const struct spool *chunk, struct err *e)
{
	int rc = grow_table_of(r, chunk->n, e);

	memset(r->records, 0, r->list->n * sizeof(*r->records));
	refusals_clear(&r->refused);
	r->made = 0;
	r->skipped = 0;
	for (size_t i = 0; i < chunk->n && rc == 0; i++) {
		const struct line l = spool_get_line(chunk, i);

		if (i % STOP_EVERY == 0 && stop_signal() != 0)
			return err_set(e, ERR_RETRY, false,
			    "stopped by a signal");
		rc = chunk->items[i].kind == ITEM_RECORD ?
		    route_record(r, &l, i, e) :
		    route_rejected(r, &l, i, e);
	}
	return rc;
}

int
route_make_line(struct route *r, const struct spool *chunk, size_t i,
    uint64_t ordinal, struct reject_lines *to, struct err *e)
{
	const struct line l = spool_get_line(chunk, i);
	struct reject why;

	if (r->made == r->refused.n || r->refused.v[r->made].item != i)
		return 0;
	why = refusals_get(&r->refused, r->made++);
	reject_fill(&why, &l);
	if (stage_reject_way(r->stage) == REJECT_NOWHERE)
		return stage_no_reject_place(r->stage, &why, e);
	if (!reject_lines_foreign(to))
		why.target = r->pointer;
	return reject_lines_add(to, &why, ordinal + i, e);
}

void
route_count_chunk(struct route *r)
{
	r->sums.in += r->refused.n + r->skipped;
	r->sums.rejected += r->refused.n;
	r->sums.skipped += r->skipped;
}
