#include "batch/batch_run.h"

#include "base/text.h"
#include "json/write.h"

enum { MESSAGE_MAX = 2048, ID_SHOWN = 100 };

void
batch_show_id(struct buf *b, const char *id, size_t n)
{
	text_show(b, id, text_cut_length(id, n, ID_SHOWN));
}

/* Rejects a record because the answer has no record with its id, or has several
 * of them. */
static int
reject_for_count(struct batch_run *x, const struct line *l,
    const struct join_group *g, struct err *e)
{
	struct reject r = { .code = "http",
	    .http_status = x->call.answer.status };
	const struct join *j = &x->join;
	struct buf b;
	int rc;

	buf_init(&b, MESSAGE_MAX);
	if (g->answers > 1) {
		buf_printf(&b, "the answer has %zu records with the id ",
		    g->answers);
		batch_show_id(&b, g->id, g->id_len);
		buf_str(&b, ": to take all of them give --many");
	} else {
		buf_str(&b, "the answer has no record with the id ");
		batch_show_id(&b, g->id, g->id_len);
		if (j->without > 0)
			buf_printf(&b, ", and %zu of its records have no "
			    "valid member %.100s: check --match", j->without,
			    x->option.match);
	}
	r.message = buf_text(&b);
	rc = buf_check(&b, e) == -1 ? -1 : stage_reject(x->stage, l, &r, e);
	buf_release(&b);
	return rc;
}

/* Appends the member --as: the answer of the record's group, null if it has
 * none, or with --many an array of its answers. */
static void
put_answers(struct batch_run *x, const struct join_group *g)
{
	struct buf *out = &x->call.out;
	size_t at = g->first;

	json_put_raw(out, x->o->as, "", 0);
	if (g->answers == 0) {
		buf_str(out, "null");
		return;
	}
	if (x->option.many)
		buf_char(out, '[');
	for (size_t i = 0; i < g->answers; i++) {
		if (i > 0) {
			at = x->join.v[at].next;
			buf_char(out, ',');
		}
		json_put_compact(out, &x->call.body.j, x->join.v[at].token);
	}
	if (x->option.many)
		buf_char(out, ']');
}

/* Writes a record with its answers, or rejects it. */
static int
write_joined(struct batch_run *x, const struct batch_record *r, struct err *e)
{
	const struct line l = batch_line(&x->batch, r);
	const struct join_group *g;

	if (r->id_len == 0)
		return batch_read_id(x, &l, true, e);
	g = &x->join.group[r->group];
	if ((g->answers == 0 && !x->option.missing_is_null &&
	    !x->call.answer.is_ignored) || (g->answers > 1 && !x->option.many))
		return reject_for_count(x, &l, g, e);
	buf_clear(&x->call.out);
	buf_add(&x->call.out, l.data + r->open.at, r->open.len);
	if (x->o->as != NULL)
		put_answers(x, g);
	if (x->o->count_as != NULL)
		json_put_int(
		    &x->call.out, x->o->count_as, (int64_t)g->answers);
	return each_emit(x->stage, &x->call.out, &l, e);
}

int
batch_write(struct batch_run *x, size_t from, size_t to, const struct err *why,
    struct err *e)
{
	const struct batch_record *r;
	struct line l;

	for (size_t i = from; i < to; i++) {
		r = &x->batch.v[i];
		l = batch_line(&x->batch, r);
		if ((why == NULL || r->id_len == 0 ?
		    write_joined(x, r, e) :
		    each_reject_request(
			x->stage, &l, x->call.answer.status, why, e)) == -1)
			return -1;
	}
	return 0;
}
